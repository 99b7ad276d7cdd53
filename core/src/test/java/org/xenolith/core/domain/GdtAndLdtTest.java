package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.mmu.Ram;

/** Selectors and the descriptors that they name. */
class GdtAndLdtTest {
    private static final int TI = 4;
    private static final long LDT = 0x5000;

    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final GdtAndLdt tables = guest.vcpu(0).descriptors;

    private void putGdt(int page, int entry, long descriptor) {
        long host = guest.memory.frames.ownFrame(guest.memory.pages[page]);
        Ram.putLong(host + entry * 8L, descriptor);
    }

    @Test
    void selectorNamesAnEntryOfOneOfTheGdtsPages() {
        putGdt(10, 511, 0xaaa);
        putGdt(11, 0, 0xbbb);
        tables.setGdt(new long[] {guest.memory.pages[10], guest.memory.pages[11]}, 514);
        assertThat(tables.descriptor(511 * 8 | 3)).isEqualTo(0xaaa);
        assertThat(tables.descriptor(512 * 8)).isEqualTo(0xbbb);
    }

    @Test
    void entryBehindTheGdtsEndHasNoDescriptor() {
        putGdt(10, 16, 0xaaa);
        putGdt(10, 15, 0xbbb);
        tables.setGdt(new long[] {guest.memory.pages[10]}, 16);
        assertThat(tables.descriptor(15 * 8)).isEqualTo(0xbbb);
        assertThat(tables.descriptor(16 * 8)).isZero();
        tables.setGdt(new long[] {guest.memory.pages[10]}, 1024);
        assertThat(tables.descriptor(512 * 8)).as("on a page that it has not").isZero();
    }

    @Test
    void xensOwnSegmentsAreThereWithoutAGdt() {
        assertThat(SegmentDescriptor.is64BitCode(tables.descriptor(Selectors.FLAT_CS64))).isTrue();
        assertThat(Selectors.isLoadableData(tables.descriptor(Selectors.FLAT_SS))).isTrue();
        assertThat(tables.descriptor(Selectors.FLAT_CS64 + 0x800)).isZero();
    }

    @Test
    void callersArrayOfGdtFramesIsNotKept() {
        putGdt(10, 1, 0xaaa);
        long[] mfns = {guest.memory.pages[10]};
        tables.setGdt(mfns, 2);
        mfns[0] = guest.memory.pages[11];
        assertThat(tables.descriptor(8)).isEqualTo(0xaaa);
    }

    @Test
    void ldtIsReadThroughTheKernelsTablesWhileAProcessRuns() {
        guest.vcpu(0).mmu().write64(LDT + 8, 0xccc);
        guest.vcpu(0).mmu().write64(LDT + 16, 0xddd);
        tables.setLdt(LDT, 2);
        // The process's tables lead nowhere any more; the kernel's still do.
        guest.memory.update(guest.userL4, 0, 0);
        guest.vcpu(0).mode.enterUser();
        assertThat(tables.descriptor(8 | TI)).isEqualTo(0xccc);
        assertThat(tables.descriptor(16 | TI)).as("behind its end").isZero();
        assertThat(guest.vcpu(0).mmu().root()).isEqualTo(guest.userL4);
    }

    @Test
    void ldtThatIsNotMappedHasNoDescriptors() {
        tables.setLdt(PvGuest.UNMAPPED, 2);
        assertThat(tables.descriptor(8 | TI)).isZero();
    }
}
