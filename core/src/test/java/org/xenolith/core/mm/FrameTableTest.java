package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Set;

class FrameTableTest {
    /** More than one chunk of the table. */
    private static final int PAGES = 2500;

    private final FramePool pool = TestMemory.freshPool(32 << 20);
    private final long unused = pool.freeFrames();
    private final FrameTable frames = TestMemory.freshFrames(pool, PAGES);

    @BeforeEach
    void lock() {
        frames.lock.lock();
    }

    @AfterEach
    void unlock() {
        frames.lock.unlock();
    }

    private long page() {
        return frames.reservation().populate(0);
    }

    private void put(long mfn) {
        frames.put(mfn, TlbShootdown.NONE);
    }

    @Test
    void everyNumberHasItsOwnHostFrameAcrossChunks() {
        assertThat(frames.frame(FrameTable.RAM_BASE)).isEqualTo(NO_FRAME);
        Set<Long> hosts = new HashSet<>();
        for (int i = 0; i < PAGES; i++) {
            long mfn = page();
            hosts.add(frames.frame(mfn));
            frames.setType(mfn, FrameType.WRITABLE, i);
            frames.setLink(mfn, i);
        }
        for (int i = 0; i < PAGES; i++) {
            long mfn = FrameTable.RAM_BASE + i;
            assertThat(frames.typeCount(mfn)).isEqualTo(i);
            assertThat(frames.link(mfn)).isEqualTo(i);
            assertThat(frames.references(mfn)).isEqualTo(1);
        }
        assertThat(hosts).as("host frames").hasSize(PAGES);
    }

    @Test
    void numbersThatAreNoneHaveNoFrameTypeOrReference() {
        page();
        for (long mfn : new long[] {-1, Long.MIN_VALUE, frames.limitMfn(), 1L << 40, 0}) {
            assertThat(frames.frame(mfn)).isEqualTo(NO_FRAME);
            assertThat(frames.type(mfn)).isEqualTo(FrameType.NONE);
            assertThat(frames.typeCount(mfn)).isZero();
            assertThat(frames.references(mfn)).isZero();
            assertThat(frames.isPinned(mfn)).isFalse();
            assertThat(frames.isL1Table(mfn)).isFalse();
            assertThat(frames.get(mfn)).isFalse();
        }
    }

    @Test
    void frameLeavesWithItsLastReference() {
        long mfn = page();
        long before = pool.freeFrames();
        assertThat(frames.get(mfn)).isTrue();
        put(mfn);
        assertThat(frames.frame(mfn)).isNotEqualTo(NO_FRAME);
        put(mfn);
        assertThat(frames.frame(mfn)).isEqualTo(NO_FRAME);
        assertThat(pool.freeFrames()).isEqualTo(before + 1);
        assertThatThrownBy(() -> put(mfn)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void frameInUseAsATypeCannotLeave() {
        long mfn = page();
        frames.setType(mfn, FrameType.WRITABLE, 1);
        assertThatThrownBy(() -> put(mfn)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void nextFrameOfANumberBeginsWithoutTypeButWithTheStampOfTheLastOne() {
        long mfn = page();
        frames.setType(mfn, FrameType.L1_TABLE, 0);
        frames.set(mfn, FrameInfo.PINNED);
        put(mfn);
        assertThat(page()).isEqualTo(mfn);
        assertThat(frames.type(mfn)).isEqualTo(FrameType.NONE);
        assertThat(frames.isPinned(mfn)).isFalse();
        assertThat(frames.link(mfn)).as("siblings may still look the number up").isPositive();
    }

    @Test
    void flagsComeAndGoOneByOne() {
        long mfn = page();
        frames.set(mfn, FrameInfo.PINNED);
        assertThat(frames.has(mfn, FrameInfo.PINNED)).isTrue();
        frames.clear(mfn, FrameInfo.PINNED);
        assertThat(frames.has(mfn, FrameInfo.PINNED)).isFalse();
        assertThat(frames.has(mfn, FrameInfo.ALLOCATED)).isTrue();
    }

    @Test
    void deadDomainGivesEverythingBack() throws Exception {
        page();
        frames.xenFrames().add();
        long granted = pool.allocate();
        frames.grantWindow().add(granted, false);
        pool.release(granted);
        frames.releaseAll();
        assertThat(pool.freeFrames()).isEqualTo(unused);
        assertThat(frames.reservation().currentPages()).isZero();
        assertThat(frames.frame(FrameTable.RAM_BASE)).isEqualTo(NO_FRAME);
        frames.releaseAll();
        assertThat(pool.freeFrames()).as("only once").isEqualTo(unused);
    }
}
