package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.PvGuest;

import java.nio.file.Path;
import java.time.Duration;

/** What those hear who wait for a guest. */
class GuestEndTest {
    private final Domain domain = new PvGuest(1, new PvGuest.FakeClock()).domain;
    private final GuestEnd end = new GuestEnd(domain);

    private Outcome.Ending ending() {
        return end.ending(end.await(Duration.ZERO));
    }

    @Test
    void guestThatRunsHasTimedOut() {
        assertThat(ending()).isEqualTo(new Outcome.TimedOut());
        assertThat(end.awaitDismissal(Duration.ZERO)).isFalse();
    }

    @Test
    void guestThatEndsByItselfIsNotDismissed() {
        domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
        assertThat(ending()).isEqualTo(new Outcome.PoweredOff());
        assertThat(end.awaitDismissal(Duration.ZERO)).isFalse();
    }

    @Test
    void rebootIsTold() {
        domain.shutdown(DomainEnd.SHUTDOWN_REBOOT);
        assertThat(ending()).isEqualTo(new Outcome.Rebooted());
    }

    @Test
    void codeOfTheGuestsOwnIsTold() {
        domain.ending().latchCode(DomainEnd.SHUTDOWN_SOFT_RESET + 1);
        domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
        assertThat(ending()).isEqualTo(new Outcome.PoweredOff(6));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                DomainEnd.SHUTDOWN_CRASH,
                DomainEnd.SHUTDOWN_WATCHDOG,
                DomainEnd.SHUTDOWN_SOFT_RESET
            })
    void otherReasonsAreCrashes(int reason) {
        domain.shutdown(reason);
        assertThat(ending()).isInstanceOf(Outcome.Crashed.class);
    }

    @Test
    void destroyedGuestIsDismissedToo() {
        end.destroy();
        assertThat(ending()).isEqualTo(new Outcome.Destroyed());
        assertThat(end.awaitDismissal(Duration.ZERO)).isTrue();
        end.awaitDestroy();
    }

    @Test
    void guestThatLivesOnInAFileIsSavedNotDestroyed() {
        end.destroySaved(Path.of("guest.saved"));
        assertThat(domain.hasEnded()).isTrue();
        assertThat(ending()).isEqualTo(new Outcome.Saved(Path.of("guest.saved")));
        assertThat(end.awaitDismissal(Duration.ZERO)).isTrue();
    }

    @Test
    void guestThatWasLeftRunsOn() {
        end.leave();
        assertThat(ending()).isEqualTo(new Outcome.Left());
        assertThat(end.awaitDismissal(Duration.ZERO)).isTrue();
        assertThat(domain.hasEnded()).isFalse();
    }
}
