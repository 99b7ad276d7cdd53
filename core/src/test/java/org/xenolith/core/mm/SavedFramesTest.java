package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.entry;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Ram;

class SavedFramesTest {
    private static final int PAGES = 64;

    private final FramePool pool = TestMemory.freshPool(8 << 20);
    private final FrameTable frames = TestMemory.freshFrames(pool, PAGES);
    private final MemoryReservation reservation = frames.reservation();
    private final PageTypes types = new PageTypes(frames);

    private FrameTable restored(SavedFrames saved) throws FrameTable.OutOfMemory {
        FrameTable table = TestMemory.freshFrames(pool, PAGES);
        saved.restoreInto(table);
        return table;
    }

    private static void decrease(FrameTable table, long mfn) {
        table.lock.lock();
        try {
            assertThat(table.reservation().decrease(mfn, TlbShootdown.NONE)).isTrue();
        } finally {
            table.lock.unlock();
        }
    }

    private void hold(long mfn) {
        assertThat(types.acquire(mfn, FrameType.NONE, TlbShootdown.NONE)).isZero();
    }

    @Test
    void restoredFramesStandAtTheSameNumbersAndAreZero() throws Exception {
        frames.xenFrames().add();
        frames.xenFrames().add();
        long mfn = reservation.populate(0x900);
        Ram.putLong(frames.ownFrame(mfn), 77);
        FrameTable table = restored(SavedFrames.of(frames));
        assertThat(table.xenFrames().count()).isEqualTo(2);
        assertThat(table.reservation().currentPages()).isEqualTo(1);
        assertThat(table.machineToPhysical().pfn(mfn)).isEqualTo(0x900);
        assertThat(table.references(mfn)).isEqualTo(1);
        assertThat(Ram.getLong(table.frame(mfn))).isZero();
        decrease(table, mfn);
    }

    @Test
    void numbersAreHandedOutAsTheyWouldHaveBeen() throws Exception {
        long[] mfns = new long[5];
        for (int i = 0; i < mfns.length; i++) {
            mfns[i] = reservation.populate(i);
        }
        decrease(frames, mfns[3]);
        decrease(frames, mfns[1]);
        MemoryReservation copy = restored(SavedFrames.of(frames)).reservation();
        for (int i = 0; i < 4; i++) {
            assertThat(copy.populate(i)).isEqualTo(reservation.populate(i));
        }
    }

    @Test
    void limitIsRestored() throws Exception {
        reservation.limitPages(1);
        reservation.populate(0);
        MemoryReservation copy = restored(SavedFrames.of(frames)).reservation();
        assertThat(copy.limitPages()).isEqualTo(1);
        assertThat(copy.populate(1)).isEqualTo(NO_FRAME);
    }

    @Test
    void frameThatOnlyAMappingKeepsIsGoneWithTheMapping() throws Exception {
        long mapped = reservation.populate(0);
        hold(mapped);
        decrease(frames, mapped);
        SavedFrames saved = SavedFrames.of(frames);
        assertThat(saved.frames()).hasSize(1);
        assertThat(saved.frames().getFirst().allocated()).isFalse();
        FrameTable table = restored(saved);
        PageTypes itsTypes = new PageTypes(table);
        assertThat(itsTypes.acquire(mapped, FrameType.NONE, TlbShootdown.NONE)).isZero();
        saved.dropUnallocated(table);
        assertThat(table.frame(mapped)).isNotEqualTo(NO_FRAME);
        itsTypes.releaseReference(mapped, TlbShootdown.NONE);
        assertThat(table.frame(mapped)).isEqualTo(NO_FRAME);
    }

    @Test
    void frameOfTheReservationStaysWhenTheRestoreEnds() throws Exception {
        long mfn = reservation.populate(0);
        SavedFrames saved = SavedFrames.of(frames);
        FrameTable table = restored(saved);
        saved.dropUnallocated(table);
        assertThat(table.references(mfn)).isEqualTo(1);
    }

    @Test
    void onlyThePinnedTableIsSavedAsOne() {
        long upper = reservation.populate(0);
        long lower = reservation.populate(1);
        Ram.putLong(frames.ownFrame(upper), entry(lower, RW));
        assertThat(types.pinTable(upper, FrameType.L2_TABLE, TlbShootdown.NONE)).isZero();
        assertThat(SavedFrames.of(frames).frames())
                .extracting(SavedFrames.Frame::pinnedAs)
                .containsExactly(FrameType.L2_TABLE, FrameType.NONE);
    }

    @Test
    void tableInUseOrOfAnotherSizeIsRefused() {
        reservation.populate(0);
        SavedFrames saved = SavedFrames.of(frames);
        assertThatThrownBy(() -> saved.restoreInto(frames))
                .isInstanceOf(IllegalStateException.class);
        FrameTable larger = TestMemory.freshFrames(pool, PAGES + 1);
        assertThatThrownBy(() -> saved.restoreInto(larger))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void poolThatIsUsedUpIsTold() {
        reservation.populate(0);
        SavedFrames saved = SavedFrames.of(frames);
        FrameTable table = TestMemory.freshFrames(pool, PAGES);
        while (pool.freeFrames() > 0) {
            pool.allocate();
        }
        assertThatThrownBy(() -> saved.restoreInto(table))
                .isInstanceOf(FrameTable.OutOfMemory.class);
    }
}
