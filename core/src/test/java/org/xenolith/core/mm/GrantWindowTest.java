package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.junit.jupiter.api.Test;

class GrantWindowTest {
    private static final int MFNS = (int) (FrameTable.RAM_BASE - FrameTable.GRANT_WINDOW_BASE);

    private final FramePool pool = TestMemory.freshPool(32 << 20);
    private final TestDomain domain = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final FrameTable frames = domain.frames;
    private final GrantWindow window = frames.grantWindow();

    /** A frame of another domain. */
    private final long hostBase = pool.allocate();

    private int acquire(long mfn, int type) {
        return domain.types.settled(
                TlbShootdown.NONE,
                null,
                () -> domain.types.getPageAndType(mfn, type, TlbShootdown.NONE));
    }

    @Test
    void windowEndsWhereGuestRamBegins() {
        assertThat(GrantWindow.contains(FrameTable.GRANT_WINDOW_BASE - 1)).isFalse();
        assertThat(GrantWindow.contains(FrameTable.GRANT_WINDOW_BASE)).isTrue();
        assertThat(GrantWindow.contains(FrameTable.RAM_BASE - 1)).isTrue();
        assertThat(GrantWindow.contains(FrameTable.RAM_BASE)).isFalse();
    }

    @Test
    void grantedFrameStaysInUseUntilItIsRemoved() {
        long free = pool.freeFrames();
        assertThat(window.isEmpty()).isTrue();
        long mfn = window.add(hostBase, false);
        assertThat(GrantWindow.contains(mfn)).isTrue();
        assertThat(frames.frame(mfn)).isEqualTo(hostBase);
        assertThat(window.isEmpty()).isFalse();
        pool.release(hostBase); // the granter's
        assertThat(pool.freeFrames()).isEqualTo(free);
        window.remove(mfn, TlbShootdown.NONE);
        assertThat(frames.frame(mfn)).isEqualTo(NO_FRAME);
        assertThat(pool.freeFrames()).isEqualTo(free + 1);
        assertThat(window.isEmpty()).isTrue();
    }

    @Test
    void grantedFrameIsNothingThatAHypercallTakesByItsNumber() {
        long mfn = window.add(hostBase, false);
        long free = pool.freeFrames();
        assertThat(domain.types.acquire(mfn, FrameType.WRITABLE, TlbShootdown.NONE))
                .as("it would be written to when the grant has ended")
                .isEqualTo(-EINVAL);
        window.remove(mfn, TlbShootdown.NONE);
        assertThat(window.isEmpty()).isTrue();
        assertThat(pool.freeFrames()).isEqualTo(free);
    }

    @Test
    void numberIsNotFreeWhileAnEntryStillNamesIt() {
        long mfn = window.add(hostBase, false);
        assertThat(acquire(mfn, FrameType.NONE)).isZero();
        window.remove(mfn, TlbShootdown.NONE);
        assertThat(window.isEmpty()).isFalse();
        assertThat(window.add(hostBase, false)).isNotEqualTo(mfn);
        domain.types.releaseReference(mfn, TlbShootdown.NONE);
        assertThat(window.add(hostBase, false)).isEqualTo(mfn);
    }

    @Test
    void onlyAGrantForWritingMayBeWrittenAndNoneMayBeATable() {
        long readOnly = window.add(hostBase, true);
        long writable = window.add(hostBase, false);
        assertThat(acquire(readOnly, FrameType.WRITABLE)).isEqualTo(-EINVAL);
        assertThat(acquire(writable, FrameType.L1_TABLE)).isEqualTo(-EINVAL);
        assertThat(acquire(writable, FrameType.WRITABLE)).isZero();
    }

    @Test
    void grantedFramesAreNotCountedAsTheDomainsMemory() {
        long pages = frames.reservation().currentPages();
        long mfn = window.add(hostBase, false);
        assertThat(frames.reservation().currentPages()).isEqualTo(pages);
        window.remove(mfn, TlbShootdown.NONE);
        assertThat(frames.reservation().currentPages()).isEqualTo(pages);
    }

    @Test
    void fullWindowTakesNoFrameAndHoldsNone() {
        long free = pool.freeFrames();
        for (int i = 0; i < MFNS; i++) {
            assertThat(window.add(hostBase, false)).isEqualTo(FrameTable.GRANT_WINDOW_BASE + i);
        }
        assertThat(window.add(hostBase, false)).isEqualTo(NO_FRAME);
        for (int i = 0; i < MFNS; i++) {
            window.remove(FrameTable.GRANT_WINDOW_BASE + i, TlbShootdown.NONE);
        }
        assertThat(window.isEmpty()).isTrue();
        pool.release(hostBase);
        assertThat(pool.freeFrames()).isEqualTo(free + 1);
    }
}
