package org.xenolith.core.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A guest as its owner describes it, wherever that is written.
 *
 * @param image a known guest's name, a kernel, or a disk to boot from; empty when a kernel is given
 * @param commandLine kernel arguments beside those that the image needs
 * @param memoryBytes what it starts with and never has to go below
 * @param maxMemoryBytes what its balloon may grow to
 * @param shares folders of the host that it may mount
 * @param networks each in the notation of the switch's ports
 * @param forwards host ports that lead to it, such as 8080:80
 * @param bootloader a PV guest that loads the kernel from the disk, such as GRUB's for Xen
 * @param timerSlack how late its timers may come while nobody has anything for it, {@link
 *     #MOST_TIMER_SLACK} at most
 * @param fork what it begins as a copy of; empty for a guest that boots
 */
public record GuestConfig(
        String name,
        Optional<String> image,
        Optional<Path> kernel,
        Optional<Path> initrd,
        String commandLine,
        long memoryBytes,
        long maxMemoryBytes,
        int vcpus,
        List<DiskSpec> disks,
        List<ShareSpec> shares,
        List<String> networks,
        List<String> forwards,
        Optional<Path> bootloader,
        Duration timerSlack,
        Optional<Fork> fork,
        Action onPoweroff,
        Action onReboot,
        Action onCrash) {

    /**
     * What a guest begins as in its first life.
     *
     * @param parent name of a guest of the same kind
     * @param when what the parent's console says, in one line, when it can be copied
     */
    public record Fork(String parent, String when) {}

    /** What becomes of a guest that ended: xl.cfg(5), Event Actions. */
    public enum Action {
        DESTROY,
        RESTART,
        PRESERVE
    }

    /**
     * Later than that no timer comes. Linux finds its processor stuck when a timer of 4 seconds has
     * not come for 20, and RCU stalled after 21.
     */
    public static final Duration MOST_TIMER_SLACK = Duration.ofSeconds(10);

    public static final String MOST_TIMER_SLACK_TEXT = "10s";

    /** How many addresses it needs behind the user-mode NAT. */
    public long interfacesOnNat() {
        return networks.stream().filter(GuestConfig::isNat).count();
    }

    static boolean isNat(String network) {
        return network.equals("nat") || network.startsWith("nat,");
    }

    /**
     * A guest like this one that begins as a copy of it. What it has of its own is not in here: its
     * disks, addresses and ports.
     */
    public GuestConfig copy(String itsName, Action poweroff, Action reboot, Action crash) {
        return new GuestConfig(
                itsName,
                image,
                kernel,
                initrd,
                commandLine,
                memoryBytes,
                maxMemoryBytes,
                vcpus,
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                bootloader,
                timerSlack,
                Optional.empty(),
                poweroff,
                reboot,
                crash);
    }

    /** What a guest has when nothing is said. */
    public static final long DEFAULT_MEMORY_BYTES = 256L << 20;
}
