package org.xenolith.core.machine;

import org.xenolith.core.backend.VirtualDevices;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.grant.GrantTableOps;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.statistics.Statistics;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.devices.console.Escaped;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A guest of a {@link Host}, from its building to its end: what its user can do with it from
 * outside. Thread-safe, but for {@link #start}, which is called once.
 */
public final class Guest implements AutoCloseable {
    /** As long as can be waited. */
    static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    /** What {@code xl shutdown} and its relatives ask a guest for: values of control/shutdown. */
    public enum Request {
        POWEROFF,
        REBOOT,
        HALT,
        SUSPEND
    }

    private final Host host;
    private final BootOptions options;
    private final Domain domain;
    private final DomainTree tree;
    private final GuestRings rings;
    private final VcpuRunner runner;
    private final SharedConsole console;
    private final Hypercalls hypercalls;
    private final GuestSuspend suspend;
    private final GuestSave save;
    private final GuestEnd end;
    private final GuestBalloon balloon;

    /** What has to be undone, last thing first. */
    private final Deque<Runnable> closing = new ArrayDeque<>();

    /** How a domain that was not booted goes on. */
    interface Origin {
        /**
         * @param paused whether it stays so until somebody lets it go on
         */
        void start(Domain domain, boolean paused);
    }

    /** Whether copies of it are being made, or it is to suspend itself for that. */
    private boolean copied;

    /** Whether somebody has paused it while it stood for its copies. */
    private boolean heldMeanwhile;

    /** Whether it stands only until {@link #admit}, and nobody has said otherwise. */
    private boolean heldBack;

    /** What it has to do before it may be copied. */
    private Reconnects reconnects = Reconnects.NONE;

    /** What it goes on from, null for a guest that was booted. */
    private Origin origin;

    private final VirtualDevices devices;
    private final ConfiguredInterfaces interfaces = new ConfiguredInterfaces();

    /** Who watches it. */
    private GuestTrace trace;

    private volatile boolean complete;
    private volatile boolean closed;

    /** Counts down when it has given back all it had, or as much as it could. */
    private final CountDownLatch gone = new CountDownLatch(1);

    Guest(
            Host host,
            BootOptions options,
            Domain domain,
            DomainTree tree,
            GuestRings rings,
            VcpuRunner runner,
            Hypercalls hypercalls,
            SharedConsole console) {
        this.host = host;
        this.options = options;
        this.domain = domain;
        this.tree = tree;
        this.rings = rings;
        this.runner = runner;
        this.console = console;
        this.hypercalls = hypercalls;
        this.devices = new VirtualDevices(domain, host.store(), tree, host.io(), this::report);
        this.suspend = new GuestSuspend(this, host.store(), rings);
        this.save = new GuestSave(this, host.store(), rings, new SaveTarget(host));
        this.end = new GuestEnd(domain);
        this.balloon = new GuestBalloon(domain, tree, options);
        onClose(hypercalls::close);
        onClose(console::end);
        onClose(this::closeDevices);
    }

    private void closeDevices() {
        devices.close();
        host.noteLosses(devices.losses());
    }

    /** As {@link Host#noteTraceLosses}. */
    void noteTraceLosses(List<String> why) {
        host.noteTraceLosses(why.stream().map(each -> name() + ": " + each).toList());
    }

    /**
     * Adds to what {@link #close} undoes, when no vCPU of the guest runs any more: backends, files,
     * listeners. Last added, first undone.
     */
    public synchronized void onClose(Runnable undo) {
        closing.push(undo);
    }

    /** Tells the host's user of something that a person can act on. */
    void report(String line) {
        System.err.println("xenolith: " + name() + ": " + Escaped.sentence(line));
    }

    /** Its disks and network interfaces; before {@link #start} and while it runs. */
    public VirtualDevices devices() {
        return devices;
    }

    ConfiguredInterfaces interfaces() {
        return interfaces;
    }

    /**
     * What the guest would start with now: its options, with the interfaces and ports that came and
     * without those that went while it ran, and its timers as late as they may be now.
     */
    public BootOptions configuration() {
        GuestDevices now =
                new GuestDevices(
                        options.devices().disks(),
                        interfaces.specs(),
                        List.of(),
                        options.devices().shares());
        BootOptions here =
                options.toBuilder()
                        .natNetwork(host.natNetwork())
                        .timerSlack(Duration.ofNanos(domain.timerSlackNanos()))
                        .build();
        if (!now.isOnNat()) {
            return here.with(now);
        }
        List<PortForward> forwards = host.network().forwardsAskedFor(name());
        return here.with(new GuestDevices(now.disks(), now.networks(), forwards, now.shares()));
    }

    /** What it calls itself behind the NAT, by interface. */
    Map<MacAddress, String> natAddresses() {
        return interfaces.specs().isEmpty() ? Map.of() : host.network().natAddresses(name());
    }

    /** A copy, before it runs. */
    void connectsAnew(Reconnects what) {
        reconnects = what;
    }

    /** Completes the guest, before it runs. */
    void watchedBy(GuestTrace viewers) {
        trace = viewers;
    }

    /** Who watches it, from its start or for a while. */
    GuestTrace trace() {
        return trace;
    }

    /** Who watches it beyond its end. */
    NextLives nextLives() {
        return host.nextLives();
    }

    /**
     * Whether it rebooted and its owner wants it to start anew, which may fail, or be prevented.
     */
    boolean isToStartAgain() {
        return domain.ending().reason() == DomainEnd.SHUTDOWN_REBOOT
                && options.actions().onReboot() == Action.RESTART;
    }

    VcpuRunner runner() {
        return runner;
    }

    public int id() {
        return domain.id();
    }

    public String name() {
        return domain.name();
    }

    public Domain domain() {
        return domain;
    }

    /** Its part of xenstore. */
    public DomainTree tree() {
        return tree;
    }

    SharedConsole console() {
        return console;
    }

    /**
     * What the guest does, as xl list writes it: a letter or '-' for running, blocked, paused, shut
     * down, crashed, dying.
     */
    public String state() {
        return StateLetters.of(domain);
    }

    public BootOptions options() {
        return options;
    }

    /** Adds hypercalls that Xen does not have; before {@link #start}. */
    public void extend(Hypercalls.Extension extension) {
        hypercalls.extend(extension);
    }

    /** A copy of a suspended guest answers the suspend in its own domain. */
    void goesOnFresh(FreshResume resume, boolean held) {
        suspend.resume(resume, held);
    }

    void goesOnFrom(Origin what) {
        origin = what;
    }

    /**
     * Lets vCPU 0 run for the first time, or a restored guest go on. One that had suspended itself
     * stands until {@link #cancelSuspend} or {@link #resumeFresh}. Waits for who looks at it: it
     * can be found before it runs, and stays paused if somebody has paused it.
     */
    public synchronized void start() {
        if (origin == null) {
            host.scheduler().online(domain.vcpu(0));
        } else {
            origin.start(domain, domain.isPaused());
            origin = null;
        }
    }

    /**
     * Lets a restored guest go on with all that it had, as it was: if it had suspended itself, that
     * is cancelled. It stays paused if somebody has paused it.
     */
    synchronized void startAsItWas() {
        boolean held = domain.isPaused();
        start();
        if (isSuspended()) {
            suspend.cancel(held);
        }
    }

    /** Whether it was started, or waits for nothing else. */
    synchronized boolean hasBegun() {
        return origin == null;
    }

    /** Puts a restored guest where it was, paused. */
    synchronized void startPaused() {
        origin.start(domain, true);
        origin = null;
    }

    /**
     * Asks the guest's kernel to suspend itself and waits until it has: it stands still then, until
     * it is told to go on.
     *
     * @return false if it has not within the time; it will go on by itself should it still do so
     */
    public boolean suspend(Duration patience) throws InterruptedException {
        return suspend.suspend(patience);
    }

    /** Whether the guest has suspended itself and waits to be told how to go on. */
    public boolean isSuspended() {
        return suspend.isSuspended();
    }

    /** Lets a suspended guest go on as it was: its suspend returns 1, "cancelled". */
    public void cancelSuspend() {
        suspend.cancel();
    }

    /**
     * Lets a suspended guest go on as it would in a new domain: its suspend returns 0, and it binds
     * its event channels, grants and devices anew. Devices must be announced again before.
     */
    public void resumeFresh() {
        suspend.resumeFresh();
    }

    /**
     * Has the guest's kernel suspend itself, so that copies can be made of it; it goes on when what
     * is returned is closed.
     *
     * <p>One that has begun as a copy itself is copied when its kernel has connected its devices
     * again, and not before. Waits for others who make copies of it.
     *
     * @param patience for these, and then once more for the guest
     * @throws SnapshotException if it has not suspended itself within the time, or cannot be copied
     * @throws IOException if its disks do not get ready
     */
    public ForkPoint fork(Duration patience) throws IOException, InterruptedException {
        return ForkPoint.of(host, this, patience);
    }

    /**
     * Waits for who looks at it.
     *
     * @param patience how long to wait for others who make copies of it
     * @throws SnapshotException when they take longer, or somebody has paused it, or it is a copy
     *     that has not connected its devices yet
     */
    synchronized void beginCopying(Duration patience)
            throws SnapshotException, InterruptedException {
        requireNoShares("copied");
        awaitNotCopied(patience);
        if (isPaused()) {
            throw new SnapshotException("A guest that is paused cannot get ready to be copied");
        }
        reconnects.requireDone();
        copied = true;
    }

    private void awaitNotCopied(Duration patience) throws SnapshotException, InterruptedException {
        long end = System.nanoTime() + patience.toNanos();
        for (long left = patience.toNanos(); copied; left = end - System.nanoTime()) {
            if (left <= 0) {
                throw new SnapshotException("Copies of the guest are being made already");
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /**
     * @param what happens to the guest otherwise
     * @throws SnapshotException when it has folders of the host, which its kernel cannot take along
     */
    void requireNoShares(String what) throws SnapshotException {
        if (devices.hasShares()) {
            throw new SnapshotException(
                    "A guest with shared folders cannot be %s: Linux does not find them again, its driver for 9pfs cannot resume"
                            .formatted(what));
        }
    }

    /** No more copies: if the guest has suspended itself for them it goes on. */
    synchronized void endCopying() {
        boolean held = heldMeanwhile;
        copied = false;
        notifyAll();
        heldMeanwhile = false;
        if (isSuspended() && !hasEnded()) {
            suspend.cancel(held);
        }
    }

    /**
     * Whether it has suspended itself, and its devices stand by, for copies that are made of it.
     */
    synchronized boolean standsForCopies() {
        return copied && isSuspended();
    }

    /**
     * Saves the guest to a file; it stands still meanwhile and goes on afterwards, unless it was
     * paused before. Its disks are not in the file: what it writes to them later, the restored
     * guest does not know of.
     *
     * @throws SnapshotException if it cannot be saved now
     * @throws IOException if the file cannot be written
     */
    public synchronized void save(Path file) throws IOException {
        save.save(file);
    }

    /**
     * Saves the guest to a file and leaves it paused. If that fails it goes on, unless it was
     * paused before.
     *
     * @throws SnapshotException if it cannot be saved now
     * @throws IOException if the file cannot be written
     */
    public synchronized void savePaused(Path file) throws IOException {
        save.savePaused(file);
        heldBack = false;
    }

    /**
     * Saves the guest to a file and ends it, as {@code xl save} does: the file and its disks are
     * what is left of it. It goes on if that fails.
     *
     * @throws SnapshotException if it cannot be saved now
     * @throws IOException if the file cannot be written
     */
    public synchronized void saveAndEnd(Path file) throws IOException {
        save.saveLast(file);
        end.destroySaved(file);
    }

    /**
     * Pauses the guest at a number of instructions, for a save that can be repeated: see {@link
     * Domain#pauseAt}.
     *
     * @return counts down when the guest stands, never if it ends before
     */
    public CountDownLatch pauseAt(long instructions) {
        CountDownLatch stands = new CountDownLatch(1);
        domain.pauseAt(instructions, stands::countDown);
        return stands;
    }

    /**
     * Looks at the guest's memory and state while it stands still at its poll points; it goes on
     * afterwards, unless it was paused before. A guest that has ended stands anyway.
     *
     * @return empty when the guest is closed and there is nothing to look at
     */
    public <T> Optional<T> whileStill(Supplier<T> look) {
        return whileStill(_ -> look.get());
    }

    /**
     * As above.
     *
     * @param look is told whether the guest was paused before; while somebody looks, {@link
     *     #isPaused} cannot tell
     */
    synchronized <T> Optional<T> whileStill(Function<Boolean, T> look) {
        if (closed) {
            return Optional.empty();
        }
        boolean ran = !domain.isPaused();
        standStill();
        try {
            return Optional.of(look.apply(!ran));
        } finally {
            if (ran && !domain.hasEnded()) {
                unpause();
            }
        }
    }

    GuestRings rings() {
        return rings;
    }

    /** What it has mapped of other guests' grants. */
    List<GrantTableOps.Mapped> mappedGrants() {
        return hypercalls.mappedGrants();
    }

    /**
     * Holds the guest still; returns when it stands. Its clock goes on, as on Xen. Waits for who
     * saves it or looks at it: they let go on what they found running.
     */
    public synchronized void pause() {
        heldMeanwhile = standsForCopies();
        heldBack = false;
        standStill();
    }

    /**
     * Holds the guest still until {@link #admit}; as {@link #pause}. If somebody pauses it or lets
     * it go on before, that holds.
     */
    public synchronized void holdBack() {
        standStill();
        heldBack = true;
    }

    /** Lets a guest go on that stands only because it was held back. */
    public synchronized void admit() {
        if (heldBack) {
            unpause();
        }
    }

    /** As {@link #pause}, by who lets it go on himself. */
    synchronized void standStill() {
        host.scheduler().pause(domain);
    }

    /** Lets the guest go on, unless it has suspended itself: then it stands until that is over. */
    public synchronized void unpause() {
        heldMeanwhile = false;
        heldBack = false;
        domain.unpause();
    }

    public boolean isPaused() {
        return domain.isPaused();
    }

    /** How much memory it has, and should have. */
    public GuestBalloon balloon() {
        return balloon;
    }

    /** Asks the guest's kernel to end; whether and when it does is its own affair. */
    public void request(Request request) {
        switch (request) {
            case SUSPEND -> tree.requestSuspend();
            case POWEROFF, REBOOT, HALT ->
                    tree.requestShutdown(request.name().toLowerCase(Locale.ROOT));
        }
    }

    /** Ends the guest at its next poll point, without its consent. */
    public void destroy() {
        end.destroy();
    }

    /** Waits until somebody destroys the guest, which may have ended by itself before. */
    public void awaitDestroy() {
        end.awaitDestroy();
    }

    /** The user turns away from the guest: {@link #await} returns, the guest is as it is. */
    void leave() {
        end.leave();
    }

    /**
     * Waits until somebody leaves or destroys the guest, which may have ended by itself before.
     *
     * @return false when the time is over and nobody did, or the thread was interrupted
     */
    boolean awaitDismissal(Duration patience) {
        return end.awaitDismissal(patience);
    }

    /** Whether somebody has destroyed the guest, which may have ended by itself before. */
    public boolean isDestroyed() {
        return end.isDestroyed();
    }

    public boolean hasEnded() {
        return domain.hasEnded();
    }

    /** It has its devices and its console: whoever finds it may do with it what he wants. */
    void complete() {
        complete = true;
    }

    boolean isComplete() {
        return complete;
    }

    /** Whether it is on its way out: nobody may begin to share anything with it. */
    boolean isClosed() {
        return closed;
    }

    /**
     * Waits until who follows the guest, which has ended, has closed it.
     *
     * @return false when the time is over before, or the thread was interrupted
     */
    boolean awaitClosed(Duration patience) {
        try {
            return gone.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Waits until the guest has ended, was left, or the time is over. */
    public Outcome await(Optional<Duration> timeout) {
        boolean over = end.await(timeout.orElse(FOREVER));
        // The vCPUs stand before anybody looks at their registers.
        host.scheduler().pause(domain);
        Outcome.Ending ending = end.ending(over);
        if (!(ending instanceof Outcome.Saved)) { // who prints it when it goes on
            drainConsole();
        }
        return new Outcome(
                ending, options.statistics() ? Statistics.of(domain, options.tier()) : "");
    }

    /** A guest that has ended, which stands, may have said why in what nobody had room for yet. */
    private synchronized void drainConsole() {
        if (domain.hasEnded() && !closed) {
            rings.console().drain();
            console.end(); // a guest that is preserved stays, and says no more
        }
    }

    /** Ends the guest if it has not ended, and gives back all it had. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            // In one step, or a save that comes now would find it alive, and then its frames gone.
            domain.destroy();
        }
        try {
            giveBack();
        } finally {
            host.remove(this);
            gone.countDown();
        }
    }

    private void giveBack() {
        host.scheduler().remove(domain);
        domain.grants().close();
        domain.events().reset();
        // If one of them throws, the guest's memory stays taken: nobody knows what a device that
        // could not be closed still does to it.
        Closing.all(name(), closing);
        tree.remove();
        host.store().release(id());
        domain.frames().releaseAll();
        host.giveBackId(id());
    }
}
