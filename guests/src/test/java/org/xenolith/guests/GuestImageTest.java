package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

class GuestImageTest {
    private static final long VIRT_BASE = 0xffffffff80000000L;
    private static final long KERNEL = VIRT_BASE + 0x100000;
    private static final long KERNEL_LIMIT = KERNEL + 0x100000;

    @Test
    void everyNamedImageCanBeRead() throws IOException {
        assertThat(GuestImages.names()).contains(GuestImages.LANTERN, GuestImages.HEARTH);
        for (String name : GuestImages.names()) {
            assertThat(GuestImages.read(name)).as(name).isNotEmpty();
        }
    }

    @Test
    void anUnknownNameIsAnsweredWithTheKnownOnes() {
        assertThatThrownBy(() -> GuestImages.open("../lantern"))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("lantern");
    }

    @ParameterizedTest
    @MethodSource("org.xenolith.guests.GuestImages#names")
    void eachIsA64BitKernelThatTheDomainBuilderUnderstands(String name) throws IOException {
        assertThatImageIsAXenKernel(name, GuestImages.read(name));
    }

    @ParameterizedTest
    @MethodSource("org.xenolith.guests.GuestImages#names")
    void eachIsTheImageThatItsBuildRecordDescribes(String name) throws Exception {
        assertThat(sha256(GuestImages.read(name)))
                .isEqualTo(GuestBuild.recorded(name).getProperty("sha256"));
    }

    static void assertThatImageIsAXenKernel(String name, byte[] image) {
        XenNotes elf = XenNotes.readFrom(image);
        assertThat(elf.elfClass()).as("ELF class").isEqualTo(XenNotes.ELFCLASS64);
        assertThat(elf.type()).as("ELF type").isEqualTo(XenNotes.ET_EXEC);
        assertThat(elf.machine()).as("ELF machine").isEqualTo(XenNotes.EM_X86_64);
        assertThat(elf.text(XenNotes.XEN_VERSION)).isEqualTo("xen-3.0");
        assertThat(elf.text(XenNotes.LOADER)).isEqualTo("generic");
        assertThat(elf.text(XenNotes.GUEST_OS)).isEqualTo(name);
        assertThat(elf.text(XenNotes.FEATURES)).isEqualTo("!writable_page_tables");
        assertThat(elf.number(XenNotes.VIRT_BASE)).isEqualTo(VIRT_BASE);
        assertThat(elf.number(XenNotes.PADDR_OFFSET)).isZero();
        assertThat(elf.number(XenNotes.ENTRY)).as("entry").isBetween(KERNEL, KERNEL_LIMIT);
        assertThat(elf.number(XenNotes.HYPERCALL_PAGE))
                .as("hypercall page")
                .isBetween(KERNEL, KERNEL_LIMIT)
                .satisfies(page -> assertThat(page % 4096).isZero());
    }

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
