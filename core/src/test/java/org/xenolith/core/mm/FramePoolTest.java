package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

class FramePoolTest {
    private static final int FRAMES = 2000;

    private record Released(long offset, long length) {}

    private final List<Released> released = new ArrayList<>();
    private final FramePool pool = pool();

    private FramePool pool() {
        TestMemory.freshPool((long) FRAMES << 12);
        return new FramePool(
                0,
                (long) FRAMES << 12,
                (offset, length) -> {
                    released.add(new Released(offset, length));
                    HostPages.ZEROING.release(offset, length);
                });
    }

    @Test
    void everyFrameIsHandedOutOnceAndThenNone() {
        Set<Long> frames = new HashSet<>();
        for (int i = 0; i < FRAMES; i++) {
            frames.add(pool.allocate());
        }
        assertThat(frames).hasSize(FRAMES).doesNotContain(-1L);
        assertThat(pool.allocate()).isEqualTo(-1);
        assertThat(pool.freeFrames()).isZero();
    }

    @Test
    void usedFrameIsZeroWhenHandedOutAgain() {
        for (int i = 0; i < FRAMES; i++) {
            Ram.putLong(pool.allocate() + 8, 1);
        }
        for (long frame = 0; frame < FRAMES; frame += 2) {
            pool.release(frame << 12);
        }
        for (int i = 0; i < FRAMES / 2; i++) {
            assertThat(Ram.getLong(pool.allocate() + 8)).isZero();
        }
        assertThat(pool.allocate()).isEqualTo(-1);
    }

    @Test
    void frameStaysWhileAnybodyHoldsIt() {
        long frame = pool.allocate();
        pool.acquire(frame);
        pool.release(frame);
        assertThat(pool.freeFrames()).isEqualTo(FRAMES - 1);
        pool.release(frame);
        assertThat(pool.freeFrames()).isEqualTo(FRAMES);
    }

    @Test
    void neighboursGoBackToTheHostTogether() {
        for (int i = 0; i < 10; i++) {
            pool.allocate();
        }
        for (long frame : new long[] {5, 3, 4, 8}) {
            pool.release(frame << 12);
        }
        assertThat(released).isEmpty();
        pool.trim();
        assertThat(released)
                .containsExactly(new Released(3 << 12, 3 << 12), new Released(8 << 12, 1 << 12));
    }

    @Test
    void listenerHearsOfAFrameBeforeItCanBeUsedAgain() {
        List<Long> freed = new ArrayList<>();
        pool.onFree(freed::add);
        long frame = pool.allocate();
        pool.release(frame);
        assertThat(freed).containsExactly(frame);
    }

    @Test
    void frameThatIsNotInUseCannotBeReleased() {
        long frame = pool.allocate();
        pool.release(frame);
        assertThatThrownBy(() -> pool.release(frame)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.acquire(-4096)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pool.acquire((long) FRAMES << 12))
                .isInstanceOf(IllegalStateException.class);
    }
}
