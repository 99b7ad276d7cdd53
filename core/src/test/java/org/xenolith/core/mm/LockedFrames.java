package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** For tests of what is called with the frame table locked. */
abstract class LockedFrames {
    final TestDomain domain = new TestDomain();
    final FrameTable frames = domain.frames;

    @BeforeEach
    void lock() {
        frames.lock.lock();
    }

    @AfterEach
    void unlock() {
        frames.lock.unlock();
    }

    void assertHeld(long mfn, int expectedReferences, int expectedUses) {
        assertThat(frames.references(mfn)).as("references").isEqualTo(expectedReferences);
        assertThat(frames.typeCount(mfn)).as("uses").isEqualTo(expectedUses);
    }
}
