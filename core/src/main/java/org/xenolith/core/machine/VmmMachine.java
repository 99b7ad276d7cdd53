package org.xenolith.core.machine;

import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.util.Optional;

/** Boots one guest on a host of its own, in this JVM, and tells how it ended. */
public final class VmmMachine implements Machine {
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

    @Override
    public Outcome boot(BootOptions options, ConsoleIo console) throws IOException {
        // Virtual time runs one vCPU at a time anyway; a second thread would only take turns.
        int threads =
                options.virtualTime()
                        ? 1
                        : Math.min(options.vcpus(), Runtime.getRuntime().availableProcessors());
        long memoryBytes = options.maxMemoryBytes() + Host.OVERHEAD_BYTES;
        try (Host host = Host.start(memoryBytes, threads);
                AutoCloseable _ = listen(host)) {
            Guest guest = host.create(options, console);
            guest.start();
            return guest.await(options.timeout());
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
