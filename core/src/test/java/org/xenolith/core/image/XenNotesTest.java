package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

class XenNotesTest {
    @Test
    void everyNoteNumberIsTheOneOfXensHeader() {
        assertThat(XenElfNote.PHYS32_ENTRY.number()).isEqualTo(18);
        for (XenElfNote note : XenElfNote.values()) {
            assertThat(XenElfNote.ofNumber(note.number())).contains(note);
        }
        assertThat(XenElfNote.ofNumber(19)).isEmpty();
        assertThat(XenElfNote.ofNumber(-1)).isEmpty();
    }

    @Test
    void typedNotesAreReadWithTheirValues() throws ImageException {
        XenNotes notes =
                notes(
                        TestElf.pvKernel()
                                .note(XenElfNote.HYPERCALL_PAGE, TestElf.number(0x1000))
                                .note(XenElfNote.PADDR_OFFSET, new byte[4])
                                .note(XenElfNote.SUSPEND_CANCEL, new byte[] {1, 0, 0, 0})
                                .note(XenElfNote.MOD_START_PFN, TestElf.number(1))
                                .note(XenElfNote.INIT_P2M, TestElf.number(0x8000000000L))
                                .note(XenElfNote.L1_MFN_VALID, pair(1, 1)));

        assertThat(notes.entry()).hasValue(TestElf.ENTRY);
        assertThat(notes.hypercallPage()).hasValue(0x1000);
        assertThat(notes.paddrOffset()).isZero();
        assertThat(notes.xenVersion()).contains("xen-3.0");
        assertThat(notes.guestOs()).contains("linux");
        assertThat(notes.loader()).contains("generic");
        assertThat(notes.suspendCancel()).isTrue();
        assertThat(notes.modStartPfn()).isTrue();
        assertThat(notes.initP2m()).hasValue(0x8000000000L);
        assertThat(notes.l1MfnValid()).contains(new XenNotes.L1MfnValid(1, 1));
        assertThat(notes.hvStartLow()).isEmpty();
        assertThat(notes.phys32Entry()).isEmpty();
        assertThat(notes.isLegacy()).isFalse();
    }

    private static byte[] pair(long first, long second) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(first)
                .putLong(second)
                .array();
    }

    @Test
    void featuresComeFromTheTextAndFromTheMask() throws ImageException {
        XenNotes notes =
                notes(
                        TestElf.pvKernel()
                                .note(
                                        XenElfNote.FEATURES,
                                        TestElf.text("!writable_page_tables|pae_pgdir_above_4gb"))
                                .note(
                                        XenElfNote.SUPPORTED_FEATURES,
                                        new byte[] {0x01, (byte) 0x88, 0, 0}));

        assertThat(notes.requiredFeatures()).containsExactly(XenFeature.WRITABLE_PAGE_TABLES);
        assertThat(notes.supportedFeatures())
                .containsExactly(
                        XenFeature.WRITABLE_PAGE_TABLES,
                        XenFeature.PAE_PGDIR_ABOVE_4GB,
                        XenFeature.DOM0,
                        XenFeature.LINUX_RSDP_UNRESTRICTED);
    }

    @Test
    void notesOfOtherOwnersAreNotTakenForXens() throws ImageException {
        XenNotes notes =
                notes(
                        new TestElf()
                                .note("GNU", XenElfNote.ENTRY.number(), TestElf.number(1))
                                .note("Xen", 0x1000001, TestElf.number(2)));

        assertThat(notes.isEmpty()).isTrue();
    }

    @Test
    void notesInASectionAreFoundWhenNoSegmentHasThem() throws ImageException {
        assertThat(notes(TestElf.pvKernel().notesInSection()).entry()).hasValue(TestElf.ENTRY);
    }

    @Test
    void theGuestStringOfOldKernelsIsUnderstood() throws ImageException {
        String guest =
                "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0xc0000000,VIRT_ENTRY=0xc0100000,"
                    + "HYPERCALL_PAGE=0x2,PAE=yes,LOADER=generic,FEATURES=!writable_page_tables";
        XenNotes notes =
                notes(
                        new TestElf()
                                .section(
                                        "__xen_guest",
                                        1,
                                        guest.getBytes(StandardCharsets.US_ASCII)));

        assertThat(notes.isLegacy()).isTrue();
        assertThat(notes.entry()).hasValue(0xc0100000L);
        assertThat(notes.virtBase()).isEqualTo(0xc0000000L);
        assertThat(notes.paddrOffset()).isEqualTo(0xc0000000L);
        assertThat(notes.hypercallPage()).hasValue(0xc0002000L);
        assertThat(notes.guestOs()).contains("Mini-OS");
        assertThat(notes.requiredFeatures()).containsExactly(XenFeature.WRITABLE_PAGE_TABLES);
        assertThatCode(notes::requirePv).doesNotThrowAnyException();
    }

    @Test
    void aNoteThatClaimsToBeLongerThanItsSegmentEndsTheWalk() throws ImageException {
        byte[] file = TestElf.pvKernel().note(XenElfNote.GUEST_VERSION, new byte[8]).build();
        int lastRecord = file.length - 24; // 12 of header, 4 of name, 8 of value
        System.arraycopy(TestBzImage.word(-1), 0, file, lastRecord + 4, 4);

        XenNotes notes = XenNotes.of(ElfImage.parse(file));

        assertThat(notes.guestVersion()).isEmpty();
        assertThat(notes.loader()).contains("generic");
    }

    @Test
    void aNoteThatIsLongerThanAnyOfXensIsNotKept() throws ImageException {
        XenNotes notes =
                notes(
                        TestElf.pvKernel()
                                .note(XenElfNote.GUEST_VERSION, new byte[4097])
                                .note(XenElfNote.HYPERCALL_PAGE, TestElf.number(0x1000)));

        assertThat(notes.present()).doesNotContain(XenElfNote.GUEST_VERSION);
        assertThat(notes.hypercallPage()).hasValue(0x1000);
    }

    private static XenNotes notes(TestElf elf) throws ImageException {
        return XenNotes.of(ElfImage.parse(elf.build()));
    }
}
