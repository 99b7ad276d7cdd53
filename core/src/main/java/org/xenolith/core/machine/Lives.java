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
 * One guest, booted, restored or copied, through all its lives. A reboot is at once; a guest that
 * dies and comes back is held up by {@link RestartBackoff}, and does not come back when its user
 * has left or destroyed it meanwhile.
 *
 * <p>{@link #follow} is called once; the rest by any thread.
 */
final class Lives implements AutoCloseable {
    private final Host host;
    private final ConsoleIo console;
    private final Restarts restarts;
    private final RestartBackoff backoff = new RestartBackoff(System::nanoTime);

    /** The present life, or the last. */
    private Guest guest;

    /**
     * @param started the first life
     */
    Lives(Host host, Guest started, ConsoleIo console, Restarts restarts) {
        this.host = host;
        this.guest = started;
        this.console = console;
        this.restarts = restarts;
    }

    /**
     * Follows the guest until it does not come back.
     *
     * @return how its last life ended
     * @throws BootFailed when it should have come back and could not
     */
    Outcome follow() {
        while (true) {
            Guest now = present();
            backoff.started();
            Outcome outcome = now.await(now.options().timeout());
            Action action = now.options().actions().after(outcome.ending());
            if (action == Action.PRESERVE) {
                now.awaitDismissal(now.options().timeout().orElse(Guest.FOREVER));
            }
            if (action != Action.RESTART || isDismissedBeforeRestart(now, outcome.ending())) {
                return outcome;
            }
            if (!begin(nextLife(now, outcome.ending()))) {
                return outcome;
            }
        }
    }

    /** To close the one and make the other takes time: its user may change his mind. */
    private synchronized boolean begin(Guest next) {
        if (guest.awaitDismissal(Duration.ZERO)) {
            next.close();
            return false;
        }
        guest = next;
        guest.start();
        return true;
    }

    private synchronized Guest present() {
        return guest;
    }

    /** As its first life was called. */
    String name() {
        return present().name();
    }

    /** Asks the present life to power off; one that has ended does not come back. */
    synchronized void requestPoweroff() {
        if (guest.hasEnded()) {
            guest.destroy();
        } else {
            guest.request(Guest.Request.POWEROFF);
        }
    }

    /** Ends the present life; there is no other one. */
    synchronized void destroy() {
        guest.destroy();
    }

    /** Gives back all that the last life had. */
    @Override
    public void close() {
        present().close();
    }

    private boolean isDismissedBeforeRestart(Guest ended, Outcome.Ending ending) {
        Duration delay = ending instanceof Outcome.Rebooted ? Duration.ZERO : backoff.delay();
        requireBootable(ended, ending);
        restarts.startsAgain(ending, delay);
        return ended.awaitDismissal(delay);
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
