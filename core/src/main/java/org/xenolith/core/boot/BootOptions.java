package org.xenolith.core.boot;

import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.disk.DiskBoot;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
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
 * @param bootDisk what kernel, initrd and command line were read from, and are at each start
 * @param actions what becomes of it when it ends
 * @param timerSlack how late its timers may come while nothing is posted for it; zero for a guest
 *     that is always on time, as one in virtual time is
 * @param natNetwork the addresses of a user-mode NAT that is made for it
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
        String traceFunction,
        Optional<BootDisk> bootDisk,
        EventActions actions,
        Duration timerSlack,
        Subnet natNetwork) {
    public BootOptions {
        TierUnfit.check(name, tier, vcpus);
    }

    /** In the place of a kernel: nobody knows what a guest boots that was restored without it. */
    public static final Path UNKNOWN_KERNEL = Path.of("");

    /** A guest of one vCPU without initial RAM disk, devices and limits, until more is said. */
    public static Builder of(String name, Path kernel, long memoryBytes) {
        return new Builder(name, kernel).memory(memoryBytes, memoryBytes);
    }

    /** The same, to be changed. */
    public Builder toBuilder() {
        return new Builder(name, kernel)
                .initrd(initrd)
                .commandLine(commandLine)
                .memory(memoryBytes, maxMemoryBytes)
                .vcpus(vcpus)
                .trace(trace, traceFile)
                .traceFunction(traceFunction)
                .timeout(timeout)
                .virtualTime(virtualTime)
                .statistics(statistics)
                .devices(devices)
                .tier(tier)
                .bootDisk(bootDisk)
                .actions(actions)
                .timerSlack(timerSlack)
                .natNetwork(natNetwork);
    }

    /** The same, executed in another way. */
    public BootOptions withTier(Tier other) {
        return toBuilder().tier(other).build();
    }

    /** The same guest with these devices. */
    public BootOptions with(GuestDevices other) {
        return toBuilder().devices(other).build();
    }

    /** Whether it is known how the guest starts. */
    public boolean isBootable() {
        return bootDisk.isPresent() || !kernel.equals(UNKNOWN_KERNEL);
    }

    /**
     * The same for the guest's next start: what was read from a disk is read anew.
     *
     * @throws IOException with a sentence when the disk has nothing to boot any more
     */
    public BootOptions forNextStart() throws IOException {
        if (bootDisk.isEmpty()) {
            return this;
        }
        DiskBoot now = bootDisk.get().read();
        return toBuilder()
                .kernel(now.kernel())
                .initrd(now.initrd())
                .commandLine(now.commandLine())
                .build();
    }

    /** The same for a guest that goes on from a snapshot, whose size and time are given. */
    public BootOptions of(Description saved) {
        long bytes = saved.maximumPages() << Ram.PAGE_SHIFT;
        return toBuilder()
                .memory(Math.min(memoryBytes, bytes), bytes)
                .vcpus(saved.vcpus())
                .virtualTime(saved.virtualTime())
                .build();
    }

    /** {@link BootOptions} in the making; each method is named after what it sets. */
    public static final class Builder {
        private String name;
        private Path kernel;
        private Optional<Path> initrd = Optional.empty();
        private String commandLine = "";
        private long memoryBytes;
        private long maxMemoryBytes;
        private int vcpus = 1;
        private Set<TraceTopic> trace = Set.of();
        private Optional<Path> traceFile = Optional.empty();
        private String traceFunction = "";
        private Optional<Duration> timeout = Optional.empty();
        private boolean virtualTime;
        private boolean statistics;
        private GuestDevices devices = GuestDevices.NONE;
        private Tier tier = Tier.standard();
        private Optional<BootDisk> bootDisk = Optional.empty();
        private EventActions actions = EventActions.STANDARD;
        private Duration timerSlack = Duration.ZERO;
        private Subnet natNetwork = Subnet.STANDARD;

        private Builder(String name, Path kernel) {
            this.name = name;
            this.kernel = kernel;
        }

        public Builder name(String other) {
            name = other;
            return this;
        }

        public Builder kernel(Path file) {
            kernel = file;
            return this;
        }

        public Builder initrd(Optional<Path> file) {
            initrd = file;
            return this;
        }

        public Builder commandLine(String whole) {
            commandLine = whole;
            return this;
        }

        /**
         * @param bytes to start with
         * @param maxBytes for the balloon
         */
        public Builder memory(long bytes, long maxBytes) {
            memoryBytes = bytes;
            maxMemoryBytes = maxBytes;
            return this;
        }

        public Builder vcpus(int number) {
            vcpus = number;
            return this;
        }

        public Builder trace(Set<TraceTopic> topics, Optional<Path> file) {
            trace = topics;
            traceFile = file;
            return this;
        }

        public Builder traceFunction(String pattern) {
            traceFunction = pattern;
            return this;
        }

        public Builder timeout(Optional<Duration> wallTime) {
            timeout = wallTime;
            return this;
        }

        public Builder virtualTime(boolean on) {
            virtualTime = on;
            return this;
        }

        public Builder statistics(boolean wanted) {
            statistics = wanted;
            return this;
        }

        public Builder devices(GuestDevices all) {
            devices = all;
            return this;
        }

        public Builder tier(Tier wanted) {
            tier = wanted;
            return this;
        }

        public Builder bootDisk(Optional<BootDisk> disk) {
            bootDisk = disk;
            return this;
        }

        public Builder actions(EventActions wanted) {
            actions = wanted;
            return this;
        }

        public Builder timerSlack(Duration most) {
            timerSlack = most;
            return this;
        }

        public Builder natNetwork(Subnet wanted) {
            natNetwork = wanted;
            return this;
        }

        public BootOptions build() {
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
                    traceFunction,
                    bootDisk,
                    actions,
                    timerSlack,
                    natNetwork);
        }
    }
}
