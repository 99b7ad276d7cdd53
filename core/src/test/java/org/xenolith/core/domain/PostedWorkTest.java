package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** What comes from outside, and who is told of it. */
class PostedWorkTest {
    private final List<Integer> done = new ArrayList<>();
    private int attended;
    private final PostedWork posted = new PostedWork(() -> attended++);

    /** In virtual time: it is never over. */
    private final VcpuTurn turn = new VcpuTurn(null);

    @Test
    void workIsDoneInTheOrderInWhichItCame() {
        for (int i = 0; i < 3; i++) {
            int number = i;
            posted.post(() -> done.add(number));
        }
        assertThat(posted.isEmpty()).isFalse();
        assertThat(done).isEmpty();
        posted.apply(turn);
        assertThat(done).containsExactly(0, 1, 2);
        assertThat(posted.isEmpty()).isTrue();
        assertThat(attended).as("for each that came").isEqualTo(3);
    }

    @Test
    void workThatIsPostedAtAPollPointBringsNobodyToOne() {
        posted.post(() -> posted.post(() -> done.add(1)));
        posted.apply(turn);
        assertThat(done).containsExactly(1);
        assertThat(attended).isEqualTo(1);
        posted.post(() -> {});
        assertThat(attended).as("outside of it, it does").isEqualTo(2);
    }

    @Test
    void workThatIsPostedToAnotherDomainBringsItToAPollPoint() {
        PostedWork other = new PostedWork(() -> {});
        other.post(() -> posted.post(() -> {}));
        other.apply(turn);
        assertThat(attended).isEqualTo(1);
    }

    @Test
    void workThatIsPostedWhileTheDomainIsPausedWakesAVcpu() {
        posted.post(() -> posted.post(() -> {}));
        posted.applyWhilePaused();
        assertThat(attended).isEqualTo(2);
    }

    @Test
    void onePollPointDoesABoundedAmountOfWork() {
        for (int i = 0; i < PostedWork.PER_POLL + 1; i++) {
            posted.post(() -> done.add(0));
        }
        posted.apply(turn);
        assertThat(done).hasSize(PostedWork.PER_POLL);
        posted.apply(turn);
        assertThat(done).hasSize(PostedWork.PER_POLL + 1);
    }

    @Test
    void workThatTheSliceHasNoTimeForWaitsForTheNextPollPoint() {
        posted.post(() -> done.add(0));
        posted.post(() -> done.add(1));
        turn.begin(System.nanoTime() - 1);
        posted.apply(turn);
        assertThat(done).as("some work is done at each").containsExactly(0);
        posted.applyWhilePaused();
        assertThat(done).containsExactly(0, 1);
    }

    @Test
    void workThatFailsLeavesThePollPoint() {
        posted.post(
                () -> {
                    throw new IllegalStateException("ours");
                });
        assertThatThrownBy(() -> posted.apply(turn)).hasMessage("ours");
        posted.post(() -> {});
        assertThat(attended).isEqualTo(2);
    }
}
