package org.xenolith.core.lab;

import org.xenolith.core.boot.Outcome;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.Host;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * A domain in which the student's work is tried.
 *
 * @param name as the student sees it
 * @param commandLine tells {@code cases.c} what to try
 * @param memoryMib of the domain
 * @param extension hypercalls that the domain has beside Xen's; may be null
 * @param course what happens to the domain from its start to its end
 */
record GuestCase(
        String name,
        String commandLine,
        int memoryMib,
        int vcpus,
        Hypercalls.Extension extension,
        Course course) {
    private static final int USUAL_MIB = 8;

    /** Wall time after which a domain that does nothing is given up. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Exit statuses that mean something else are below. */
    private static final int FIRST_PASS = 128, PASSES = 100;

    /**
     * How the domain ends when the work has passed, {@code cases.h}: a number of the case's own, so
     * that no work passes by ending the domain itself.
     */
    int pass() {
        return FIRST_PASS + Math.floorMod(name.hashCode(), PASSES);
    }

    /** From a guest's start to its end. */
    @FunctionalInterface
    interface Course {
        /**
         * @param console where the guest prints, for guests that go on where it was
         */
        Outcome run(Host host, Guest guest, ConsoleIo console) throws IOException;
    }

    /** A domain of one vCPU that is left alone. */
    static GuestCase of(String name, String commandLine) {
        return new GuestCase(name, commandLine, USUAL_MIB, 1, null, GuestCase::untouched);
    }

    GuestCase in(int mib, int cpus) {
        return new GuestCase(name, commandLine, mib, cpus, extension, course);
    }

    GuestCase with(Hypercalls.Extension more) {
        return new GuestCase(name, commandLine, memoryMib, vcpus, more, course);
    }

    GuestCase through(Course other) {
        return new GuestCase(name, commandLine, memoryMib, vcpus, extension, other);
    }

    private static Outcome untouched(Host host, Guest guest, ConsoleIo console) {
        guest.start();
        return guest.await(Optional.of(PATIENCE));
    }
}
