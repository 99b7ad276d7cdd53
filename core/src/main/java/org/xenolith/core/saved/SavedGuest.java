package org.xenolith.core.saved;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.GuestName;
import org.xenolith.core.disk.DirectoryDisk;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a snapshot's configuration says: the guest's name, what it started with, what it is
 * connected to, and how it starts anew. JSON in the file, for people who look into it.
 *
 * @param memoryBytes that its balloon leaves it in any case
 * @param boot empty when the file is older than this part of it: its guest ends when it reboots
 * @param diskFiles as the guest left them; empty when the file is older than this part of it
 * @param natNetwork in which its address behind the NAT is; what it was for all guests when the
 *     file is older than this part of it
 * @param natAddresses what its interfaces have there; empty when the file is older than this part
 *     of it
 */
public record SavedGuest(
        String name,
        long memoryBytes,
        GuestDevices devices,
        Optional<SavedBoot> boot,
        List<DiskFile> diskFiles,
        Subnet natNetwork,
        Map<MacAddress, String> natAddresses) {

    /** The form of the text. Absent members are null. */
    private record Text(
            String name,
            long memoryBytes,
            List<DiskText> disks,
            List<String> networks,
            List<String> forwards,
            BootText boot,
            List<DiskFile> diskFiles,
            String natNetwork,
            Map<String, String> natAddresses) {}

    /**
     * @param options what it would start with now
     * @throws SnapshotException when what the guest wrote would be gone with it
     */
    public static SavedGuest of(BootOptions options) throws SnapshotException {
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
                options.name(),
                options.memoryBytes(),
                options.devices(),
                SavedBoot.of(options),
                List.of(),
                options.natNetwork(),
                Map.of());
    }

    /** The same with the files of its disks as they are now, when nobody writes to them. */
    public SavedGuest withDiskFiles() throws IOException {
        List<DiskFile> now = DiskFile.of(devices.disks());
        return new SavedGuest(name, memoryBytes, devices, boot, now, natNetwork, natAddresses);
    }

    /** The same with the addresses that its interfaces have behind the NAT. */
    public SavedGuest withNatAddresses(Map<MacAddress, String> now) {
        return new SavedGuest(name, memoryBytes, devices, boot, diskFiles, natNetwork, now);
    }

    /**
     * @throws SnapshotException when a disk that the guest writes to is in use, or a disk was
     *     written to since the guest was saved, which knows nothing of that and holds parts of it
     *     in memory
     */
    public void requireUnchangedDisks() throws IOException {
        requireNoneInUse(); // first: who writes to it has most likely changed it, too
        for (DiskFile disk : diskFiles) {
            if (disk.hasChanged()) {
                throw new SnapshotException(
                        "%s was changed after the guest was saved, which would write what it remembers"
                                        .formatted(disk.file())
                                + " over that; --force lets it");
            }
        }
    }

    /**
     * A guest behind the NAT knows its own address, the gateway's and the name server's, and asks
     * for none of them when it goes on.
     *
     * @param chosen for the host that it is to be restored on
     * @throws SnapshotException when its addresses are none of that network
     */
    public void requireNetwork(Subnet chosen) throws SnapshotException {
        if (devices.isOnNat() && !chosen.equals(natNetwork)) {
            throw new SnapshotException(
                    "%s was saved with an address of %s, which it goes on with, and not with one of %s"
                            .formatted(name, natNetwork, chosen));
        }
    }

    private void requireNoneInUse() throws IOException {
        for (DiskSpec disk : devices.disks()) {
            Path written = disk.overlay().orElse(disk.file());
            if (!disk.readOnly() && Files.exists(written) && DiskImage.isInUse(written)) {
                throw new SnapshotException(
                        written
                                + " is in use: the guest, or one that was restored from the same"
                                + " file, may be running");
            }
        }
    }

    /** What the guest's host needs to know to go on with it. */
    public BootOptions options(Description saved, RestoreOptions how) {
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
                .timerSlack(how.timerSlack())
                .actions(how.noReboot() ? actions.withOnReboot(Action.DESTROY) : actions)
                .natNetwork(how.natNetwork().orElse(natNetwork))
                .build();
    }

    private Map<String, String> addressTexts() {
        Map<String, String> texts = new TreeMap<>();
        natAddresses.forEach((mac, address) -> texts.put(mac.toString(), address));
        return texts;
    }

    private static Map<MacAddress, String> addressesOf(Text read, Subnet network) {
        Map<MacAddress, String> addresses = new HashMap<>();
        for (Map.Entry<String, String> each : read.natAddresses.entrySet()) {
            if (!network.isGuest(each.getValue())) {
                throw new IllegalArgumentException(each.getValue() + " is no guest's address");
            }
            addresses.put(MacAddress.parse(each.getKey()), each.getValue());
        }
        return addresses;
    }

    private static List<DiskFile> filesOf(Text read) {
        for (DiskFile disk : read.diskFiles) {
            Objects.requireNonNull(disk.modified());
            Path.of(disk.file());
        }
        return List.copyOf(read.diskFiles);
    }

    /** The configuration as {@link #parse} reads it. */
    public String toText() {
        return new Gson()
                .toJson(
                        new Text(
                                name,
                                memoryBytes,
                                devices.disks().stream().map(DiskText::of).toList(),
                                devices.networks().stream().map(NetworkSpec::toString).toList(),
                                devices.forwards().stream().map(PortForward::toString).toList(),
                                boot.map(BootText::of).orElse(null),
                                diskFiles.isEmpty() ? null : diskFiles,
                                natNetwork.equals(Subnet.STANDARD) ? null : natNetwork.toString(),
                                natAddresses.isEmpty() ? null : addressTexts()));
    }

    /**
     * @throws SnapshotException when the text is none of ours
     */
    public static SavedGuest parse(String text) throws SnapshotException {
        try {
            Text read = new Gson().fromJson(text, Text.class);
            if (read.name.isEmpty() || read.memoryBytes <= 0) {
                throw new IllegalArgumentException("neither name nor memory");
            }
            Subnet network =
                    read.natNetwork == null ? Subnet.STANDARD : Subnet.parse(read.natNetwork);
            List<DiskSpec> disks = new ArrayList<>();
            for (DiskText disk : read.disks) {
                disks.add(disk.toDisk());
            }
            return new SavedGuest(
                    GuestName.from(read.name), // the file may be another's, or older than the rule
                    read.memoryBytes,
                    new GuestDevices(
                            disks,
                            read.networks.stream().map(NetworkSpec::parse).toList(),
                            read.forwards.stream().map(PortForward::parse).toList()),
                    Optional.ofNullable(read.boot).map(BootText::toBoot),
                    read.diskFiles == null ? List.of() : filesOf(read),
                    network,
                    read.natAddresses == null ? Map.of() : addressesOf(read, network));
        } catch (JsonParseException | IllegalArgumentException | NullPointerException e) {
            throw SnapshotException.damaged("its configuration is none");
        }
    }
}
