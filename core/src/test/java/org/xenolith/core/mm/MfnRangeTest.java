package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MfnRangeTest {
    private static final long FIRST = 0x100;
    private static final int COUNT = 200;

    private final MfnRange range = new MfnRange(FIRST, FIRST + COUNT);

    @Test
    void numbersAreHandedOutFromTheLowestUntilAllAreInUse() {
        assertThat(range.isUnused()).isTrue();
        for (int i = 0; i < COUNT; i++) {
            assertThat(range.isExhausted()).isFalse();
            assertThat(range.take()).isEqualTo(FIRST + i);
            assertThat(range.isUnused()).isFalse();
        }
        assertThat(range.isExhausted()).isTrue();
        assertThatThrownBy(range::take).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void numberGivenBackLastIsHandedOutFirst() {
        takeAll();
        // More than there is room for in the beginning.
        for (int i = 0; i < COUNT; i++) {
            range.giveBack(FIRST + i);
        }
        assertThat(range.isUnused()).isTrue();
        for (int i = COUNT - 1; i >= 0; i--) {
            assertThat(range.take()).isEqualTo(FIRST + i);
        }
        assertThat(range.isExhausted()).isTrue();
    }

    @Test
    void rangeThatIsRestoredGoesOnAsTheOther() {
        for (int i = 0; i < 100; i++) {
            range.take();
        }
        for (int i = 99; i >= 10; i--) {
            range.giveBack(FIRST + i);
        }
        MfnRange restored = new MfnRange(FIRST, FIRST + COUNT);
        restored.restore(range.next(), range.free());
        assertThat(restored.next()).isEqualTo(FIRST + 100);
        while (!range.isExhausted()) {
            assertThat(restored.take()).isEqualTo(range.take());
        }
        assertThat(restored.isExhausted()).isTrue();
    }

    @Test
    void restoredRangeTakesMoreNumbersBack() {
        takeAll();
        MfnRange restored = new MfnRange(FIRST, FIRST + COUNT);
        restored.restore(range.next(), range.free());
        restored.giveBack(FIRST + 7);
        assertThat(restored.take()).isEqualTo(FIRST + 7);
    }

    private void takeAll() {
        while (!range.isExhausted()) {
            range.take();
        }
    }
}
