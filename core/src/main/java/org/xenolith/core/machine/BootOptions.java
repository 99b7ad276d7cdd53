package org.xenolith.core.machine;

import org.xenolith.core.snapshot.Description;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.translate.Tier;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * What to boot and how.
 *
 * @param name of the domain, as xenstore shows it
 * @param kernel a bzImage or ELF file
 * @param commandLine the guest's whole command line
 * @param memoryBytes RAM that the guest starts with, a multiple of a page
 * @param vcpus at least 1
 * @param trace the topics to write down; none by default
 * @param traceFile where the trace goes; standard error without it
 * @param timeout wall time after which the guest is stopped
 * @param virtualTime whether the guest's clocks count instructions instead of wall time
 * @param statistics whether {@link Outcome#statistics} is wanted
 * @param maxMemoryBytes what the guest's balloon may grow it to, at least {@code memoryBytes}
 * @param devices disks and networks
 * @param tier how its code is executed
 * @param traceFunction traces what this function of the guest's kernel causes, {@code *} and {@code
 *     ?} standing for anything; empty for all
 */
public record BootOptions(
        String name,
        Path kernel,
        Optional<Path> initrd,
        String commandLine,
        long memoryBytes,
        int vcpus,
        Set<TraceTopic> trace,
        Optional<Path> traceFile,
        Optional<Duration> timeout,
        boolean virtualTime,
        boolean statistics,
        long maxMemoryBytes,
        GuestDevices devices,
        Tier tier,
        String traceFunction) {

    /** A guest that is executed as usual. */
    public BootOptions(
            String name,
            Path kernel,
            Optional<Path> initrd,
            String commandLine,
            long memoryBytes,
            int vcpus,
            Set<TraceTopic> trace,
            Optional<Path> traceFile,
            Optional<Duration> timeout,
            boolean virtualTime,
            boolean statistics,
            long maxMemoryBytes,
            GuestDevices devices) {
        this(
                name,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                vcpus,
                trace,
                traceFile,
                timeout,
                virtualTime,
                statistics,
                maxMemoryBytes,
                devices,
                Tier.standard(),
                "");
    }

    /** The same, executed in another way. */
    public BootOptions withTier(Tier other) {
        return new BootOptions(
                name,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                vcpus,
                trace,
                traceFile,
                timeout,
                virtualTime,
                statistics,
                maxMemoryBytes,
                devices,
                other,
                traceFunction);
    }

    /** The same, with only what a function causes traced. */
    public BootOptions withTraceFunction(String function) {
        return new BootOptions(
                name,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                vcpus,
                trace,
                traceFile,
                timeout,
                virtualTime,
                statistics,
                maxMemoryBytes,
                devices,
                tier,
                function);
    }

    /** A guest that starts with all the memory it can have, without disks and networks. */
    public BootOptions(
            String name,
            Path kernel,
            Optional<Path> initrd,
            String commandLine,
            long memoryBytes,
            int vcpus,
            Set<TraceTopic> trace,
            Optional<Path> traceFile,
            Optional<Duration> timeout,
            boolean virtualTime,
            boolean statistics) {
        this(
                name,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                vcpus,
                trace,
                traceFile,
                timeout,
                virtualTime,
                statistics,
                memoryBytes,
                GuestDevices.NONE);
    }

    /** The same guest with these devices. */
    public BootOptions with(GuestDevices other) {
        return new BootOptions(
                name,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                vcpus,
                trace,
                traceFile,
                timeout,
                virtualTime,
                statistics,
                maxMemoryBytes,
                other,
                tier,
                traceFunction);
    }

    /** The same for a guest that goes on from a snapshot, whose size and time are given. */
    BootOptions of(Description saved) {
        long bytes = saved.maximumPages() << Ram.PAGE_SHIFT;
        return new BootOptions(
                name,
                kernel,
                initrd,
                commandLine,
                Math.min(memoryBytes, bytes),
                saved.vcpus(),
                trace,
                traceFile,
                timeout,
                saved.virtualTime(),
                statistics,
                bytes,
                devices,
                tier,
                traceFunction);
    }
}
