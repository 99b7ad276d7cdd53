package org.xenolith.core.machine;

import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Runs one guest on a host of its own, in this JVM, and tells how it ended. */
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

    /** Boots a guest whose reboot is its end. */
    public Outcome boot(BootOptions options, ConsoleIo console) throws IOException {
        return boot(options, console, () -> false);
    }

    /** All boots are on one host: networks, captures and forwarded ports go on. */
    @Override
    public Outcome boot(BootOptions options, ConsoleIo console, BooleanSupplier bootsAgain)
            throws IOException {
        int threads = threads(options.virtualTime(), options.vcpus());
        return run(
                options.maxMemoryBytes(),
                threads,
                host -> {
                    Guest guest = started(host, options, console);
                    Outcome outcome = guest.await(options.timeout());
                    while (outcome.ending() instanceof Outcome.Rebooted
                            && bootsAgain.getAsBoolean()) {
                        BootOptions now = guest.configuration();
                        guest.close();
                        guest = started(host, now, console);
                        outcome = guest.await(options.timeout());
                    }
                    return outcome;
                });
    }

    private static Guest started(Host host, BootOptions options, ConsoleIo console)
            throws IOException {
        Guest guest = host.create(options, console);
        guest.start();
        return guest;
    }

    @Override
    public Outcome restore(Path file, RestoreOptions options, ConsoleIo console)
            throws IOException {
        DomainSnapshot snapshot = DomainSnapshot.open(file);
        Description saved = snapshot.description();
        BootOptions asSaved = SavedGuest.parse(snapshot.configuration()).options(saved, options);
        return run(
                asSaved.maxMemoryBytes(),
                threads(saved.virtualTime(), saved.vcpus()),
                host -> {
                    Guest guest = host.restore(snapshot, asSaved, console);
                    if (options.paused()) {
                        guest.startPaused();
                    } else {
                        guest.start();
                        if (guest.isSuspended()) {
                            // All that it had is there again.
                            guest.cancelSuspend();
                        }
                    }
                    return guest.await(options.timeout());
                });
    }

    /** Virtual time runs one vCPU at a time anyway; a second thread would only take turns. */
    private static int threads(boolean virtualTime, int vcpus) {
        return virtualTime ? 1 : Math.min(vcpus, Runtime.getRuntime().availableProcessors());
    }

    /** What is done on a host that has just started. */
    private interface Use {
        Outcome of(Host host) throws IOException;
    }

    private Outcome run(long memoryBytes, int threads, Use use) throws IOException {
        try (Host host = Host.start(memoryBytes + Host.OVERHEAD_BYTES, threads);
                AutoCloseable _ = listen(host)) {
            return use.of(host);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("the control socket could not be closed", e);
        }
    }

    private AutoCloseable listen(Host host) throws IOException {
        return sockets.isPresent()
                ? ControlServer.start(sockets.get(), new HostVerbs(host))
                : () -> {};
    }
}
