package org.xenolith.core.machine;

import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.devices.net.NetworkSpec;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a copy of a running guest has: what the guest has, but of its own each name, hardware
 * address and port, and what is written to disks. A copy some of whose disks are forgotten with it
 * has nothing to start again from: it ends when it reboots or crashes, whatever becomes of the
 * guest then.
 */
final class CopyPlan {
    private final BootOptions original;
    private final ForkRequest request;

    /** Names of disks that the request has files for and that were not met yet. */
    private final Set<String> unknown;

    private boolean forgets;

    private CopyPlan(BootOptions original, ForkRequest request) {
        this.original = original;
        this.request = request;
        unknown = new HashSet<>(request.overlays().keySet());
    }

    /**
     * @param original the guest's as it is now: {@link Guest#configuration}
     * @throws BootFailed when it has what cannot be copied, or not what the request names
     */
    static BootOptions of(BootOptions original, ForkRequest request) {
        return new CopyPlan(original, request).options();
    }

    private BootOptions options() {
        List<DiskSpec> disks = disks();
        GuestDevices devices = new GuestDevices(disks, networks(), request.forwards());
        if (!request.forwards().isEmpty() && !devices.isOnNat()) {
            throw new BootFailed(
                    original.name()
                            + " has no interface on the network 'nat', which ports lead to");
        }
        return original.toBuilder()
                .name(request.name())
                .devices(devices)
                .bootDisk(original.bootDisk().map(disk -> bootDisk(disk, disks)))
                .actions(forgets ? endingOnce(original.actions()) : original.actions())
                .trace(Set.of(), Optional.empty())
                .traceFunction("")
                .statistics(false)
                .build();
    }

    private List<DiskSpec> disks() {
        List<DiskSpec> disks = new ArrayList<>();
        Map<DiskName, DiskSpec> named = DeviceAttacher.named(original.devices().disks());
        named.forEach((name, disk) -> disks.add(disk(name.name(), disk)));
        if (!unknown.isEmpty()) {
            throw new BootFailed(
                    "%s has no disk %s".formatted(original.name(), unknown.iterator().next()));
        }
        return disks;
    }

    private DiskSpec disk(String name, DiskSpec disk) {
        unknown.remove(name);
        Path overlay = request.overlays().get(name);
        boolean keepsApart = disk.ephemeral() || disk.overlay().isPresent();
        if (disk.readOnly() && !disk.ephemeral()) {
            if (overlay != null) {
                throw new BootFailed(
                        "The disk %s is read-only: both read the same".formatted(name));
            }
            return disk;
        }
        if (!keepsApart) {
            throw new BootFailed(
                    "%s writes to its disk %s itself, which its copy would need to stay as it is: only a disk with an overlay, one that is ephemeral or one that is read-only can be copied"
                            .formatted(original.name(), name));
        }
        if (overlay == null) {
            forgets = true;
            return disk.asEphemeral();
        }
        return disk.asOverlay(overlay);
    }

    /** What two interfaces send from, and into one file, nobody could tell apart. */
    private List<NetworkSpec> networks() {
        return original.devices().networks().stream().map(NetworkSpec::ofAnother).toList();
    }

    /** A kernel that is read from the guest's disk is read from the copy's. */
    private BootDisk bootDisk(BootDisk boot, List<DiskSpec> disks) {
        List<DiskSpec> originals = original.devices().disks();
        for (int i = 0; i < disks.size(); i++) {
            if (originals.get(i).file().equals(boot.disk().file())) {
                return new BootDisk(disks.get(i), boot.initrd(), boot.arguments());
            }
        }
        return boot;
    }

    private static EventActions endingOnce(EventActions actions) {
        return new EventActions(
                once(actions.onPoweroff()), once(actions.onReboot()), once(actions.onCrash()));
    }

    private static Action once(Action action) {
        return action == Action.RESTART ? Action.DESTROY : action;
    }
}
