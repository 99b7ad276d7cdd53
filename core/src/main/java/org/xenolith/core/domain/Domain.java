package org.xenolith.core.domain;

import org.xenolith.core.abi.SharedInfo;
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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;

/**
 * A guest: its memory, its vCPUs, its event channels and grants. What waits for its poll points,
 * how it is held still, how it suspends itself and how it ends have classes of their own.
 *
 * <p>Any thread may call what is here. But only a thread that holds one of its vCPUs touches its
 * memory: what comes from outside is {@linkplain #post posted} and applied by such a thread at a
 * poll point.
 */
public final class Domain {
    /** {@code VMASST_TYPE_*} that this hypervisor honours. public/xen.h. */
    public static final int ASSIST_ARCHITECTURAL_IOPL = 4;

    public static final int ASSIST_RUNSTATE_UPDATE_FLAG = 5;

    /** {@code VMASST_TYPE_*} from 0, 4gb_segments, to 5. */
    private static final int ASSISTS = 6;

    private final int id;
    private final String name;
    private final UUID uuid;
    private final PageTypes pageTypes;
    private final GuestClock clock;
    private final Scheduler scheduler;
    private final CodeCache code = new CodeCache();
    private final List<VirtualCpu> vcpus = new CopyOnWriteArrayList<>();
    private final long sharedInfo;
    private final EventChannels events;
    private final GrantTable grants;
    private final Neighbours neighbours;

    private final PostedWork posted = new PostedWork(() -> scheduler().attend(this));
    private final DomainPause pause = new DomainPause(this);
    private final DomainSuspend suspend = new DomainSuspend(this);
    private final DomainEnd end = new DomainEnd(this);

    /** Changed with the domain locked. */
    private volatile int assists;

    private volatile long timerSlackNanos;

    /** Of the vCPUs' threads, which need not agree on it. */
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
        this.uuid = uuidOf(id, name);
        this.pageTypes = pageTypes;
        this.clock = clock;
        this.scheduler = scheduler;
        this.sharedInfo = sharedInfo;
        this.neighbours = neighbours;
        this.events = new EventChannels(id, sharedInfo, new NeighbourEvents(neighbours));
        this.grants = new GrantTable(pageTypes, code::forget);
        Pvclock.publishWallClock(sharedInfo, clock);
    }

    /** The number ends where the name begins: no two domains of a host have the same. */
    static UUID uuidOf(int id, String name) {
        return UUID.nameUUIDFromBytes((id + "/" + name).getBytes(StandardCharsets.UTF_8));
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

    /**
     * Takes a frame of the domain for a structure that the VMM keeps writing: it stays in the
     * domain and becomes neither page table nor descriptor page.
     *
     * @param tlb of the calling vCPU
     * @return host address, or {@link MachineMemory#NO_FRAME} when the frame is none of the guest's
     *     or has another use
     */
    public long pin(long mfn, TlbShootdown tlb) {
        if (pageTypes.acquire(mfn, FrameType.WRITABLE, tlb) != 0) {
            return MachineMemory.NO_FRAME;
        }
        frames().hold(mfn);
        return frames().writableFrame(mfn, tlb);
    }

    public GuestClock clock() {
        return clock;
    }

    public Scheduler scheduler() {
        return scheduler;
    }

    /** How late its timers may come while nothing is posted for it; 0 for a domain in a hurry. */
    public long timerSlackNanos() {
        return timerSlackNanos;
    }

    /** Any thread; nothing comes of it in virtual time. */
    public void setTimerSlack(Duration slack) {
        timerSlackNanos = slack.toNanos();
        scheduler.timerSlackChanged(this);
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

    /** Whether a guest can turn on a {@code VMASST_TYPE_*}. */
    public static boolean isAssist(long type) {
        return type >= 0 && type < ASSISTS;
    }

    /** Whether a guest can have turned on these, bit n for {@code VMASST_TYPE_*} n. */
    public static boolean areAssists(int bits) {
        return bits >>> ASSISTS == 0;
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
     * thread comes to the next poll point soon enough.
     */
    public void post(Runnable work) {
        posted.post(work);
    }

    public boolean hasPosted() {
        return !posted.isEmpty();
    }

    /**
     * Applies what was posted, but for what the slice has no time for; called at a poll point by a
     * thread that holds one of the vCPUs.
     *
     * @param turn the vCPU's
     */
    public void applyPosted(VcpuTurn turn) {
        posted.apply(turn);
    }

    /**
     * The same for a thread without a vCPU, while the domain is paused. What this posts wakes a
     * vCPU as ever: the thread may not come back for it.
     */
    public void applyPostedWhilePaused() {
        posted.applyWhilePaused();
    }

    /**
     * Whether the host holds the guest still: its vCPUs run no further than their next poll point.
     */
    public boolean isPaused() {
        return pause.isPaused();
    }

    /** Called by the scheduler, under its lock. */
    public void setPaused(boolean on) {
        pause.set(on);
    }

    /**
     * Lets a domain go on that the host holds still. One that has suspended itself stands until
     * that is answered: its vCPUs would run from poll point to poll point and do nothing.
     */
    public void unpause() {
        suspend.unpause();
    }

    /**
     * Pauses the domain at the first poll point at which its vCPUs have retired so many
     * instructions and nothing from outside waits to be applied. Two runs in virtual time pause at
     * the same instruction.
     *
     * @param then runs once, on the guest's thread, when the pause begins; it must not wait
     */
    public void pauseAt(long instructions, Runnable then) {
        pause.at(instructions, then);
    }

    /** Whether the vCPU at whose poll point it is asked must stop there. */
    boolean mustPause() {
        return pause.mustStop();
    }

    /** How the guest suspends itself. */
    public DomainSuspend suspending() {
        return suspend;
    }

    // ---- the end
    // -----------------------------------------------------------------------------------------

    /** Whether and why the domain has ended. */
    public DomainEnd ending() {
        return end;
    }

    public boolean hasEnded() {
        return end.hasCome();
    }

    /**
     * The guest shuts down; the first reason stays.
     *
     * @param reason {@code SHUTDOWN_*}; a code that was latched takes its place
     */
    public void shutdown(int reason) {
        end.shutdown(reason);
    }

    /** The host ends the guest, which does not get a word in. */
    public void destroy() {
        end.destroy();
    }

    /** The domain dies on a vCPU. */
    public void crash(VirtualCpu vcpu, String why) {
        end.crash(vcpu, why);
    }
}
