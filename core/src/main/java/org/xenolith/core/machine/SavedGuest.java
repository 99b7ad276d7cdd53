package org.xenolith.core.machine;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a snapshot's configuration says: the guest's name, what it started with, what it is
 * connected to, and how it starts anew. JSON in the file, for people who look into it.
 *
 * @param memoryBytes that its balloon leaves it in any case
 * @param boot empty when the file is older than this part of it: its guest ends when it reboots
 */
record SavedGuest(String name, long memoryBytes, GuestDevices devices, Optional<SavedBoot> boot) {
    /** The form of the text. Absent members are null. */
    private record Text(
            String name,
            long memoryBytes,
            List<DiskText> disks,
            List<String> networks,
            List<String> forwards,
            BootText boot) {}

    /**
     * @param options what it would start with now
     * @throws SnapshotException when what the guest wrote would be gone with it
     */
    static SavedGuest of(BootOptions options) throws SnapshotException {
        for (DiskSpec disk : options.devices().disks()) {
            if (DirectoryDisk.isImage(disk)) {
                throw new SnapshotException(
                        "The guest's disk %s was made of a directory and goes with this process"
                                        .formatted(disk.file())
                                + "; give the guest an image to save it");
            }
            if (disk.ephemeral()) {
                throw new SnapshotException(
                        "What the guest writes to its disk %s is forgotten when it ends; give it an"
                                        .formatted(disk.file())
                                + " overlay=FILE to save the guest");
            }
        }
        return new SavedGuest(
                options.name(), options.memoryBytes(), options.devices(), SavedBoot.of(options));
    }

    /** What the guest's host needs to know to go on with it. */
    BootOptions options(Description saved, RestoreOptions how) {
        BootOptions.Builder options = BootOptions.of(name, BootOptions.UNKNOWN_KERNEL, memoryBytes);
        boot.ifPresent(known -> known.addTo(options));
        EventActions actions = boot.map(SavedBoot::actions).orElse(EventActions.STANDARD);
        return options.memory(memoryBytes, saved.maximumPages() << Ram.PAGE_SHIFT)
                .vcpus(saved.vcpus())
                .timeout(how.timeout())
                .virtualTime(saved.virtualTime())
                .statistics(how.statistics())
                .devices(devices)
                .tier(how.tier())
                .actions(how.noReboot() ? actions.withOnReboot(Action.DESTROY) : actions)
                .build();
    }

    String toText() {
        return new Gson()
                .toJson(
                        new Text(
                                name,
                                memoryBytes,
                                devices.disks().stream().map(DiskText::of).toList(),
                                devices.networks().stream().map(NetworkSpec::toString).toList(),
                                devices.forwards().stream().map(PortForward::toString).toList(),
                                boot.map(BootText::of).orElse(null)));
    }

    /**
     * @throws SnapshotException when the text is none of ours
     */
    static SavedGuest parse(String text) throws SnapshotException {
        try {
            Text read = new Gson().fromJson(text, Text.class);
            if (read.name.isEmpty() || read.memoryBytes <= 0) {
                throw new IllegalArgumentException("neither name nor memory");
            }
            List<DiskSpec> disks = new ArrayList<>();
            for (DiskText disk : read.disks) {
                disks.add(disk.toDisk());
            }
            return new SavedGuest(
                    read.name,
                    read.memoryBytes,
                    new GuestDevices(
                            disks,
                            read.networks.stream().map(NetworkSpec::parse).toList(),
                            read.forwards.stream().map(PortForward::parse).toList()),
                    Optional.ofNullable(read.boot).map(BootText::toBoot));
        } catch (JsonParseException | IllegalArgumentException | NullPointerException e) {
            throw SnapshotException.damaged("its configuration is none");
        }
    }
}
