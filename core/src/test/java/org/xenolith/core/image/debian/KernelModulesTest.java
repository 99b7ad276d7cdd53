package org.xenolith.core.image.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;
import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.TestElf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

class KernelModulesTest {
    private static final Pattern LINE = Pattern.compile("(?m)^(kernel/\\S+\\.ko):(.*)$");

    private static final String RELEASE = "6.12.1-cloud-amd64";

    @TempDir Path root;

    private static byte[] module(String modinfo) {
        return new TestElf()
                .section(".modinfo", 1, modinfo.getBytes(StandardCharsets.ISO_8859_1))
                .build();
    }

    private void write(String path, byte[] contents) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, contents);
    }

    private static byte[] xz(byte[] contents) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (XZOutputStream out = new XZOutputStream(packed, new LZMA2Options())) {
            out.write(contents);
        }
        return packed.toByteArray();
    }

    private String archiveOf(String... names) throws IOException {
        Initramfs initramfs = new Initramfs();
        KernelModules.read(root, RELEASE, List.of(names)).addTo(initramfs);
        Path archive = root.resolve("initrd");
        initramfs.writeTo(archive);
        return Files.readString(archive, StandardCharsets.ISO_8859_1);
    }

    @Test
    void packedModulesAreUnpackedIntoTheArchive() throws IOException {
        write(
                "kernel/drivers/block/xen-blkfront.ko.xz",
                xz(module("alias=xen:vbd\0depends=blk-helper\0")));
        write("kernel/lib/blk-helper.ko.zst", Zstd.compress(module("license=GPL\0depends=\0")));
        write("kernel/drivers/net/xen-netfront.ko", module("depends=\0"));
        assertThat(archiveOf("xen-blkfront", "xen-netfront"))
                .contains("lib/modules/" + RELEASE + "/kernel/drivers/block/xen-blkfront.ko\0")
                .contains("kernel/drivers/block/xen-blkfront.ko: kernel/lib/blk-helper.ko\n")
                .contains("kernel/drivers/net/xen-netfront.ko:\n")
                .contains("alias xen:vbd xen_blkfront\n")
                .contains("license=GPL")
                .doesNotContain(".ko.xz")
                .doesNotContain(".ko.zst");
    }

    @Test
    void kernelWithoutADriverForDisksIsRefused() throws IOException {
        write("kernel/drivers/net/xen-netfront.ko", module("depends=\0"));
        assertThatThrownBy(() -> archiveOf("xen-blkfront", "xen-netfront"))
                .isInstanceOf(ImageException.class)
                .hasMessageStartingWith("The kernel 6.12.1-cloud-amd64 has no xen-blkfront");
        write(
                "modules.builtin",
                "kernel/drivers/block/xen-blkfront.ko\n".getBytes(StandardCharsets.UTF_8));
        assertThat(archiveOf("xen-blkfront", "xen-netfront")).doesNotContain("blkfront");
    }

    @Test
    void moduleThatIsDamagedIsNamed() throws IOException {
        byte[] packed = xz(module("depends=\0"));
        packed[packed.length / 2] ^= 0x55;
        write("kernel/drivers/block/xen-blkfront.ko.xz", packed);
        assertThatThrownBy(() -> archiveOf("xen-blkfront"))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("xen-blkfront.ko.xz: truncated or corrupt xz data");
    }

    @Test
    void eachModuleStandsInFrontOfWhatItNeedsItself() throws IOException {
        String archive =
                Files.readString(DebianInput.lampInitrdOrSkip(), StandardCharsets.ISO_8859_1);
        Matcher lines = LINE.matcher(archive);
        Map<String, List<String>> needs = new HashMap<>();
        while (lines.find()) {
            needs.put(
                    lines.group(1),
                    lines.group(2).isBlank()
                            ? List.of()
                            : new ArrayList<>(List.of(lines.group(2).strip().split(" "))));
        }
        assertThat(needs).anySatisfy((name, list) -> assertThat(list).hasSizeGreaterThan(2));
        needs.forEach(
                (name, list) -> {
                    for (int i = 0; i < list.size(); i++) {
                        assertThat(list.subList(i, list.size()))
                                .as("after %s in the line of %s", list.get(i), name)
                                .containsAll(needs.get(list.get(i)));
                    }
                });
    }
}
