package org.xenolith.core.domain;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.event.EventChannels;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.time.Pvclock;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;

/**
 * A guest: its memory, vCPUs, event channels and grants, and why it ended.
 *
 * <p>Only a thread that holds one of its vCPUs touches its memory. What comes from outside is
 * {@linkplain #post posted} and applied by such a thread at a poll point.
 */
public final class Domain {
    /** {@code SHUTDOWN_*}, public/sched.h. */
    public static final int SHUTDOWN_POWEROFF = 0;

    public static final int SHUTDOWN_REBOOT = 1;
    public static final int SHUTDOWN_SUSPEND = 2;
    public static final int SHUTDOWN_CRASH = 3;
    public static final int SHUTDOWN_WATCHDOG = 4;
    public static final int SHUTDOWN_SOFT_RESET = 5;

    /** {@code VMASST_TYPE_*} that this hypervisor honours. public/xen.h. */
    public static final int ASSIST_RUNSTATE_UPDATE_FLAG = 5;

    static final int POSTS_PER_POLL = 64;

    /** The domain has not ended. */
    public static final int NOT_SHUT_DOWN = -1;

    /** The host ended the domain by {@link #destroy}. */
    public static final int DESTROYED = -2;

    /** The domain at whose poll point the thread applies what was posted. */
    private static final ThreadLocal<Domain> APPLYING = new ThreadLocal<>();

    private final int id;
    private final String name;
    private final UUID uuid;
    private final PageTypes pageTypes;
    private final GuestClock clock;
    private final Scheduler scheduler;
    private final CodeCache code = new CodeCache();
    private final List<VirtualCpu> vcpus = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Runnable> posted = new ConcurrentLinkedQueue<>();
    private final long sharedInfo;
    private final EventChannels events;
    private final GrantTable grants;
    private final Neighbours neighbours;

    private static final long NO_PAUSE = -1;

    private volatile boolean paused;
    private volatile long pauseAt = NO_PAUSE;
    private volatile Runnable onPause = () -> {};
    private volatile int shutdownReason = NOT_SHUT_DOWN;
    private volatile int latchedCode = NOT_SHUT_DOWN;
    private Runnable onSuspend;
    private volatile Optional<Suspension> suspension = Optional.empty();
    private volatile String crash = "";
    private volatile VirtualCpu crashedVcpu;
    private volatile Runnable onEnd = () -> {};
    private volatile int assists;
    private int pit;

    /** The other guests of the host, for event channels and grants between domains. */
    @FunctionalInterface
    public interface Neighbours {
        /** A host with one guest. */
        Neighbours NONE = domId -> null;

        /** Null when no such domain is alive. */
        Domain of(int domId);
    }

    /** A domain without neighbours. */
    public Domain(
            int id,
            String name,
            PageTypes pageTypes,
            GuestClock clock,
            Scheduler scheduler,
            long sharedInfo) {
        this(id, name, pageTypes, clock, scheduler, sharedInfo, Neighbours.NONE);
    }

    /**
     * @param sharedInfo host address of the shared page
     */
    public Domain(
            int id,
            String name,
            PageTypes pageTypes,
            GuestClock clock,
            Scheduler scheduler,
            long sharedInfo,
            Neighbours neighbours) {
        this.id = id;
        this.name = name;
        this.uuid = UUID.nameUUIDFromBytes((name + id).getBytes(StandardCharsets.UTF_8));
        this.pageTypes = pageTypes;
        this.clock = clock;
        this.scheduler = scheduler;
        this.sharedInfo = sharedInfo;
        this.neighbours = neighbours;
        this.events = new EventChannels(id, sharedInfo, new NeighbourEvents(neighbours));
        this.grants = new GrantTable(pageTypes, code::forget);
        Pvclock.publishWallClock(sharedInfo, clock);
    }

    /** Event channels between domains: what goes to another is delivered by one of its threads. */
    private record NeighbourEvents(Neighbours neighbours) implements EventChannels.Neighbours {
        @Override
        public EventChannels of(int domId) {
            Domain domain = neighbours.of(domId);
            return domain == null ? null : domain.events;
        }

        @Override
        public void notify(EventChannels.End to, EventChannels.End from) {
            Domain domain = neighbours.of(to.domId());
            if (domain != null) {
                domain.post(() -> domain.events.deliverFrom(to.port(), from));
            }
        }
    }

    /** Adds a vCPU, offline. */
    public VirtualCpu addVcpu(RandomGenerator random) {
        if (vcpus.size() == SharedInfo.LEGACY_MAX_VCPUS) {
            throw new IllegalArgumentException("the shared page has room for 32 vCPUs");
        }
        VirtualCpu vcpu = new VirtualCpu(this, vcpus.size(), code, random);
        vcpus.add(vcpu);
        events.add(vcpu);
        vcpu.info.publishTime();
        vcpu.info.setUpcallMask(true);
        return vcpu;
    }

    public int id() {
        return id;
    }

    /** The domain's UUID as 16 bytes. */
    public byte[] handle() {
        return ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array();
    }

    public UUID uuid() {
        return uuid;
    }

    public String name() {
        return name;
    }

    public PageTypes pageTypes() {
        return pageTypes;
    }

    public FrameTable frames() {
        return pageTypes.frames();
    }

    public GuestClock clock() {
        return clock;
    }

    public Scheduler scheduler() {
        return scheduler;
    }

    public CodeCache code() {
        return code;
    }

    public List<VirtualCpu> vcpus() {
        return vcpus;
    }

    /** Whether one of its vCPUs waits for a host thread only. */
    boolean hasRunnableVcpu() {
        for (VirtualCpu vcpu : vcpus) {
            if (vcpu.state == VirtualCpu.State.RUNNABLE) {
                return true;
            }
        }
        return false;
    }

    /** Null when there is none of that number. */
    public VirtualCpu vcpu(long id) {
        return id >= 0 && id < vcpus.size() ? vcpus.get((int) id) : null;
    }

    public long sharedInfo() {
        return sharedInfo;
    }

    public EventChannels events() {
        return events;
    }

    public GrantTable grants() {
        return grants;
    }

    /** Another domain of the host by its id, this one too; null when no such domain is alive. */
    public Domain neighbour(int domId) {
        return domId == id ? this : neighbours.of(domId);
    }

    /** Instructions that all vCPUs have retired. */
    public long retired() {
        long sum = 0;
        for (VirtualCpu vcpu : vcpus) {
            sum += vcpu.cpu().retired();
        }
        return sum;
    }

    /** Time that all vCPUs together have run, in nanoseconds. */
    public long runningNanos() {
        long sum = 0;
        for (VirtualCpu vcpu : vcpus) {
            sum += vcpu.runstate.runningNanos(vcpu.systemTime());
        }
        return sum;
    }

    /** Turns a {@code VMASST_TYPE_*} on or off. */
    public synchronized void setAssist(int type, boolean on) {
        assists = on ? assists | 1 << type : assists & ~(1 << type);
    }

    public boolean assists(int type) {
        return (assists >>> type & 1) != 0;
    }

    /** All assists, bit n for {@code VMASST_TYPE_*} n. */
    public int assistBits() {
        return assists;
    }

    /** Reads that the guest made of the interval timer's port. */
    public int pitReads() {
        return pit;
    }

    /** Takes over what the guest has set and used in the domain that this one continues. */
    public synchronized void restore(int assistBits, int pitReads) {
        assists = assistBits;
        pit = pitReads;
    }

    int nextPitValue() {
        return ++pit & 0xff;
    }

    // ---- from outside
    // ------------------------------------------------------------------------------------

    /**
     * Queues work on the domain's memory; any thread. What posted work posts kicks nobody: its
     * thread comes to the next poll point soon enough, and would else do nothing in between for as
     * long as a guest keeps a ring busy.
     */
    public void post(Runnable work) {
        posted.add(work);
        if (APPLYING.get() != this) {
            scheduler.attend(this);
        }
    }

    public boolean hasPosted() {
        return !posted.isEmpty();
    }

    /** Applies what was posted; called at a poll point by a thread that holds one of the vCPUs. */
    public void applyPosted() {
        if (posted.isEmpty()) {
            return;
        }
        APPLYING.set(this);
        try {
            applySome();
        } finally {
            APPLYING.remove();
        }
    }

    /**
     * The same for a thread without a vCPU, while the domain is paused. What this posts wakes a
     * vCPU as ever: the thread may not come back for it.
     */
    public void applyPostedWhilePaused() {
        applySome();
    }

    /**
     * Work that posts itself again, because a guest keeps its ring busy, must not go on forever.
     */
    private void applySome() {
        Runnable work;
        for (int i = 0; i < POSTS_PER_POLL && (work = posted.poll()) != null; i++) {
            work.run();
        }
    }

    /**
     * Whether the host holds the guest still: its vCPUs run no further than their next poll point.
     */
    public boolean isPaused() {
        return paused;
    }

    /** Called by the scheduler, under its lock. */
    public void setPaused(boolean on) {
        paused = on;
    }

    /**
     * Pauses the domain at the first poll point at which its vCPUs have retired so many
     * instructions and nothing from outside waits to be applied. Two runs in virtual time pause at
     * the same instruction.
     *
     * @param then runs once, on the guest's thread, when the pause begins; it must not wait
     */
    public void pauseAt(long instructions, Runnable then) {
        onPause = then;
        pauseAt = instructions;
    }

    /** Whether the vCPU at whose poll point it is asked must stop there. */
    boolean mustPause() {
        if (pauseAt != NO_PAUSE && retired() >= pauseAt && posted.isEmpty()) {
            pauseAt = NO_PAUSE;
            scheduler.beginPause(this);
            onPause.run();
        }
        return paused;
    }

    /**
     * The guest has suspended itself and waits for an answer.
     *
     * @param vcpu which of its vCPUs asked
     * @param startInfoMfn the page with {@code start_info}
     */
    public record Suspension(int vcpu, long startInfoMfn) {}

    /**
     * Sets who answers when the guest suspends itself, null for nobody: then it goes on at once.
     *
     * @param listener called on the guest's thread, with the domain paused; it must not wait
     */
    public synchronized void onSuspend(Runnable listener) {
        onSuspend = listener;
    }

    /** The guest suspends itself: all its vCPUs stop, if there is anybody to let them go on. */
    public synchronized void suspend(Suspension by) {
        Runnable listener = onSuspend;
        if (listener != null) {
            suspension = Optional.of(by);
            scheduler.beginPause(this);
            listener.run();
        }
    }

    /** The suspend is answered, or that of the domain which this one continues was not. */
    public void setSuspension(Optional<Suspension> now) {
        suspension = now;
    }

    /** Set while the guest waits for the answer to its suspend. */
    public Optional<Suspension> suspension() {
        return suspension;
    }

    // ---- the end
    // -----------------------------------------------------------------------------------------

    /** Sets what runs, on the guest's thread, when the domain has ended. */
    public void onEnd(Runnable action) {
        onEnd = action;
    }

    /**
     * The guest shuts down; the first reason stays.
     *
     * @param reason {@code SHUTDOWN_*}; a code that was latched takes its place
     */
    public void shutdown(int reason) {
        int latched = latchedCode;
        end(latched == NOT_SHUT_DOWN ? reason : latched, null, "");
    }

    /**
     * Keeps a code for the guest's later shutdown, if it is the first.
     *
     * @param code 0 to 255; those that the ABI does not know are the guest's own
     */
    public synchronized void latchShutdownCode(int code) {
        if (latchedCode == NOT_SHUT_DOWN) {
            latchedCode = code;
        }
    }

    /** The host ends the guest, which does not get a word in. */
    public void destroy() {
        end(DESTROYED, null, "");
    }

    /** The domain dies on a vCPU. */
    public void crash(VirtualCpu vcpu, String why) {
        end(SHUTDOWN_CRASH, vcpu, why);
    }

    private void end(int reason, VirtualCpu vcpu, String why) {
        synchronized (this) {
            if (hasEnded()) {
                return;
            }
            crash = why;
            crashedVcpu = vcpu;
            shutdownReason = reason;
        }
        scheduler.ended(this);
        onEnd.run();
    }

    /**
     * {@link #NOT_SHUT_DOWN}, {@link #DESTROYED}, one of {@code SHUTDOWN_*}, or a code of the
     * guest.
     */
    public int shutdownReason() {
        return shutdownReason;
    }

    public boolean hasEnded() {
        return shutdownReason != NOT_SHUT_DOWN;
    }

    /** Why the VMM ended it; empty when the guest did so itself. */
    public String crash() {
        return crash;
    }

    /** The vCPU on which it died, or null. */
    public VirtualCpu crashedVcpu() {
        return crashedVcpu;
    }

    /**
     * Takes a frame of the domain for a structure that the VMM keeps writing: it stays in the
     * domain and becomes neither page table nor descriptor page.
     *
     * @param tlb of the calling vCPU
     * @return host address, or {@link MachineMemory#NO_FRAME} when the frame is none of the guest's
     *     or has another use
     */
    public long pin(long mfn, TlbShootdown tlb) {
        return pageTypes.acquire(mfn, FrameType.WRITABLE, tlb) == 0
                ? frames().writableFrame(mfn)
                : MachineMemory.NO_FRAME;
    }

    /** Clears the events of a fresh shared page: all vCPUs start with upcalls masked. */
    public static void initialiseSharedInfo(long host) {
        for (int i = 0; i < SharedInfo.LEGACY_MAX_VCPUS; i++) {
            Ram.putByte(
                    host
                            + SharedInfo.VCPU_INFO
                            + (long) i * VcpuInfo.SIZE
                            + VcpuInfo.EVTCHN_UPCALL_MASK,
                    1);
        }
    }
}
