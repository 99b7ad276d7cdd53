package org.xenolith.core.domain;

import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

import java.io.ByteArrayOutputStream;
import java.util.SplittableRandom;

/**
 * A domain with one small address space and vCPUs that are ready to run, and no kernel: tests and
 * benchmarks put bytes where they want them.
 *
 * <pre>
 * 0x1000   arguments of hypercalls
 * 0x8000   code
 * 0x10000  top of the kernel stack; it grows down through mapped pages
 * 0x20000  top of a process's stack
 * </pre>
 *
 * Kernel and process have an L4 table each, over the same lower tables.
 */
public final class PvGuest {
    public static final long ARGUMENTS = 0x1000;
    public static final long CODE = 0x8000;
    public static final long KERNEL_STACK = 0x10000;
    public static final long USER_STACK = 0x20000;
    public static final long UNMAPPED = 0x7f_0000_0000L;
    public static final long NON_CANONICAL = 0x1234_0000_0000_0000L;
    public static final long KERNEL_GS = 0xffff_ffff_8100_0000L;
    public static final long USER_GS = 0x7000;

    public final TestDomain memory = new TestDomain();
    public final Domain domain;
    public final Hypercalls hypercalls;
    public final VcpuRunner runner;
    public final Scheduler scheduler;
    public final long userL4;
    public final ByteArrayOutputStream console = new ByteArrayOutputStream();
    private final long sharedInfoMfn;
    private final long sharedInfo;

    public PvGuest(int vcpus, GuestClock clock) {
        this(vcpus, clock, null);
    }

    /**
     * @param scheduler null for one that has no threads
     */
    public PvGuest(int vcpus, GuestClock clock, Scheduler scheduler) {
        try {
            sharedInfoMfn = memory.frames.xenFrames().add();
        } catch (FrameTable.OutOfMemory e) {
            throw new IllegalStateException(e);
        }
        sharedInfo = memory.frames.ownFrame(sharedInfoMfn);
        userL4 = memory.page();
        memory.set(userL4, 0, TestDomain.entry(memory.l3, TestDomain.TABLE));
        memory.pin(userL4, FrameType.L4_TABLE);
        this.scheduler = scheduler != null ? scheduler : new Scheduler(this::neverRun);
        domain =
                new Domain(
                        TestDomain.DOM_ID, "test", memory.types, clock, this.scheduler, sharedInfo);
        for (int i = 0; i < vcpus; i++) {
            this.scheduler.add(prepare(domain.addVcpu(new SplittableRandom(1))));
        }
        hypercalls = new Hypercalls(domain, console::write, null);
        runner = new VcpuRunner(hypercalls::execute, null);
    }

    private VirtualCpu.State neverRun(VirtualCpu vcpu, long slice) {
        throw new IllegalStateException("nothing runs here");
    }

    private VirtualCpu prepare(VirtualCpu vcpu) {
        vcpu.newBasePtr(memory.l4);
        vcpu.newUserBasePtr(userL4);
        vcpu.initialised = true;
        vcpu.down = false;
        vcpu.entry.kernelSp = KERNEL_STACK;
        vcpu.mode.setInactiveGsBase(USER_GS);
        Cpu cpu = vcpu.cpu();
        cpu.r[Cpu.GS_BASE] = KERNEL_GS;
        cpu.r[Cpu.RSP] = KERNEL_STACK;
        cpu.rip = CODE;
        return vcpu;
    }

    public VirtualCpu vcpu(int id) {
        return domain.vcpu(id);
    }

    /** Host address of the shared page. */
    public long sharedInfo() {
        return sharedInfo;
    }

    /** The shared page's number, for a guest that maps it. */
    public long sharedInfoMfn() {
        return sharedInfoMfn;
    }

    /** Puts bytes into the kernel's and the process's memory. */
    public void put(long vaddr, int... bytes) {
        for (int i = 0; i < bytes.length; i++) {
            vcpu(0).mmu().write8(vaddr + i, bytes[i]);
        }
    }

    /** One hypercall of a vCPU in kernel mode, made again for as long as it wants to go on. */
    public long call(VirtualCpu vcpu, int number, long... arguments) {
        return vcpu.cpu().r[Cpu.RAX] = callCounting(vcpu, number, arguments)[0];
    }

    /** As {@link #call}. Returns the result and how often the call was made. */
    public long[] callCounting(VirtualCpu vcpu, int number, long... arguments) {
        Cpu cpu = vcpu.cpu();
        int[] registers = {Cpu.RDI, Cpu.RSI, Cpu.RDX, Cpu.R10, Cpu.R8};
        for (int i = 0; i < registers.length; i++) {
            cpu.r[registers[i]] = i < arguments.length ? arguments[i] : 0;
        }
        cpu.r[Cpu.RAX] = number;
        long after = cpu.rip;
        int times = 0;
        do {
            vcpu.turn.begin(VirtualCpu.NEVER);
            cpu.rip = after;
            hypercalls.execute(vcpu);
            times++;
        } while (cpu.rip != after);
        return new long[] {cpu.r[Cpu.RAX], times};
    }

    /** A clock that tests set. */
    public static final class FakeClock implements GuestClock {
        public long now;

        @Override
        public long systemTimeNanos(long retired) {
            return now;
        }

        @Override
        public long wallClockAtStartNanos() {
            return 5_000_000_007L;
        }

        @Override
        public void skipTo(long deadlineNanos, long retired) {
            now = Math.max(now, deadlineNanos);
        }

        @Override
        public boolean isLive() {
            return true;
        }
    }

    /** Bytes of a page, as they are now. */
    public byte[] page(long mfn) {
        byte[] bytes = new byte[Ram.PAGE_SIZE];
        Ram.read(memory.frames.frame(mfn), bytes, 0, bytes.length);
        return bytes;
    }
}
