package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.time.Duration;

/**
 * One guest, booted or restored, through all its lives on a host of its own. A reboot is at once; a
 * guest that dies and comes back is held up by {@link RestartBackoff}, and does not come back when
 * its user has left or destroyed it meanwhile.
 */
final class Lives {
    private final Host host;
    private final ConsoleIo console;
    private final Restarts restarts;
    private final RestartBackoff backoff = new RestartBackoff(System::nanoTime);

    Lives(Host host, ConsoleIo console, Restarts restarts) {
        this.host = host;
        this.console = console;
        this.restarts = restarts;
    }

    /**
     * Follows a guest that was started until it does not come back.
     *
     * @return how its last life ended
     * @throws BootFailed when it should have come back and could not
     */
    Outcome follow(Guest started) {
        Guest guest = started;
        while (true) {
            backoff.started();
            Outcome outcome = guest.await(guest.options().timeout());
            Action action = guest.options().actions().after(outcome.ending());
            if (action == Action.PRESERVE) {
                guest.awaitDismissal(guest.options().timeout().orElse(Guest.FOREVER));
            }
            if (action != Action.RESTART || isDismissedBeforeRestart(guest, outcome.ending())) {
                return outcome;
            }
            Guest next = nextLife(guest, outcome.ending());
            // To close the one and make the other takes time: its user may change his mind.
            if (guest.awaitDismissal(Duration.ZERO)) {
                return outcome;
            }
            next.start();
            guest = next;
        }
    }

    private boolean isDismissedBeforeRestart(Guest guest, Outcome.Ending ending) {
        Duration delay = ending instanceof Outcome.Rebooted ? Duration.ZERO : backoff.delay();
        requireBootable(guest, ending);
        restarts.startsAgain(ending, delay);
        return guest.awaitDismissal(delay);
    }

    private static void requireBootable(Guest guest, Outcome.Ending ending) {
        if (!guest.options().isBootable()) {
            throw cannot(
                    ending, "the file that it was restored from does not say what it boots", null);
        }
    }

    private Guest nextLife(Guest ended, Outcome.Ending ending) {
        BootOptions now = ended.configuration();
        ended.close();
        try {
            return host.create(now.forNextStart(), console);
        } catch (IOException | BootFailed e) {
            throw cannot(ending, sentence(e), e);
        }
    }

    private static BootFailed cannot(Outcome.Ending ending, String why, Exception cause) {
        String what =
                switch (ending) {
                    case Outcome.Rebooted _ -> "rebooted";
                    case Outcome.Crashed _ -> "crashed";
                    case Outcome.PoweredOff _, Outcome.Saved _, Outcome.Destroyed _ -> "ended";
                    case Outcome.TimedOut _, Outcome.Left _ -> "ended";
                };
        return new BootFailed(
                "The guest %s and cannot be started again: %s".formatted(what, why), cause);
    }

    private static String sentence(Exception e) {
        return e instanceof IOException file ? FileSentence.of(file) : e.getMessage();
    }
}
