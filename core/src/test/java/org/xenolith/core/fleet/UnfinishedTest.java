package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;

final class UnfinishedTest {
    @Test
    void fleetIsOverWhenTheLastOfAllThatCameIs() throws Exception {
        Unfinished guests = new Unfinished(1);
        assertThat(guests.add()).isTrue();
        guests.remove();
        assertThat(guests.await(Duration.ofMillis(1))).isFalse();
        guests.remove();
        assertThat(guests.await(Duration.ZERO)).isTrue();
        guests.await();
        assertThat(guests.add()).as("to a fleet that is over").isFalse();
    }
}
