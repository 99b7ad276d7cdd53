package org.xenolith.core.boot;

import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.net.nat.Subnet;

import java.time.Duration;
import java.util.Optional;

/**
 * How a saved guest goes on; what it is, its file says.
 *
 * @param paused whether it stands until somebody unpauses it
 * @param timeout wall time after which it is stopped
 * @param statistics whether {@link Outcome#statistics} is wanted
 * @param tier how its code is executed
 * @param noReboot whether it ends when it reboots, whatever its file says
 * @param timerSlack how late its timers may come, as in {@link BootOptions}
 * @param changedDisks whether it goes on on disks that were written to since it was saved
 * @param natNetwork the addresses behind the user-mode NAT; empty for those that it was saved with
 */
public record RestoreOptions(
        boolean paused,
        Optional<Duration> timeout,
        boolean statistics,
        Tier tier,
        boolean noReboot,
        Duration timerSlack,
        boolean changedDisks,
        Optional<Subnet> natNetwork) {
    /** For a guest that reboots when it likes, if its file does not say otherwise. */
    public RestoreOptions(
            boolean paused, Optional<Duration> timeout, boolean statistics, Tier tier) {
        this(paused, timeout, statistics, tier, false);
    }

    /** On disks as they were when it was saved. */
    public RestoreOptions(
            boolean paused,
            Optional<Duration> timeout,
            boolean statistics,
            Tier tier,
            boolean noReboot) {
        this(paused, timeout, statistics, tier, noReboot, Duration.ZERO, false, Optional.empty());
    }
}
