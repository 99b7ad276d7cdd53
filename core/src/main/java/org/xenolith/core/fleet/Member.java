package org.xenolith.core.fleet;

import org.xenolith.core.balloon.Ballooned;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Endings;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.GuestConfig.Fork;
import org.xenolith.core.machine.CopyKeeper;
import org.xenolith.core.machine.ForkPoint;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.RestartBackoff;
import org.xenolith.core.machine.WaitingGuest;
import org.xenolith.core.snapshot.SnapshotException;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One guest of a fleet through all its lives: started, waited for, started again or not. Its own
 * thread follows it; the fleet asks it to stop from others.
 */
final class Member implements Ballooned {
    private final Fleet fleet;
    private final GuestConfig config;
    private final Plan plan;
    private final FleetConsoles.Line console;
    private final RestartBackoff backoff;

    /** What it starts with, looked up at each start. */
    interface Plan {
        BootOptions options() throws IOException;
    }

    /** The present life; null between two, before the first and after the last. */
    private Guest guest;

    /** What everybody sees of it between two lives; else null. */
    private WaitingGuest waiting;

    /** What was changed while it ran is so in its next life; null in the first. */
    private BootOptions earlier;

    private boolean over;
    private volatile boolean failed;

    Member(
            Fleet fleet,
            GuestConfig config,
            Plan plan,
            FleetConsoles.Line console,
            RestartBackoff backoff) {
        this.fleet = fleet;
        this.config = config;
        this.plan = plan;
        this.console = console;
        this.backoff = backoff;
    }

    /**
     * Begins a life, unless the fleet is stopping. What it starts with may be on the guest's own
     * disk and take long to read: no lock is held meanwhile, and whatever goes wrong is this
     * guest's alone.
     *
     * @return whether it did
     */
    boolean start() {
        return start(options -> fleet.host().create(options, console));
    }

    /**
     * Begins the first life as a copy of another member, held back until {@link #goOn}; as {@link
     * #start}.
     */
    boolean startFrom(ForkPoint point) {
        return start(
                options -> {
                    Guest copy = point.copy(options, console);
                    copy.holdBack();
                    return copy;
                });
    }

    /**
     * Begins the first life as a copy that somebody asks for while the fleet runs.
     *
     * @return the copy, which runs
     * @throws IOException if it cannot be made
     * @throws BootFailed the same, or the fleet is stopping
     */
    Guest startAs(CopyKeeper.Making making) throws IOException {
        Guest copy = making.of(console);
        if (!begin(copy)) {
            throw new BootFailed("the fleet is stopping");
        }
        return copy;
    }

    /** Lets a copy go on that is held back; nothing happens to one that has ended. */
    synchronized void goOn() {
        if (isRunning()) {
            guest.admit();
        }
    }

    /** Whether what it wrote to a disk in an earlier run of the fleet is there. */
    boolean hasOverlay() {
        return config.disks().stream()
                .flatMap(disk -> disk.overlay().stream())
                .anyMatch(overlay -> Files.exists(overlay));
    }

    private interface Beginning {
        Guest of(BootOptions options) throws IOException;
    }

    private boolean start(Beginning beginning) {
        if (fleet.isStopping()) {
            return false;
        }
        try {
            return begin(beginning.of(options()));
        } catch (IOException | BootFailed e) {
            return cannotStart(e.getMessage());
        } catch (RuntimeException | Error defect) {
            return cannotStart(defect.toString());
        }
    }

    private boolean begin(Guest next) {
        if (!isTaken(next)) {
            next.close();
            return false;
        }
        backoff.started();
        return true;
    }

    /** A fleet that stops has asked its guests once, and does not ask one that comes later. */
    private synchronized boolean isTaken(Guest next) {
        if (fleet.isStopping() || waiting != null && !waiting.begin()) {
            return false;
        }
        guest = next;
        guest.start();
        return true;
    }

    private boolean cannotStart(String why) {
        failed = true;
        fleet.say("vmm: %s cannot start: %s.".formatted(name(), withoutStop(why)));
        return false;
    }

    private BootOptions options() throws IOException {
        BootOptions planned = plan.options();
        return earlier == null
                ? planned
                : planned.toBuilder()
                        .devices(planned.devices().withNetworkOf(earlier.devices()))
                        .timerSlack(earlier.timerSlack())
                        .build();
    }

    static String withoutStop(String sentence) {
        return sentence.endsWith(".")
                ? sentence.substring(0, sentence.length() - 1)
                : String.valueOf(sentence);
    }

    /** Follows a guest that was started until it does not come back. */
    void follow() {
        boolean lives = true;
        while (lives) {
            Outcome.Ending ending = present().await(Optional.empty()).ending();
            console.finish();
            // A code of its own is a guest's way to say that something is wrong.
            failed |= ending instanceof Outcome.PoweredOff(int code) && code != 0;
            lives = fleet.isStopping() ? stopped(ending) : ended(ending);
        }
    }

    private synchronized Guest present() {
        return guest;
    }

    /** The fleet is on its way down: nothing is started again. */
    private boolean stopped(Outcome.Ending ending) {
        switch (ending) {
            case Outcome.Crashed(String report) -> crashedForGood(report);
            case Outcome.Destroyed _ -> failed = failed || fleet.isDestroying();
            case Outcome.PoweredOff _, Outcome.Rebooted _, Outcome.Saved _ -> {}
            case Outcome.Left _, Outcome.TimedOut _ -> {}
        }
        closeGuest();
        return false;
    }

    /**
     * What the guest's owner wants to happen now.
     *
     * @return whether it has begun another life
     */
    private boolean ended(Outcome.Ending ending) {
        Action action = EventActions.of(config).after(ending);
        if (action != Action.RESTART && ending instanceof Outcome.Crashed(String report)) {
            crashedForGood(report);
        }
        return switch (action) {
            case RESTART -> restart(ending);
            case DESTROY -> {
                closeForGood(ending);
                yield false;
            }
            case PRESERVE -> {
                fleet.saysNoMore(name());
                fleet.say(
                        "vmm: %s %s and is preserved: 'vmm destroy %s' removes it."
                                .formatted(name(), Endings.inWords(ending), name()));
                present().awaitDestroy();
                closeGuest();
                yield false;
            }
        };
    }

    /** Said once all is given back: who reads it may use the guest's disks and its ports. */
    private void closeForGood(Outcome.Ending ending) {
        try {
            closeGuest();
            fleet.host().freePorts(name());
        } finally {
            fleet.say("vmm: %s %s.".formatted(name(), Endings.inWords(ending)));
        }
    }

    private boolean restart(Outcome.Ending ending) {
        Duration delay = backoff.delay();
        WaitingGuest next = waiting(delay);
        boolean lives;
        try {
            fleet.say(
                    "vmm: %s %s and is started again%s."
                            .formatted(
                                    name(),
                                    Endings.inWords(ending),
                                    delay.isZero() ? "" : " in " + delay.toSeconds() + " s"));
            closeGuest();
            lives = next.awaitTurn() && start();
        } finally {
            fleet.host().expectNoMore(next);
        }
        if (next.isCalledOff() && !fleet.isStopping()) {
            staysDown(ending);
        }
        return lives;
    }

    /** Said once nobody finds the guest any more: who reads it may use the name. */
    private void staysDown(Outcome.Ending ending) {
        fleet.say("vmm: %s does not start again: it was destroyed or shut down.".formatted(name()));
        if (ending instanceof Outcome.Crashed(String report)) {
            crashedForGood(report);
        }
    }

    /** From before the guest is closed, so that it can be found at any time. */
    private WaitingGuest waiting(Duration delay) {
        WaitingGuest next = new WaitingGuest(present(), delay);
        synchronized (this) {
            waiting = next;
        }
        fleet.host().expect(next);
        // Behind it: who destroys the guest from now on finds what there is to call off.
        if (fleet.isStopping() || present().isDestroyed()) {
            next.callOff();
        }
        return next;
    }

    private void crashedForGood(String report) {
        failed = true;
        fleet.say(report.stripTrailing());
    }

    /** To close a guest is to flush its disks, which may take minutes: nobody waits for a lock. */
    private void closeGuest() {
        Guest ended;
        synchronized (this) {
            ended = guest;
            earlier = ended.configuration();
            guest = null;
        }
        ended.close();
    }

    // ---- asked by the fleet

    /** As {@link Guest#fork} of its present life. */
    ForkPoint fork(Duration patience) throws IOException, InterruptedException {
        Guest now;
        synchronized (this) {
            now = guest;
        }
        if (now == null) {
            throw new SnapshotException("It does not run");
        }
        return now.fork(patience);
    }

    GuestConfig config() {
        return config;
    }

    /** Whether this is its present life. */
    synchronized boolean is(Guest life) {
        return guest == life;
    }

    Optional<Fork> parent() {
        return config.fork();
    }

    /** One that waits for its next life will not have it. */
    synchronized void stayDown() {
        if (waiting != null) {
            waiting.callOff();
        }
    }

    /** Asks the guest to power off; one that has ended already, and is preserved, goes at once. */
    synchronized void requestPoweroff() {
        if (guest != null && guest.hasEnded()) {
            guest.destroy();
        } else if (guest != null) {
            guest.request(Guest.Request.POWEROFF);
        }
    }

    synchronized void destroy() {
        if (guest != null) {
            guest.destroy();
        }
    }

    /** Whether the guest runs now. */
    synchronized boolean isRunning() {
        return guest != null && !guest.hasEnded();
    }

    /** It will not run any more. */
    void over() {
        fleet.host().freePorts(name());
        synchronized (this) {
            over = true;
        }
    }

    synchronized boolean isOver() {
        return over;
    }

    void failed() {
        failed = true;
    }

    /** Whether it ended as it should not have. */
    boolean hasFailed() {
        return failed;
    }

    // ---- as the balloon policy sees it: a guest that is down keeps what it will start with

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public long minKib() {
        return config.memoryBytes() >> 10;
    }

    @Override
    public synchronized long maxKib() {
        return isRunning() ? guest.balloon().maxKib() : minKib();
    }

    @Override
    public synchronized long currentKib() {
        return isRunning() ? guest.balloon().currentKib() : minKib();
    }

    @Override
    public synchronized long targetKib() {
        return isRunning() ? guest.balloon().targetKib() : minKib();
    }

    @Override
    public synchronized OptionalLong availableKib() {
        return isRunning() ? guest.balloon().availableKib() : OptionalLong.of(0);
    }

    @Override
    public synchronized void setTargetKib(long kib) {
        if (isRunning()) {
            guest.balloon().setTargetKib(kib);
        }
    }
}
