package org.xenolith.core.machine;

import org.xenolith.core.backend.IoThreads;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.image.XenNotes;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.sharing.MemorySharing;
import org.xenolith.core.snapshot.DomainSnapshot;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.devices.net.nat.Subnet;
import org.xenolith.devices.terminal.ConsoleIo;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the guests of one host share: the pool of frames, the xenstore, the threads that run vCPUs,
 * and each other's event channels and grants. Guests come and go while it runs.
 *
 * <p>Thread-safe.
 */
public final class Host implements AutoCloseable {
    /** Room beside guest RAM for the hypervisor's own frames: m2p, its tables, grants. */
    public static final long OVERHEAD_BYTES = 32L << 20;

    private final FramePool pool;
    private final Xenstore store = new Xenstore();
    private final Scheduler scheduler = new Scheduler(this::runSlice);
    private final Map<Integer, Guest> guests = new ConcurrentHashMap<>();

    /** Those that have ended and start again, by name. */
    private final Map<String, WaitingGuest> waiting = new ConcurrentHashMap<>();

    private final IoThreads io = new IoThreads();
    private final Subnet natNetwork;
    private HostNetwork network;
    private final ImageCache images = new ImageCache();

    private final DomainIds ids = new DomainIds();

    private final Losses losses = new Losses();
    private final Losses traceLosses = new Losses();

    private final NextLives nextLives = new NextLives();

    /** Null while guests share no memory. */
    private MemorySharing sharing;

    private Host(FramePool pool, Subnet natNetwork) {
        this.pool = pool;
        this.natNetwork = natNetwork;
    }

    /**
     * A host without guests.
     *
     * @param memoryBytes what its guests and their {@link #OVERHEAD_BYTES} will need, if this is
     *     the first host of the process: the pool is reserved once
     * @param threads host threads that run vCPUs, until guests are copied
     */
    public static Host start(long memoryBytes, int threads) {
        return start(memoryBytes, 0, threads, Subnet.STANDARD);
    }

    /**
     * A host that may get more guests than it begins with.
     *
     * @param copyBytes what there is to be room for at least beside {@code memoryBytes}
     * @param natNetwork the addresses of guests behind the user-mode NAT, and of the NAT
     */
    public static Host start(long memoryBytes, long copyBytes, int threads, Subnet natNetwork) {
        Host host = new Host(HostPool.reserve(memoryBytes, copyBytes), natNetwork);
        host.scheduler.start(threads);
        return host;
    }

    private VirtualCpu.State runSlice(VirtualCpu vcpu, long sliceNanos) {
        return guests.get(vcpu.domain().id()).runner().run(vcpu, sliceNanos);
    }

    /**
     * Builds a guest, which does not run yet.
     *
     * @throws IOException if an image cannot be read or is no image
     * @throws BootFailed if the guest cannot be built from valid images
     */
    public Guest create(BootOptions options, ConsoleIo console) throws IOException {
        Optional<ImageCache.Version> version = ImageCache.version(options.kernel());
        KernelImage kernel = images.kernel(options.kernel());
        GuestSymbols symbols =
                new GuestSymbols(Symbols.of(kernel.elf()), () -> symbols(images, version));
        XenNotes notes = kernel.requirePv();
        byte[] initrd = options.initrd().isPresent() ? initrd(options) : new byte[0];
        return make(
                ids.take(),
                id ->
                        new GuestBuilder(this, id, options, console)
                                .build(kernel, notes, initrd, symbols),
                guest -> {
                    new DeviceAttacher(this, guest).attach(options.devices());
                    nextLives.begin(guest);
                });
    }

    private interface Building {
        Guest build(int id) throws IOException;
    }

    private interface Completion {
        void of(Guest guest) throws IOException;
    }

    /** Builds a guest and gives it devices; what fails leaves nothing behind. */
    private Guest make(int id, Building building, Completion devices) throws IOException {
        Guest guest = null;
        try {
            guest = building.build(id);
            devices.of(guest);
            guest.complete();
            return guest;
        } catch (IllegalArgumentException e) {
            discard(id, guest);
            throw new BootFailed(e.getMessage(), e);
        } catch (IOException | RuntimeException | Error e) {
            discard(id, guest);
            throw e;
        }
    }

    /** Of a kernel that was read before; none when it is not there as it was. */
    static Symbols symbols(ImageCache images, Optional<ImageCache.Version> version)
            throws IOException {
        return version.isEmpty()
                ? Symbols.NONE
                : images.kernel(version.get())
                        .map(kernel -> Symbols.of(kernel.elf()))
                        .orElse(Symbols.NONE);
    }

    /** It may come from a guest's disk: what it cannot hold need not be held here either. */
    private byte[] initrd(BootOptions options) throws IOException {
        Path file = options.initrd().get();
        long bytes = Files.isRegularFile(file) ? Files.size(file) : 0;
        if (bytes > options.memoryBytes()) {
            throw new BootFailed(
                    "the initrd has %d MiB, more than the guest's memory".formatted(bytes >> 20));
        }
        return images.initrd(file);
    }

    /**
     * Makes a guest that goes on where a saved one was; it does not run yet.
     *
     * @param options name, trace, timeout, statistics, tier and devices count; all else is the
     *     snapshot's
     * @throws SnapshotException if the file is no snapshot, is damaged, or of another version
     * @throws BootFailed if there is no memory for it, or no number, or its devices are not what
     *     they were
     */
    public Guest restore(Path snapshot, BootOptions options, ConsoleIo console) throws IOException {
        return restore(DomainSnapshot.open(snapshot), options, console);
    }

    Guest restore(DomainSnapshot snapshot, BootOptions options, ConsoleIo console)
            throws IOException {
        BootOptions asSaved = options.of(snapshot.description());
        int id = ids.take(snapshot.description().id());
        if (id != snapshot.description().id() && !options.devices().isEmpty()) {
            giveBackId(id);
            // Its kernel remembers the store's paths of its devices.
            throw new SnapshotException(
                    "A guest with devices keeps its number, and %d is another guest's"
                            .formatted(snapshot.description().id()));
        }
        return make(
                id,
                taken -> new GuestBuilder(this, taken, asSaved, console).restore(snapshot),
                guest -> new DeviceAttacher(this, guest).attach(options.devices()));
    }

    /** As {@link ForkPoint#copy}, with the copied guest locked. */
    Guest fork(ForkPoint point, BootOptions options, ConsoleIo console) throws IOException {
        BootOptions asParent = options.of(point.fork().description());
        useProcessors(asParent.virtualTime());
        ForkedDisks disks = new ForkedDisks(point.parent());
        try {
            return make(
                    ids.take(),
                    id -> new GuestBuilder(this, id, asParent, console).fork(point),
                    guest -> {
                        guest.onClose(
                                () -> {
                                    if (!guest.hasBegun()) {
                                        disks.remove();
                                    }
                                });
                        new DeviceAttacher(this, guest, disks).attach(options.devices());
                        guest.connectsAnew(Reconnects.of(store, guest, point.parent()));
                        nextLives.begin(guest);
                    });
        } catch (IOException | RuntimeException | Error e) {
            disks.remove();
            throw e;
        }
    }

    /** Two guests have use for more threads than one; those of virtual time take turns. */
    private void useProcessors(boolean virtualTime) {
        if (!virtualTime) {
            scheduler.start(Runtime.getRuntime().availableProcessors());
        }
    }

    private void discard(int id, Guest guest) {
        if (guest != null) {
            guest.close();
        } else {
            giveBackId(id);
        }
    }

    /** How many vCPUs wait for a processor; below 0 when so many processors are idle. */
    public int queueForProcessors() {
        return scheduler.queueLength();
    }

    /** Nothing on the host goes by the id any more. */
    void giveBackId(int id) {
        ids.giveBack(id);
    }

    /** The guest has all but its devices: siblings and threads may find it. */
    void add(Guest guest) {
        guests.put(guest.id(), guest);
        guest.domain().vcpus().forEach(scheduler::add);
    }

    /** The guest has given back what it had: who misses it may use its disks and its name. */
    void remove(Guest guest) {
        guests.remove(guest.id(), guest);
    }

    /**
     * From now on guests of one vCPU share the pages that they have in common, until the host is
     * closed: {@link MemorySharing}.
     */
    public synchronized void shareMemory() {
        if (sharing == null) {
            sharing = MemorySharing.start(this::domains);
        }
    }

    private List<Domain> domains() {
        return guests.values().stream()
                .filter(guest -> !guest.isClosed())
                .map(Guest::domain)
                .toList();
    }

    private synchronized void closeSharing() {
        if (sharing != null) {
            sharing.close();
        }
    }

    /** A domain that other guests may name, or null. */
    Domain domain(int domId) {
        Guest guest = guests.get(domId);
        return guest == null || guest.isClosed() ? null : guest.domain();
    }

    FramePool pool() {
        return pool;
    }

    public Xenstore store() {
        return store;
    }

    Subnet natNetwork() {
        return natNetwork;
    }

    /** The switches, made when the first guest has an interface. */
    synchronized HostNetwork network() {
        if (network == null) {
            network = new HostNetwork(natNetwork);
        }
        return network;
    }

    /**
     * Opens an HTTP proxy that leads to each guest on the NAT by name.
     *
     * @return the address it listens on
     * @throws IOException when there is no such guest, or the host does not let us
     */
    public InetSocketAddress openProxy(InetSocketAddress address) throws IOException {
        return network().openProxy(address);
    }

    /**
     * A guest of this name starts no more on this host: nobody waits for it; its ports, which it
     * keeps from one life to the next, are free for others, in other processes too.
     *
     * <p>Who starts guests again after their reboots calls it when he will not: until then, or
     * until the host closes, {@code vmm trace} of a guest that has rebooted waits for its next
     * life, and only its watcher can end it.
     */
    public void freePorts(String guest) {
        nextLives.none(guest);
        HostNetwork used;
        synchronized (this) {
            used = network;
        }
        if (used != null) {
            used.closeForwards(guest);
        }
    }

    /** Who watches guests beyond their reboots. */
    NextLives nextLives() {
        return nextLives;
    }

    /** Threads for what blocks. */
    IoThreads io() {
        return io;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    /**
     * All guests that are complete, by id; those that have ended too, until they have given back
     * all they had.
     */
    public List<Guest> guests() {
        return guestsAndThoseBeingMade().stream().filter(Guest::isComplete).toList();
    }

    /** Those too of which nobody but their maker may know yet. */
    List<Guest> guestsAndThoseBeingMade() {
        return guests.values().stream().sorted(Comparator.comparingInt(Guest::id)).toList();
    }

    /** A guest by its name, or by its id written as a decimal number. */
    public Optional<Guest> guest(String nameOrId) {
        return guests().stream()
                .filter(guest -> isCalled(nameOrId, guest.name(), guest.id()))
                .findFirst();
    }

    /** A guest ends, and is found by its name until it starts again. */
    public void expect(WaitingGuest guest) {
        waiting.put(guest.name(), guest);
    }

    /**
     * Sees to it that a guest which starts again does not: also one that has not yet given back
     * what it had.
     *
     * @return whether there is one
     */
    boolean callOff(String nameOrId) {
        return waiting(nameOrId).map(WaitingGuest::callOff).orElse(false);
    }

    /** A name is not digits alone: it is nobody's id. */
    private static boolean isCalled(String nameOrId, String name, int id) {
        return name.equals(nameOrId) || Integer.toString(id).equals(nameOrId);
    }

    /** It has started again, or will not. */
    public void expectNoMore(WaitingGuest guest) {
        waiting.remove(guest.name(), guest);
    }

    /**
     * Guests that start again, by name: from before they are missed among the {@link #guests} until
     * they are there again, or will not be.
     */
    public List<WaitingGuest> waiting() {
        return waiting.values().stream().sorted(Comparator.comparing(WaitingGuest::name)).toList();
    }

    /** One of them, by its name or the id of its last life. */
    Optional<WaitingGuest> waiting(String nameOrId) {
        return waiting().stream()
                .filter(guest -> isCalled(nameOrId, guest.name(), guest.id()))
                .findFirst();
    }

    void noteLosses(List<String> ofGuest) {
        losses.add(ofGuest);
    }

    /**
     * What went wrong when devices of guests were closed, a part of a sentence each, the first of
     * it: disks may not hold what their guests wrote last.
     */
    public List<String> losses() {
        return losses.all();
    }

    void noteTraceLosses(List<String> ofGuest) {
        traceLosses.add(ofGuest);
    }

    /** Guests that have ended whose trace could not be written, and why, the first of them. */
    public List<String> traceLosses() {
        return traceLosses.all();
    }

    private List<Runnable> closingOfGuests() {
        return guestsAndThoseBeingMade().stream().<Runnable>map(guest -> guest::close).toList();
    }

    /** Ends and closes all guests, and stops the threads. */
    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        steps.add(this::closeSharing);
        steps.addAll(closingOfGuests());
        steps.add(scheduler::stop);
        steps.add(io::close);
        steps.add(this::closeNetwork);
        Closing.all("the host", steps);
    }

    private synchronized void closeNetwork() {
        if (network != null) {
            network.close();
        }
    }
}
