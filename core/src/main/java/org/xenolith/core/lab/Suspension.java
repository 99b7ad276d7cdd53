package org.xenolith.core.lab;

import org.xenolith.core.boot.Outcome;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.Host;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Courses of guests that suspend themselves, for the lab on snapshots. */
final class Suspension {
    private Suspension() {}

    /** Makes the guest wait, when it suspends itself, for what we do with it. */
    private static void answer(Guest guest) {
        guest.domain().suspending().onRequest(() -> {});
    }

    /** Each suspend is answered with "you are a new domain". */
    static Outcome resumed(Host host, Guest guest, ConsoleIo console) throws IOException {
        answer(guest);
        guest.start();
        while (awaitSuspend(guest)) {
            guest.resumeFresh();
        }
        return guest.await(Optional.of(GuestCase.PATIENCE));
    }

    /** At its first suspend the guest is saved and destroyed, and goes on as another one. */
    static Outcome restored(Host host, Guest guest, ConsoleIo console) throws IOException {
        answer(guest);
        guest.start();
        if (!awaitSuspend(guest)) {
            return guest.await(Optional.of(GuestCase.PATIENCE));
        }
        Path file = Files.createTempFile("xenolith-lab", ".saved");
        try {
            guest.save(file);
            guest.destroy();
            try (Guest copy = host.restore(file, guest.options(), console)) {
                CaseRunner.limit(copy);
                copy.start();
                copy.resumeFresh();
                return copy.await(Optional.of(GuestCase.PATIENCE));
            }
        } finally {
            Files.delete(file);
        }
    }

    /**
     * @return false if the guest ended instead
     */
    private static boolean awaitSuspend(Guest guest) throws IOException {
        long deadline = System.nanoTime() + GuestCase.PATIENCE.toNanos();
        try {
            while (!guest.isSuspended()) {
                if (guest.hasEnded() || System.nanoTime() > deadline) {
                    return false;
                }
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the check was interrupted", e);
        }
        guest.pause();
        return true;
    }
}
