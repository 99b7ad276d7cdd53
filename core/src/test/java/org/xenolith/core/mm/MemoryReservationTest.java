package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.mmu.Ram;

class MemoryReservationTest {
    private static final int PAGES = 64;

    private final FramePool pool = TestMemory.freshPool(4 << 20);
    private final FrameTable frames = TestMemory.freshFrames(pool, PAGES);
    private final MemoryReservation reservation = frames.reservation();

    private boolean decrease(long mfn) {
        frames.lock.lock();
        try {
            return reservation.decrease(mfn, TlbShootdown.NONE);
        } finally {
            frames.lock.unlock();
        }
    }

    private boolean take(long mfn) {
        frames.lock.lock();
        try {
            return frames.get(mfn);
        } finally {
            frames.lock.unlock();
        }
    }

    private void drop(long mfn) {
        frames.lock.lock();
        try {
            frames.put(mfn, TlbShootdown.NONE);
        } finally {
            frames.lock.unlock();
        }
    }

    @Test
    void populatedFramesAreNumberedFromTheFirstAndCounted() {
        for (int i = 0; i < PAGES; i++) {
            long mfn = reservation.populate(0x900 + i);
            assertThat(mfn).isEqualTo(FrameTable.RAM_BASE + i);
            assertThat(frames.machineToPhysical().pfn(mfn)).isEqualTo(0x900 + i);
            assertThat(frames.references(mfn)).isEqualTo(1);
            assertThat(reservation.currentPages()).isEqualTo(i + 1);
        }
        assertThat(reservation.populate(0)).as("above the maximum").isEqualTo(NO_FRAME);
        assertThat(reservation.currentPages()).isEqualTo(PAGES);
    }

    @Test
    void limitStopsTheDomainFromGettingMoreButTakesNothingAway() {
        reservation.limitPages(2);
        long first = reservation.populate(0);
        reservation.populate(1);
        assertThat(reservation.populate(2)).isEqualTo(NO_FRAME);
        reservation.limitPages(1);
        assertThat(reservation.currentPages()).isEqualTo(2);
        assertThat(decrease(first)).isTrue();
        assertThat(reservation.populate(2)).as("still as many as it may have").isEqualTo(NO_FRAME);
        reservation.limitPages(2);
        assertThat(reservation.populate(2)).isEqualTo(first);
    }

    @Test
    void limitIsNeverAboveTheMaximum() {
        reservation.limitPages(PAGES + 1);
        assertThat(reservation.limitPages()).isEqualTo(PAGES);
        assertThat(reservation.maximumPages()).isEqualTo(PAGES);
    }

    @Test
    void frameGivenBackLosesItsNumberAndCannotBeGivenTwice() {
        long mfn = reservation.populate(5);
        assertThat(take(mfn)).as("a mapping of it").isTrue();
        assertThat(decrease(mfn)).isTrue();
        assertThat(frames.machineToPhysical().pfn(mfn)).isEqualTo(AddressSpace.INVALID_M2P_ENTRY);
        assertThat(reservation.currentPages()).as("while it is mapped").isEqualTo(1);
        assertThat(decrease(mfn)).isFalse();
        drop(mfn);
        assertThat(reservation.currentPages()).isZero();
        assertThat(frames.frame(mfn)).isEqualTo(NO_FRAME);
        assertThat(decrease(mfn)).isFalse();
    }

    @Test
    void onlyGuestRamCanBeGivenBack() throws Exception {
        assertThat(decrease(frames.xenFrames().add())).isFalse();
        assertThat(decrease(FrameTable.M2P_BASE)).isFalse();
        assertThat(decrease(frames.grantWindow().add(pool.allocate(), false))).isFalse();
        assertThat(decrease(frames.limitMfn())).isFalse();
        assertThat(decrease(-1)).isFalse();
    }

    @Test
    void poolThatIsUsedUpCostsNoNumber() {
        long hostBase = pool.allocate();
        while (pool.freeFrames() > 0) {
            pool.allocate();
        }
        assertThat(reservation.populate(0)).isEqualTo(NO_FRAME);
        assertThat(reservation.currentPages()).isZero();
        pool.release(hostBase);
        assertThat(reservation.populate(0)).isEqualTo(FrameTable.RAM_BASE);
        assertThat(frames.frame(FrameTable.RAM_BASE)).isEqualTo(hostBase);
        assertThat(Ram.getLong(hostBase)).isZero();
    }
}
