package org.xenolith.core.machine;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a snapshot's configuration says: the guest's name, what it started with, and what it is
 * connected to. JSON in the file, for people who look into it.
 *
 * @param memoryBytes that its balloon leaves it in any case
 */
record SavedGuest(String name, long memoryBytes, GuestDevices devices) {
    /** The form of the text. Absent members are null. */
    private record Text(
            String name,
            long memoryBytes,
            List<DiskText> disks,
            List<String> networks,
            List<String> forwards) {}

    private record DiskText(
            String file, String format, String device, boolean readOnly, String overlay) {
        static DiskText of(DiskSpec disk) {
            return new DiskText(
                    absolute(disk.file()),
                    disk.format().orElse(null),
                    disk.device().orElse(null),
                    disk.readOnly(),
                    disk.overlay().map(DiskText::absolute).orElse(null));
        }

        private static String absolute(Path path) {
            return path.toAbsolutePath().normalize().toString();
        }

        DiskSpec toDisk() {
            return new DiskSpec(
                    Path.of(file),
                    Optional.ofNullable(format),
                    Optional.ofNullable(device),
                    readOnly,
                    false,
                    Optional.ofNullable(overlay).map(Path::of));
        }
    }

    /**
     * @param options what it would start with now
     * @throws SnapshotException when what the guest wrote would be gone with it
     */
    static SavedGuest of(BootOptions options) throws SnapshotException {
        for (DiskSpec disk : options.devices().disks()) {
            if (disk.ephemeral()) {
                throw new SnapshotException(
                        "What the guest writes to its disk %s is forgotten when it ends; give it an"
                                        .formatted(disk.file())
                                + " overlay=FILE to save the guest");
            }
        }
        return new SavedGuest(options.name(), options.memoryBytes(), options.devices());
    }

    /** What the guest's host needs to know to go on with it. */
    BootOptions options(Description saved, RestoreOptions how) {
        return BootOptions.of(name, Path.of(""), memoryBytes)
                .memory(memoryBytes, saved.maximumPages() << Ram.PAGE_SHIFT)
                .vcpus(saved.vcpus())
                .timeout(how.timeout())
                .virtualTime(saved.virtualTime())
                .statistics(how.statistics())
                .devices(devices)
                .tier(how.tier())
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
                                devices.forwards().stream().map(PortForward::toString).toList()));
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
                            read.forwards.stream().map(PortForward::parse).toList()));
        } catch (JsonParseException | IllegalArgumentException | NullPointerException e) {
            throw SnapshotException.damaged("its configuration is none");
        }
    }
}
