package org.xenolith.core.fleet;

import org.xenolith.core.balloon.AutoBalloon;
import org.xenolith.core.balloon.BalloonPolicy;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.GuestConfig.Fork;
import org.xenolith.core.config.HostPort;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.machine.CopyKeeper;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.Host;
import org.xenolith.core.machine.HostVerbs;
import org.xenolith.core.machine.RestartBackoff;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * The guests of a {@link FleetConfig} on one {@link Host}, from the first start until none of them
 * runs any more and none will come back. A guest that cannot start, or crashes, is one sentence;
 * the others go on.
 *
 * <p>{@link #run} is called once; {@link #shutdown} from any thread, also before.
 */
public final class Fleet implements CopyKeeper {
    /**
     * How patient a fleet is.
     *
     * @param askAgain after which guests that still run are asked to power off once more
     * @param copiesWait after which it is said that copies wait for the first guest's word
     */
    record Patience(Duration askAgain, Duration copiesWait) {
        static final Patience STANDARD = new Patience(Duration.ofSeconds(5), Duration.ofMinutes(1));
    }

    private final FleetConfig config;
    private final GuestPlan plan;
    private final Consumer<String> log;
    private final IntFunction<Duration> shutdownTimeout;
    private final Patience patience;
    private final Host host;
    private final FleetConsoles consoles;

    /** Those of the configuration, and the {@link #newcomers}. */
    private final List<Member> members = new CopyOnWriteArrayList<>();

    /** Copies that somebody asked for while the fleet runs, until they are over. */
    private final Set<Member> newcomers = ConcurrentHashMap.newKeySet();

    private volatile boolean newcomerFailed;

    /** Those that begin as copies, by the name of what they are copies of. */
    private final Map<String, Copies> copies = new HashMap<>();

    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Unfinished over;
    private volatile boolean destroying;
    private boolean proxyFailed;

    /**
     * Makes the host for a fleet; nothing runs yet.
     *
     * @param log gets a sentence for each event that a person can act on, from several threads
     * @param shutdownTimeout how long so many guests may take to power off when asked
     * @throws BootFailed if the guests cannot have the memory or the addresses that they start with
     */
    public Fleet(
            FleetConfig config,
            GuestPlan plan,
            FleetConsoles consoles,
            Consumer<String> log,
            IntFunction<Duration> shutdownTimeout) {
        this(config, plan, consoles, log, shutdownTimeout, Patience.STANDARD);
    }

    Fleet(
            FleetConfig config,
            GuestPlan plan,
            FleetConsoles consoles,
            Consumer<String> log,
            IntFunction<Duration> shutdownTimeout,
            Patience patience) {
        requireMemoryForAll(config);
        requireAddressesForAll(config);
        this.config = config;
        this.plan = plan;
        this.log = log;
        this.patience = patience;
        this.shutdownTimeout = shutdownTimeout;
        this.consoles = consoles;
        host =
                Host.start(
                        poolBytes(config),
                        largestBytes(config),
                        Runtime.getRuntime().availableProcessors(),
                        natNetwork(config));
        over = new Unfinished(config.guests().size());
        Map<String, FleetConsoles.Line> lines = new HashMap<>();
        for (GuestConfig guest : config.guests()) {
            FleetConsoles.Line line = consoles.line(guest.name(), members.size());
            lines.put(guest.name(), line);
            Member member = member(guest, () -> plan.optionsFor(guest), line);
            members.add(member);
            guest.fork().ifPresent(fork -> copies(fork, lines.get(fork.parent())).add(member));
        }
    }

    private Member member(GuestConfig guest, Member.Plan options, FleetConsoles.Line line) {
        return new Member(this, guest, options, line, new RestartBackoff(System::nanoTime));
    }

    private Copies copies(Fork fork, FleetConsoles.Line parentsLine) {
        return copies.computeIfAbsent(
                fork.parent(),
                name -> {
                    ConsoleWatch ready = new ConsoleWatch(fork.when());
                    parentsLine.watch(ready);
                    return new Copies(this, member(name), ready, patience.copiesWait());
                });
    }

    private Member member(String name) {
        return members.stream()
                .filter(member -> member.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static void requireMemoryForAll(FleetConfig config) {
        if (config.memoryLimitBytes().isEmpty()) {
            return;
        }
        long limit = config.memoryLimitBytes().getAsLong();
        long sum = config.guests().stream().mapToLong(GuestConfig::memoryBytes).sum();
        if (sum > limit) {
            throw new BootFailed(
                    "the guests start with %d MiB together, which is more than the memory-limit of %d MiB"
                            .formatted(sum >> 20, limit >> 20));
        }
    }

    private static void requireAddressesForAll(FleetConfig config) {
        Subnet network = natNetwork(config);
        long interfaces = config.guests().stream().mapToLong(GuestConfig::interfacesOnNat).sum();
        if (interfaces > network.guests()) {
            throw new BootFailed(
                    "the guests have %d interfaces on 'nat', whose network %s has %d addresses for them; a larger one is chosen by network = \"10.64.0.0/16\" at the top of the file"
                            .formatted(interfaces, network, network.guests()));
        }
    }

    private static Subnet natNetwork(FleetConfig config) {
        return config.network().orElse(Subnet.STANDARD);
    }

    /** Reserved, not used: a frame costs memory when it is touched. */
    private static long poolBytes(FleetConfig config) {
        return config.guests().stream().mapToLong(Fleet::bytes).sum();
    }

    /** Of the guest that a copy may need most for. */
    private static long largestBytes(FleetConfig config) {
        return config.guests().stream().mapToLong(Fleet::bytes).max().orElse(0);
    }

    private static long bytes(GuestConfig guest) {
        return guest.maxMemoryBytes() + Host.OVERHEAD_BYTES;
    }

    /**
     * Starts all guests in their order and waits until all are over.
     *
     * @param sockets where to answer to xl's verbs meanwhile
     * @param timeout after which all are destroyed
     * @return whether all ended as they should: none crashed for good, failed to start, had to be
     *     destroyed or ran out of time, and their disks took what they wrote
     */
    public boolean run(Optional<ControlFolder> sockets, Optional<Duration> timeout)
            throws IOException {
        try (host;
                ControlServer _ =
                        sockets.isPresent()
                                ? ControlServer.start(sockets.get(), new HostVerbs(host, this))
                                : null;
                AutoBalloon _ = startBalloons()) {
            if (config.sharesMemory()) {
                host.shareMemory();
            }
            startAll();
            openProxy();
            if (!awaitOver(timeout)) {
                say("vmm: the time is over: the guests that still run are destroyed.");
                beginStop();
                destroyAll();
                awaitOver(Optional.empty());
            }
        }
        return !proxyFailed
                && !newcomerFailed
                && host.losses().isEmpty()
                && host.traceLosses().isEmpty()
                && members.stream().noneMatch(Member::hasFailed);
    }

    private AutoBalloon startBalloons() {
        if (config.memoryLimitBytes().isEmpty()) {
            return null;
        }
        BalloonPolicy policy = new BalloonPolicy(config.memoryLimitBytes().getAsLong() >> 10);
        AutoBalloon balloons = new AutoBalloon(policy, this::notOver);
        balloons.start();
        return balloons;
    }

    private List<Member> notOver() {
        return members.stream().filter(member -> !member.isOver()).toList();
    }

    private void startAll() {
        for (Copies waiting : copies.values()) {
            Thread.ofVirtual()
                    .name("fleet-copies-of-" + waiting.parent().name())
                    .start(() -> waiting.run(this::beginToFollow));
        }
        for (Member member : members) {
            if (member.parent().isEmpty()) {
                beginToFollow(member, member.start());
            }
        }
    }

    private void beginToFollow(Member member, boolean started) {
        Thread.ofVirtual().name("fleet-" + member.name()).start(() -> follow(member, started));
    }

    /** Guests are found by name once they have an interface on the NAT. */
    private void openProxy() {
        if (config.proxy().isEmpty()) {
            return;
        }
        try {
            InetSocketAddress address = host.openProxy(addressOf(config.proxy().get()));
            say(
                    "vmm: http://NAME.localhost:%d leads to the guests' web servers."
                            .formatted(address.getPort()));
        } catch (IOException e) {
            proxyFailed = true;
            say(
                    "vmm: the proxy cannot listen on %s: %s."
                            .formatted(config.proxy().get(), e.getMessage()));
        }
    }

    private static InetSocketAddress addressOf(String text) throws IOException {
        HostPort address =
                HostPort.parse(text)
                        .orElseThrow(() -> new IOException("write it as 127.0.0.1:8080"));
        return new InetSocketAddress(address.host(), address.port());
    }

    private void follow(Member member, boolean started) {
        try {
            if (started) {
                member.follow();
            }
        } catch (RuntimeException bug) {
            member.failed();
            throw bug;
        } finally {
            member.over();
            saysNoMore(member.name());
            leave(member);
            over.remove();
        }
    }

    private void leave(Member member) {
        if (newcomers.remove(member)) {
            newcomerFailed |= member.hasFailed();
            members.remove(member);
        }
    }

    private boolean awaitOver(Optional<Duration> timeout) {
        try {
            if (timeout.isEmpty()) {
                over.await();
                return true;
            }
            return over.await(timeout.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * The first call asks all guests to power off and destroys those that have not when the time is
     * over; the second destroys them at once. Returns at once.
     */
    public void shutdown() {
        if (!beginStop()) {
            destroyAll();
            return;
        }
        // Those that copies came to may be more than the fleet began with.
        int guests = Math.max(config.guests().size(), notOver().size());
        Duration timeout = shutdownTimeout.apply(guests);
        say(
                "vmm: asking %s to power off; after %d s, or when asked once more, what still runs is destroyed."
                        .formatted(counted(running()), timeout.toSeconds()));
        Thread.ofVirtual().name("fleet-shutdown").start(() -> powerOffAll(timeout));
    }

    private static String counted(long guests) {
        return guests == 1 ? "1 guest" : guests + " guests";
    }

    /** Linux drops a request that comes while it suspends itself or begins as a copy. */
    private void powerOffAll(Duration timeout) {
        long end = System.nanoTime() + timeout.toNanos();
        boolean allOver = false;
        for (long left = timeout.toNanos();
                !allOver && !destroying && left > 0;
                left = end - System.nanoTime()) {
            members.forEach(Member::requestPoweroff);
            long pause = Math.min(left, patience.askAgain().toNanos());
            allOver = awaitOver(Optional.of(Duration.ofNanos(pause)));
        }
        if (!allOver && !destroying) {
            for (Member member : members) {
                if (member.isRunning()) {
                    say("vmm: %s does not power off and is destroyed.".formatted(member.name()));
                }
            }
            destroyAll();
        }
    }

    /** Returns false when that was done before. */
    private synchronized boolean beginStop() {
        boolean first = !isStopping();
        stopping.countDown();
        copies.values().forEach(Copies::giveUp);
        members.forEach(Member::stayDown);
        return first;
    }

    private void destroyAll() {
        destroying = true;
        members.forEach(Member::destroy);
    }

    private long running() {
        return members.stream().filter(Member::isRunning).count();
    }

    // ---- copies that somebody asks for

    @Override
    public Guest begin(Guest original, BootOptions options, Making making) throws IOException {
        Member copy = newcomer(original, options);
        boolean begun = false;
        try {
            Guest guest = copy.startAs(making);
            begun = true;
            say("vmm: %s began as a copy of %s.".formatted(copy.name(), original.name()));
            return guest;
        } finally {
            if (begun) {
                beginToFollow(copy, true);
            } else {
                copy.over(); // which gives back the ports that were open when it failed
                leave(copy);
                over.remove();
            }
        }
    }

    /** A member that has not begun; who stops the fleet knows it from now on. */
    private synchronized Member newcomer(Guest original, BootOptions options) {
        GuestConfig asOriginal =
                members.stream()
                        .filter(member -> member.is(original))
                        .findFirst()
                        .orElseThrow(() -> new BootFailed("it has ended"))
                        .config();
        GuestConfig guest = copyOf(asOriginal, options);
        requireRoom(guest);
        Member copy =
                member(guest, options::forNextStart, consoles.line(guest.name(), members.size()));
        if (isStopping() || !over.add()) {
            throw new BootFailed("the fleet is stopping");
        }
        newcomers.add(copy);
        members.add(copy);
        return copy;
    }

    private static GuestConfig copyOf(GuestConfig original, BootOptions options) {
        EventActions actions = options.actions();
        return original.copy(
                options.name(), actions.onPoweroff(), actions.onReboot(), actions.onCrash());
    }

    private void requireRoom(GuestConfig guest) {
        List<Member> present = notOver();
        if (present.stream().anyMatch(member -> member.name().equals(guest.name()))) {
            throw new BootFailed("the fleet has a guest that is called '" + guest.name() + "'");
        }
        long least = present.stream().mapToLong(Member::minKib).sum() + (guest.memoryBytes() >> 10);
        long limit = config.memoryLimitBytes().orElse(Long.MAX_VALUE) >> 10;
        if (least > limit) {
            throw new BootFailed(
                    "with a copy the guests would have %d MiB at least, which is more than the memory-limit of %d MiB"
                            .formatted(least >> 10, limit >> 10));
        }
    }

    // ---- what members ask

    Host host() {
        return host;
    }

    boolean isStopping() {
        return stopping.getCount() == 0;
    }

    /** A guest has ended and does not start again by itself: who waits for its word need not. */
    void saysNoMore(String guest) {
        Copies waiting = copies.get(guest);
        if (waiting != null) {
            waiting.giveUp();
        }
    }

    /** Whether guests are ended without being asked. */
    boolean isDestroying() {
        return destroying;
    }

    void say(String sentence) {
        log.accept(sentence);
    }
}
