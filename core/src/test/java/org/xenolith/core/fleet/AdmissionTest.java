package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

/** How guests that begin together are let go on: a host of one's own clock and load. */
@Timeout(20)
class AdmissionTest {
    private static final long MILLIS = 1_000_000;

    private final List<String> gone = new ArrayList<>();
    private int waiting;
    private long now = 5_000 * MILLIS;
    private final Admission admission = new Admission(() -> waiting, () -> now);

    @BeforeEach
    void threeGuestsStandStill() {
        for (String name : List.of("a", "b", "c")) {
            admission.add(() -> gone.add(name));
        }
    }

    private void lookAfter(long millis) {
        now += millis * MILLIS;
        admission.look();
    }

    @Test
    void firstGoesOnAtOnceOnABusyHostToo() {
        admission.look();
        assertThat(gone).containsExactly("a");
    }

    @Test
    void nextGoesOnWhenAProcessorIsIdle() {
        admission.look();
        lookAfter(500);
        assertThat(gone).containsExactly("a");
        waiting = -1;
        lookAfter(1);
        assertThat(gone).containsExactly("a", "b");
    }

    @Test
    void hostSeemsIdleUntilWhoWentOnHasHadTheTimeToWantAProcessor() {
        waiting = -1;
        admission.look();
        lookAfter(1);
        assertThat(gone).containsExactly("a");
        lookAfter(19);
        assertThat(gone).containsExactly("a", "b");
    }

    @Test
    void busyHostAdmitsOneEveryTwoSeconds() {
        admission.look();
        lookAfter(1_999);
        assertThat(gone).containsExactly("a");
        lookAfter(1);
        assertThat(gone).containsExactly("a", "b");
        lookAfter(1_999);
        assertThat(gone).containsExactly("a", "b");
    }

    /** Four hundred that each got a turn now and then would take an hour, all of them. */
    @Test
    void moreIsNotAdmittedThanTheHostGetsDone() {
        admission.look();
        waiting = 2;
        lookAfter(5_999);
        assertThat(gone).containsExactly("a");
        lookAfter(1);
        assertThat(gone).containsExactly("a", "b");
    }

    @Test
    void guestsThatAlwaysWantAProcessorKeepNobodyOutForLong() {
        admission.look();
        waiting = 50;
        lookAfter(10_000);
        assertThat(gone).containsExactly("a", "b");
    }

    @Test
    void allGoOnInTurn() throws InterruptedException {
        waiting = -1;
        Admission inRealTime = new Admission(() -> waiting);
        for (String name : List.of("x", "y", "z")) {
            inRealTime.add(() -> gone.add(name));
        }
        inRealTime.admit(() -> false);
        assertThat(gone).containsExactly("x", "y", "z");
    }

    @Test
    void whoIsInAHurryAdmitsTheRestAtOnce() throws InterruptedException {
        admission.look();
        admission.admit(() -> true);
        assertThat(gone).containsExactly("a", "b", "c");
    }

    @Test
    void eachGoesOnOnce() {
        admission.admitAtOnce();
        lookAfter(5_000);
        admission.admitAtOnce();
        assertThat(gone).containsExactly("a", "b", "c");
    }
}
