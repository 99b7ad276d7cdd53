package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EndedWithLosses;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.Machine;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.boot.Restorer;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.saved.SavedGuest;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Runs one guest on a host of its own, in this JVM, with the copies that somebody makes of it, and
 * tells how it ended.
 */
public final class VmmMachine implements Machine, Restorer {
    private final Optional<ControlFolder> sockets;

    /** A machine that nobody can reach from outside. */
    public VmmMachine() {
        this(Optional.empty());
    }

    /**
     * @param sockets where to answer to xl's verbs while the guest runs
     */
    public VmmMachine(Optional<ControlFolder> sockets) {
        this.sockets = sockets;
    }

    /** Boots a guest whose end is the end, whatever its options say. */
    public Outcome boot(BootOptions options, ConsoleIo console) throws IOException {
        EventActions none = new EventActions(Action.DESTROY, Action.DESTROY, Action.DESTROY);
        return boot(options.toBuilder().actions(none).build(), console, Restarts.UNTOLD);
    }

    /** All boots are on one host: networks, captures and forwarded ports go on. */
    @Override
    public Outcome boot(BootOptions options, ConsoleIo console, Restarts restarts)
            throws IOException {
        return run(
                options,
                console,
                restarts,
                host -> {
                    Guest guest = host.create(options, console);
                    guest.start();
                    return guest;
                });
    }

    /** As {@link #restore(Path, RestoreOptions, ConsoleIo, Restarts)}, and nobody is told. */
    public Outcome restore(Path file, RestoreOptions options, ConsoleIo console)
            throws IOException {
        return restore(file, options, console, Restarts.UNTOLD);
    }

    @Override
    public Outcome restore(Path file, RestoreOptions options, ConsoleIo console, Restarts restarts)
            throws IOException {
        DomainSnapshot snapshot;
        SavedGuest saved;
        try {
            snapshot = DomainSnapshot.open(file);
            saved = SavedGuest.parse(snapshot.configuration());
            if (options.natNetwork().isPresent()) {
                saved.requireNetwork(options.natNetwork().get());
            }
            if (!options.changedDisks()) {
                saved.requireUnchangedDisks();
            }
        } catch (SnapshotException e) {
            throw new SnapshotException(file + ": " + e.getMessage(), e);
        }
        BootOptions asSaved = saved.options(snapshot.description(), options);
        return run(
                asSaved,
                console,
                restarts,
                host -> {
                    if (!saved.natAddresses().isEmpty()) {
                        host.network().useAddresses(saved.natAddresses());
                    }
                    Guest guest = host.restore(snapshot, asSaved, console);
                    if (options.paused()) {
                        guest.startPaused();
                    } else {
                        guest.startAsItWas();
                    }
                    return guest;
                });
    }

    /** Virtual time runs one vCPU at a time anyway; a second thread would only take turns. */
    private static int threads(boolean virtualTime, int vcpus) {
        return virtualTime ? 1 : Math.min(vcpus, Runtime.getRuntime().availableProcessors());
    }

    /** What begins on a host that has just started. */
    private interface Beginning {
        Guest of(Host host) throws IOException;
    }

    private Outcome run(
            BootOptions options, ConsoleIo console, Restarts restarts, Beginning beginning)
            throws IOException {
        long guestBytes = options.maxMemoryBytes() + Host.OVERHEAD_BYTES;
        int threads = threads(options.virtualTime(), options.vcpus());
        Host host = Host.start(guestBytes, guestBytes, threads, options.natNetwork());
        Outcome outcome;
        try (host;
                BootedCopies copies = new BootedCopies(host, options.name(), restarts);
                AutoCloseable _ = listen(host, copies)) {
            Lives lives = new Lives(host, beginning.of(host), console, restarts);
            outcome = follow(lives, copies);
            lives.close(); // while others can see that it is not gone yet
            if (leavesCopies(outcome.ending()) && !copies.names().isEmpty()) {
                host.freePorts(options.name()); // first: then a copy may have the name
                copies.originalEnded();
                restarts.copiesGoOn(outcome, copies);
            }
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("the control socket could not be closed", e);
        }
        requireNothingLost(outcome, host.losses());
        requireWholeTrace(outcome, host.traceLosses());
        return outcome;
    }

    /** A guest that cannot start again ends this process, and its copies end well before. */
    private static Outcome follow(Lives lives, BootedCopies copies) {
        try {
            return lives.follow();
        } catch (BootFailed e) {
            copies.shutdown();
            copies.await();
            throw e;
        }
    }

    /** Whose terminal or time is over has ended all that was on it. */
    private static boolean leavesCopies(Outcome.Ending ending) {
        return switch (ending) {
            case Outcome.Left _, Outcome.TimedOut _ -> false;
            case Outcome.PoweredOff _, Outcome.Rebooted _, Outcome.Crashed _ -> true;
            case Outcome.Destroyed _, Outcome.Saved _ -> true;
        };
    }

    /** A guest that ended well has not, if its disks did not take what it wrote. */
    static void requireNothingLost(Outcome outcome, List<String> losses) throws IOException {
        if (endedWell(outcome) && !losses.isEmpty()) {
            throw new EndedWithLosses(
                    "What the guest wrote last may be lost: " + String.join("; ", losses), outcome);
        }
    }

    /** Nor has one whose user asked for a trace and got half of it. */
    static void requireWholeTrace(Outcome outcome, List<String> losses) throws IOException {
        if (endedWell(outcome) && !losses.isEmpty()) {
            throw new EndedWithLosses(
                    "The trace is not whole: " + String.join("; ", losses), outcome);
        }
    }

    private static boolean endedWell(Outcome outcome) {
        return switch (outcome.ending()) {
            case Outcome.PoweredOff(int code) -> code == 0;
            case Outcome.Rebooted _, Outcome.Left _, Outcome.Saved _ -> true;
            case Outcome.Destroyed _, Outcome.Crashed _, Outcome.TimedOut _ -> false;
        };
    }

    private AutoCloseable listen(Host host, CopyKeeper copies) throws IOException {
        return sockets.isPresent()
                ? ControlServer.start(sockets.get(), new HostVerbs(host, copies))
                : () -> {};
    }
}
