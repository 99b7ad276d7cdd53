package org.xenolith.core.machine;

import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;

/** Boots one guest on a host of its own, in this JVM, and tells how it ended. */
public final class VmmMachine implements Machine {
    @Override
    public Outcome boot(BootOptions options, ConsoleIo console) throws IOException {
        // Virtual time runs one vCPU at a time anyway; a second thread would only take turns.
        int threads =
                options.virtualTime()
                        ? 1
                        : Math.min(options.vcpus(), Runtime.getRuntime().availableProcessors());
        long memoryBytes = options.maxMemoryBytes() + Host.OVERHEAD_BYTES;
        try (Host host = Host.start(memoryBytes, threads)) {
            Guest guest = host.create(options, console);
            guest.start();
            return guest.await(options.timeout());
        }
    }
}
