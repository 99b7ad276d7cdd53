package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Ram;

class XenFramesTest {
    private static final int MFNS = (int) (FrameTable.M2P_BASE - FrameTable.XEN_BASE);

    private final FramePool pool = TestMemory.freshPool(32 << 20);
    private final FrameTable frames = TestMemory.freshFrames(pool, 64);
    private final PageTypes types = new PageTypes(frames);
    private final XenFrames xenFrames = frames.xenFrames();

    @Test
    void sharedFramesAreZeroAndNumberedFromTheFirst() throws Exception {
        for (int i = 0; i < 3; i++) {
            long mfn = xenFrames.add();
            assertThat(mfn).isEqualTo(FrameTable.XEN_BASE + i);
            assertThat(Ram.getLong(frames.frame(mfn))).isZero();
            assertThat(xenFrames.contains(mfn)).isTrue();
            assertThat(xenFrames.contains(mfn + 1)).isFalse();
            assertThat(xenFrames.count()).isEqualTo(i + 1);
        }
        assertThat(xenFrames.contains(FrameTable.XEN_BASE - 1)).isFalse();
        assertThat(frames.reservation().currentPages()).as("no memory of the domain's").isZero();
    }

    @Test
    void guestMayNameASharedFrameButNotAPrivateOne() throws Exception {
        long shared = xenFrames.add();
        assertThat(types.acquire(shared, FrameType.WRITABLE, TlbShootdown.NONE)).isZero();
        long mfn = FrameTable.GRANT_WINDOW_BASE - 1;
        xenFrames.addPrivate(mfn);
        assertThat(frames.frame(mfn)).isNotEqualTo(NO_FRAME);
        assertThat(types.acquire(mfn, FrameType.NONE, TlbShootdown.NONE)).isEqualTo(-EINVAL);
        assertThat(xenFrames.contains(mfn)).isFalse();
    }

    @Test
    void numbersEndBelowTheMachineToPhysicalArray() throws Exception {
        for (int i = 0; i < MFNS; i++) {
            xenFrames.add();
        }
        long free = pool.freeFrames();
        assertThatThrownBy(xenFrames::add)
                .isInstanceOf(FrameTable.OutOfMemory.class)
                .hasMessageContaining("more frames");
        assertThat(pool.freeFrames()).isEqualTo(free);
        assertThat(xenFrames.count()).isEqualTo(MFNS);
    }

    @Test
    void poolThatIsUsedUpCostsNoNumber() throws Exception {
        while (pool.freeFrames() > 0) {
            pool.allocate();
        }
        assertThatThrownBy(xenFrames::add).isInstanceOf(FrameTable.OutOfMemory.class);
        assertThat(xenFrames.count()).isZero();
    }
}
