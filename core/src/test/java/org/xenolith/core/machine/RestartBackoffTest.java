package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

final class RestartBackoffTest {
    private long now = -5; // nanoTime has no beginning
    private final RestartBackoff backoff = new RestartBackoff(() -> now);

    private Duration delayAfter(Duration life) {
        backoff.started();
        now += life.toNanos();
        return backoff.delay();
    }

    @Test
    void delaysDoubleFromNothingToHalfAMinute() {
        List<Long> seconds = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            seconds.add(delayAfter(Duration.ofMillis(10)).toSeconds());
        }
        assertThat(seconds).containsExactly(0L, 1L, 2L, 4L, 8L, 16L, 30L, 30L, 30L);
    }

    @Test
    void guestThatDiesAtOnceStartsAgainAtMostSixTimesInAnyMinute() {
        List<Long> starts = new ArrayList<>();
        while (now < Duration.ofHours(1).toNanos()) {
            starts.add(now);
            now += delayAfter(Duration.ofMillis(1)).toNanos();
        }
        for (long from : starts) {
            assertThat(starts)
                    .filteredOn(start -> start > from && start < from + 60_000_000_000L)
                    .hasSizeLessThanOrEqualTo(6);
        }
    }

    @Test
    void guestThatRanForAMinuteIsForgiven() {
        delayAfter(Duration.ZERO);
        delayAfter(Duration.ZERO);
        assertThat(delayAfter(Duration.ofSeconds(59))).isEqualTo(Duration.ofSeconds(2));
        assertThat(delayAfter(Duration.ofSeconds(60))).isZero();
        assertThat(delayAfter(Duration.ZERO)).isEqualTo(Duration.ofSeconds(1));
    }
}
