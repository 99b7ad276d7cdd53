package org.xenolith.core.machine;

import org.xenolith.core.backend.AttachedDevice;
import org.xenolith.core.backend.Disk;
import org.xenolith.core.backend.DiskName;
import org.xenolith.core.backend.NetworkInterface;
import org.xenolith.core.backend.Share;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.ShareSpec;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.Qcow2;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.p9.SharedFolder;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/** Gives a guest the devices that its owner listed before it starts, and more while it runs. */
final class DeviceAttacher {
    /** The prefix that Xen's tools use for addresses they make up. */
    private static final long XEN_OUI = 0x00_16_3e_00_00_00L;

    private static final int OWN_BITS = 0x7f_ffff;

    private static final String VIF = "vif";

    /** Opens what is behind a guest's disks. */
    interface Disks {
        /**
         * @throws IOException with a sentence when it cannot be had
         */
        BlockImage open(DiskName name, DiskSpec disk) throws IOException;
    }

    private final Host host;
    private final Guest guest;
    private final Disks disks;

    DeviceAttacher(Host host, Guest guest) {
        this(host, guest, (_, disk) -> open(disk));
    }

    DeviceAttacher(Host host, Guest guest, Disks disks) {
        this.host = host;
        this.guest = guest;
        this.disks = disks;
    }

    /**
     * @throws IOException when an image cannot be opened or a network cannot be joined
     * @throws BootFailed when the list makes no sense
     */
    void attach(GuestDevices devices) throws IOException {
        attachDisks(devices.disks());
        attachShares(devices.shares());
        attachNetworks(devices.networks());
        for (PortForward forward : devices.forwards()) {
            host.network().forwardAtStart(forward, guest.name());
        }
    }

    /** Those that say their number first. */
    private void attachNetworks(List<NetworkSpec> networks) throws IOException {
        Set<Integer> numbers = new HashSet<>();
        for (NetworkSpec spec : networks) {
            if (spec.number().isPresent() && !numbers.add(spec.number().get())) {
                throw new BootFailed(
                        "Two network interfaces have the number " + spec.number().get());
            }
        }
        for (NetworkSpec spec : networks) {
            int number = spec.number().orElseGet(() -> smallestFree(numbers));
            numbers.add(number);
            attachNetwork(number, spec);
        }
    }

    private static int smallestFree(Set<Integer> taken) {
        int number = 0;
        while (taken.contains(number)) {
            number++;
        }
        return number;
    }

    private void attachDisks(List<DiskSpec> disks) throws IOException {
        for (Map.Entry<DiskName, DiskSpec> disk : named(disks).entrySet()) {
            attach(disk.getKey(), disk.getValue());
        }
    }

    /**
     * What the guest calls each of its disks.
     *
     * @throws BootFailed when two have one name, or it is none
     */
    static Map<DiskName, DiskSpec> named(List<DiskSpec> disks) {
        Set<String> taken = new HashSet<>();
        for (DiskSpec disk : disks) {
            if (disk.device().isPresent() && !taken.add(disk.device().get())) {
                throw new BootFailed("Two disks are called " + disk.device().get());
            }
        }
        Map<DiskName, DiskSpec> named = new LinkedHashMap<>();
        int next = 0;
        for (DiskSpec disk : disks) {
            while (disk.device().isEmpty() && taken.contains(DiskName.ofIndex(next).name())) {
                next++;
            }
            DiskName name =
                    disk.device().isPresent()
                            ? nameOf(disk.device().get())
                            : DiskName.ofIndex(next++);
            named.put(name, disk);
        }
        return named;
    }

    private void attachShares(List<ShareSpec> shares) throws IOException {
        Set<String> tags = new HashSet<>();
        for (ShareSpec share : shares) {
            if (!tags.add(share.tag())) {
                throw new BootFailed("Two shares have the tag " + share.tag());
            }
        }
        for (ShareSpec share : shares) {
            attachShare(shares.indexOf(share), share);
        }
    }

    private void attachShare(int id, ShareSpec share) throws IOException {
        SharedFolder folder = SharedFolder.open(share.folder(), share.readOnly());
        try {
            guest.devices().attach(new Share(id, share.tag(), folder, share.folder().toString()));
        } catch (RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    private void attach(DiskName name, DiskSpec disk) throws IOException {
        BlockImage image = disks.open(name, disk);
        try {
            guest.devices().attach(new Disk(name, image, disk.file().toString()));
        } catch (RuntimeException | Error e) {
            image.close();
            throw e;
        }
    }

    private static DiskName nameOf(String device) {
        try {
            return DiskName.parse(device);
        } catch (IllegalArgumentException e) {
            throw new BootFailed(e.getMessage(), e);
        }
    }

    /**
     * Opens a disk as its owner wants it, and makes its overlay at the first time.
     *
     * @throws IOException with a sentence when it is none, or an overlay lies over another base
     */
    static BlockImage open(DiskSpec disk) throws IOException {
        ImageFormat format = disk.imageFormat();
        if (disk.ephemeral()) {
            return DiskImage.openEphemeral(disk.file(), format, scratchFolder(disk));
        }
        if (disk.overlay().isPresent()) {
            Path overlay = disk.overlay().get();
            if (Files.notExists(overlay)) {
                createOverlay(overlay, disk.file(), format);
            }
            DiskImage.requireBase(overlay, disk.file());
            return DiskImage.open(overlay, disk.readOnly(), ImageFormat.QCOW2);
        }
        return DiskImage.open(disk.file(), disk.readOnly(), format);
    }

    /** Where what is written to an ephemeral disk is kept. */
    static Path scratchFolder(DiskSpec disk) {
        Path folder = disk.file().toAbsolutePath().getParent();
        return Files.isWritable(folder) ? folder : Path.of("/var/tmp");
    }

    private static void createOverlay(Path overlay, Path base, ImageFormat format)
            throws IOException {
        // Asking for the format here, when the owner says it, fixes it for ever: what a guest
        // writes into a raw base can never make it something else.
        ImageFormat below = format == null ? DiskImage.formatOf(base) : format;
        long size;
        try (BlockImage image = DiskImage.open(base, true, below)) {
            size = image.sizeBytes();
        }
        Qcow2.create(overlay, size, base.toAbsolutePath(), below);
    }

    /**
     * Attaches an interface to a guest that runs.
     *
     * @return its number
     * @throws IOException when the network cannot be joined
     * @throws IllegalArgumentException when the address or the number is taken
     */
    int attachNetwork(NetworkSpec spec) throws IOException {
        synchronized (guest) {
            Set<Integer> taken = new HashSet<>();
            for (AttachedDevice attached : guest.devices().devices()) {
                if (attached.device().type().equals(VIF)) {
                    taken.add(attached.device().id());
                }
            }
            int number = spec.number().orElseGet(() -> smallestFree(taken));
            if (taken.contains(number)) {
                throw new IllegalArgumentException(
                        "The guest '%s' has an interface %d already"
                                .formatted(guest.name(), number));
            }
            try {
                attachNetwork(number, spec);
            } catch (IOException | RuntimeException e) {
                host.network().closeIfUnused(spec.uplink());
                throw e;
            }
            return number;
        }
    }

    private void attachNetwork(int id, NetworkSpec spec) throws IOException {
        MacAddress mac = spec.address().orElse(madeUp(guest.name(), id));
        String bridge = spec.uplink().getClass().getSimpleName().toLowerCase(Locale.ROOT);
        NetworkInterface nic =
                new NetworkInterface(
                        id,
                        mac.toString(),
                        NetworkInterface.DEFAULT_MTU,
                        bridge,
                        host.network().place(spec, mac, guest.name(), guest.name() + "." + id));
        // Before anybody can see it, and have it detached.
        guest.interfaces().add(id, spec);
        try {
            guest.devices().attach(nic);
        } catch (RuntimeException e) {
            guest.interfaces().remove(id);
            throw e;
        }
    }

    /** The same for the same guest on every start, so that leases and ARP tables stay true. */
    private static MacAddress madeUp(String name, int id) {
        CRC32C sum = new CRC32C();
        sum.update((name + "." + id).getBytes(StandardCharsets.UTF_8));
        return new MacAddress(XEN_OUI | sum.getValue() & OWN_BITS);
    }
}
