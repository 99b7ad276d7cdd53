package org.xenolith.core.backend;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.pv.blkback.BlockBackend;
import org.xenolith.pv.blkback.BlockFeatures;
import org.xenolith.pv.netback.NetBackend;
import org.xenolith.pv.netback.NetFeatures;
import org.xenolith.pv.p9back.P9Backend;
import org.xenolith.pv.xenbus.BackendDriver;
import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The disks, interfaces and shared folders of one domain. Devices may be attached before the domain
 * starts, and while it runs; those that a restored domain had when it was saved go on where they
 * were. To save it they {@linkplain #standBy stand by}. Thread-safe.
 */
public final class VirtualDevices implements AutoCloseable {
    private static final String VBD = "vbd", VIF = "vif", P9 = "9pfs";

    /** Calls of one disk at a time. */
    private static final int CALLS_PER_DISK = 4;

    private final Domain domain;
    private final DomainTree tree;
    private final DomainAccess access;
    private final DomainRings rings = new DomainRings();
    private final BackendStore store;
    private final IoThreads io;
    private final Consumer<String> log;

    // Guarded by this object.
    private final Map<XenbusDevice, AttachedDevice> devices = new LinkedHashMap<>();
    private final Map<XenbusDevice, BlockImage> images = new LinkedHashMap<>();
    private final List<String> losses = new CopyOnWriteArrayList<>();
    private boolean closed;

    /**
     * @param tree of the domain in {@code xenstore}
     * @param io runs what blocks: calls of disks
     * @param log takes one line for what goes wrong with a device
     */
    public VirtualDevices(
            Domain domain, Xenstore xenstore, DomainTree tree, IoThreads io, Consumer<String> log) {
        this.domain = domain;
        this.tree = tree;
        this.access = new DomainAccess(domain, rings);
        this.store = new BackendStore(xenstore);
        this.io = io;
        this.log = log;
    }

    /** The rings that are in use. */
    public DomainRings rings() {
        return rings;
    }

    /** Attaches a disk, with what suits the domain. */
    public AttachedDevice attach(Disk disk) {
        BlockFeatures features = BlockFeatures.forVcpus(domain.vcpus().size());
        return attach(disk, disk.cdrom() ? features.asCdrom() : features);
    }

    /**
     * Attaches a disk.
     *
     * @throws IllegalArgumentException when the domain has one of that name, or had a disk of
     *     another size there when it was saved, or has ended; the image is not closed then
     */
    public synchronized AttachedDevice attach(Disk disk, BlockFeatures features) {
        int number = disk.name().number();
        XenbusDevice device = new XenbusDevice(domain.id(), VBD, number);
        requireFree(device);
        requireSizeAsSaved(device, disk);
        String type = disk.cdrom() ? "cdrom" : "disk";
        Map<String, String> frontend = new LinkedHashMap<>();
        frontend.put("virtual-device", "" + number);
        frontend.put("device-type", type);
        frontend.put("trusted", "1");
        frontend.put("protocol", "x86_64-abi");
        Map<String, String> backend = new LinkedHashMap<>();
        backend.put("params", disk.source());
        backend.put("removable", "0");
        backend.put("bootable", "1");
        backend.put("dev", disk.name().name());
        backend.put("type", "file");
        backend.put("mode", disk.image().isReadOnly() ? "r" : "w");
        backend.put("device-type", type);
        backend.put("discard-enable", features.discard() ? "1" : "0");
        backend.put("specification", "xen");
        AttachedDevice attached =
                attach(
                        device,
                        frontend,
                        backend,
                        new BlockBackend(disk.image(), io.limited(CALLS_PER_DISK), features),
                        disk.image());
        images.put(device, disk.image());
        return attached;
    }

    /**
     * Attaches a network interface, with what suits the domain.
     *
     * @throws IllegalArgumentException when the domain has one of that number, or has ended; it is
     *     not plugged in then
     */
    public synchronized AttachedDevice attach(NetworkInterface nic) {
        XenbusDevice device = new XenbusDevice(domain.id(), VIF, nic.id());
        requireFree(device);
        NetFeatures features = NetFeatures.forVcpus(domain.vcpus().size());
        Map<String, String> frontend = new LinkedHashMap<>();
        frontend.put("handle", "" + nic.id());
        frontend.put("mac", nic.mac());
        frontend.put("mtu", "" + nic.mtu());
        frontend.put("trusted", "1");
        Map<String, String> backend = new LinkedHashMap<>();
        backend.put("mac", nic.mac());
        backend.put("bridge", nic.network());
        backend.put("handle", "" + nic.id());
        backend.put("type", VIF);
        NetBackend netback = new NetBackend(nic.plug(), features);
        try {
            return attach(device, frontend, backend, netback, netback);
        } catch (RuntimeException | Error notAttached) {
            netback.close();
            throw notAttached;
        }
    }

    /**
     * Attaches a folder of the host.
     *
     * @throws IllegalArgumentException when the domain has one of that number, or has ended; the
     *     folder is not closed then
     */
    public synchronized AttachedDevice attach(Share share) {
        XenbusDevice device = new XenbusDevice(domain.id(), P9, share.id());
        requireFree(device);
        Map<String, String> frontend = Map.of("tag", share.tag());
        Map<String, String> backend = new LinkedHashMap<>();
        backend.put("path", share.path());
        backend.put("security_model", "none");
        // One call at a time, as the server takes them.
        P9Backend p9back = new P9Backend(share.folder(), io.limited(1));
        return attach(device, frontend, backend, p9back, p9back);
    }

    /** Whether it has a folder of the host, which Linux cannot find again in another domain. */
    public synchronized boolean hasShares() {
        return devices.keySet().stream().anyMatch(device -> device.type().equals(P9));
    }

    /** The guest believes what it was told about its disk before it was saved. */
    private void requireSizeAsSaved(XenbusDevice device, Disk disk) {
        long sectors = disk.image().sizeBytes() / BlockImage.SECTOR_BYTES;
        Optional<String> saved = store.read(device.backend() + "/sectors");
        if (saved.isPresent() && !saved.get().equals("" + sectors)) {
            throw new IllegalArgumentException(
                    "the disk %s had %s sectors when the guest was saved, and %s has %d"
                            .formatted(disk.name().name(), saved.get(), disk.source(), sectors));
        }
    }

    private void requireFree(XenbusDevice device) {
        if (closed) {
            throw new IllegalArgumentException("domain %d has ended".formatted(domain.id()));
        }
        if (devices.containsKey(device)) {
            throw new IllegalArgumentException(
                    "domain %d has a device %s already".formatted(domain.id(), device));
        }
    }

    private AttachedDevice attach(
            XenbusDevice device,
            Map<String, String> frontendKeys,
            Map<String, String> backendKeys,
            BackendDriver driver,
            AutoCloseable behind) {
        XenbusBackend backend;
        if (tree.hasDevice(device.type(), device.id())) {
            backend = XenbusBackend.goOn(device, access, store, driver, log);
        } else {
            tree.addDevice(device.type(), device.id(), frontendKeys, backendKeys);
            backend = XenbusBackend.attach(device, access, store, driver, log);
        }
        CompletableFuture<Void> gone =
                backend.ended().thenRunAsync(() -> remove(device, behind), io.unlimited());
        AttachedDevice attached = new AttachedDevice(backend, gone);
        devices.put(device, attached);
        return attached;
    }

    /**
     * On an I/O thread: to close a disk is to flush it. Only then is the device out of the lists:
     * who misses it there may use its file, its address or its number, and the end of the domain
     * waits for it.
     */
    private void remove(XenbusDevice device, AutoCloseable behind) {
        try {
            behind.close();
        } catch (Exception e) {
            log.accept(device + ": closing failed: " + e.getMessage());
            losses.add(device + " could not be closed: " + e.getMessage());
            throw new CompletionException(e);
        } finally {
            synchronized (this) { // whoever misses it in the store does not find it here
                tree.removeDevice(device.type(), device.id());
                devices.remove(device);
                images.remove(device);
            }
        }
    }

    /**
     * Lets go of the domain, which is paused, so that it can be saved: no device uses its memory or
     * its ports until {@link #resume}. The calling thread does what its vCPUs cannot do meanwhile.
     *
     * @throws IOException when a device is being detached, a disk does not answer in time, or the
     *     thread is interrupted; all go on then
     */
    public void standBy(Duration patience) throws IOException {
        new StandingBy(devices(), domain::applyPostedWhilePaused, domain::hasEnded).await(patience);
    }

    /**
     * Has all disks written to their files, which stay as they are then until the guest goes on:
     * see {@link BlockImage#settle}. Between {@link #standBy} and {@link #resume}.
     */
    public void settleDisks() throws IOException {
        List<BlockImage> all;
        synchronized (this) {
            all = List.copyOf(images.values());
        }
        for (BlockImage image : all) {
            image.settle();
        }
    }

    /** What is behind a disk; empty when there is none of that name. */
    public synchronized Optional<BlockImage> image(DiskName name) {
        XenbusDevice device = new XenbusDevice(domain.id(), VBD, name.number());
        return Optional.ofNullable(images.get(device));
    }

    /** Goes on with a domain that was saved. */
    public void resume() {
        devices().forEach(AttachedDevice::resume);
    }

    /** Devices that could not be closed and why: what the guest wrote last may not be there. */
    public List<String> losses() {
        return List.copyOf(losses);
    }

    /** What is attached now, in the order of attaching. */
    public synchronized List<AttachedDevice> devices() {
        return new ArrayList<>(devices.values());
    }

    /**
     * Ends all devices of a domain that has ended and whose vCPUs run no more; returns when nothing
     * of them is in use and what was behind them is closed.
     */
    @Override
    public void close() {
        List<AttachedDevice> last;
        synchronized (this) {
            closed = true; // what is not in the list comes never
            last = devices();
        }
        CompletableFuture<?>[] all =
                last.stream().map(AttachedDevice::abandon).toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(all).exceptionally(_ -> null).join();
    }
}
