package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EOPNOTSUPP;
import static org.xenolith.core.abi.XenErrno.EPERM;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.IoPrivilege;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.grant.GrantTableOps;
import org.xenolith.core.mm.DescriptorTables;
import org.xenolith.core.mm.MemoryOps;
import org.xenolith.core.mm.MmuExtOps;
import org.xenolith.core.mm.MmuUpdate;
import org.xenolith.core.mm.UpdateVaMapping;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.devices.console.ConsoleSink;

import java.util.List;

/** The hypercall table of one domain. */
public final class Hypercalls {
    private static final int SYSCALL_BYTES = 2;

    /** Answers to hypercalls that Xen does not have. */
    @FunctionalInterface
    public interface Extension {
        /**
         * @param number none of those in {@link Hypercall}
         * @return result for the guest; -ENOSYS for a number that means nothing here either
         * @throws GuestFault when an argument points to nowhere: the guest gets -EFAULT
         */
        long call(VirtualCpu vcpu, int number, long a1, long a2, long a3, long a4);
    }

    private Extension extension = (_, _, _, _, _, _) -> -ENOSYS;

    private final Domain domain;
    private final MmuUpdate mmuUpdate;
    private final MmuExtOps mmuExt;
    private final UpdateVaMapping updateVaMapping;
    private final DescriptorTables descriptors;
    private final MemoryOps memory;
    private final GrantTableOps grants;
    private final VcpuOps vcpuOps;
    private final SchedOps schedOps;
    private final EventChannelOps eventOps;
    private final XenVersion version = new XenVersion();
    private final ConsoleIoOps console;

    /** Null when nothing is traced; changes while no vCPU runs, as the next two. */
    private Tracer tracer;

    private boolean measured;

    /** Somebody wants to know what hypercalls cost. */
    private boolean observed;

    /**
     * @param earlyConsole where console_io writes
     * @param tracer null when nothing is traced
     */
    public Hypercalls(Domain domain, ConsoleSink earlyConsole, Tracer tracer) {
        this.domain = domain;
        trace(tracer);
        mmuUpdate = new MmuUpdate(domain.id(), domain.pageTypes());
        mmuExt = new MmuExtOps(domain.id(), domain.pageTypes());
        updateVaMapping = new UpdateVaMapping(domain.pageTypes());
        descriptors = new DescriptorTables(domain.pageTypes());
        memory = new MemoryOps(domain.id(), domain.frames());
        grants =
                new GrantTableOps(
                        domain.id(),
                        domain.pageTypes(),
                        domain.grants(),
                        id -> grantsOf(domain.neighbour(id)));
        vcpuOps = new VcpuOps(domain);
        schedOps = new SchedOps(domain);
        eventOps = new EventChannelOps(domain);
        console = new ConsoleIoOps(earlyConsole);
    }

    /** Measures what each costs, for {@link VirtualCpu#costs}; before the domain runs. */
    public void measure() {
        measured = true;
        observed = true;
    }

    /** Has another tracer from now on, null for none; only while none of the vCPUs runs. */
    public void trace(Tracer other) {
        tracer = other;
        observed = measured || other != null;
    }

    /** Adds hypercalls; before the domain runs. */
    public void extend(Extension more) {
        extension = more;
    }

    private static GrantTable grantsOf(Domain neighbour) {
        return neighbour == null ? null : neighbour.grants();
    }

    /** What the guest has mapped of other domains' grants. */
    public List<GrantTableOps.Mapped> mappedGrants() {
        return grants.mapped();
    }

    /** Ends what the guest has of others, when it is dead and none of its vCPUs runs any more. */
    public void close() {
        grants.close();
    }

    /**
     * Executes the hypercall in a vCPU's registers: number RAX, arguments RDI, RSI, RDX, R10, R8.
     */
    public void execute(VirtualCpu vcpu) {
        Cpu cpu = vcpu.cpu();
        long[] r = cpu.r;
        int number = (int) r[Cpu.RAX];
        vcpu.counts.hypercall(number, r[Cpu.RDI]);
        if (number == Hypercall.IRET) {
            long from = cpu.rip;
            long began = observed ? System.nanoTime() : 0;
            vcpu.delivery.iret();
            if (observed) {
                vcpu.costs.called(number, System.nanoTime() - began);
            }
            if (tracer != null && tracer.wants(TraceTopic.HYPERCALL)) {
                tracer.emit(vcpu, TraceEvent.iret(from));
            }
            return;
        }
        long result;
        long a1 = r[Cpu.RDI];
        long a2 = r[Cpu.RSI];
        long a3 = r[Cpu.RDX];
        long a4 = r[Cpu.R10];
        long a5 = r[Cpu.R8];
        long start = observed ? System.nanoTime() : 0;
        try {
            result = dispatch(vcpu, number, a1, a2, a3, a4, a5);
        } catch (GuestFault fault) {
            result = -EFAULT;
        }
        if (observed) {
            vcpu.costs.called(number, System.nanoTime() - start);
            trace(vcpu, number, a1, a2, a3, a4, result, start);
        }
        if (vcpu.turn.isContinued()) {
            makeAgain(cpu, vcpu.turn.takeContinuation());
            return;
        }
        r[Cpu.RAX] = result;
        r[Cpu.RCX] = cpu.rip;
        r[Cpu.R11] = cpu.rflags();
    }

    /** A hypercall that will go on shows when it has come to its end. */
    private void trace(
            VirtualCpu vcpu,
            int number,
            long a1,
            long a2,
            long a3,
            long a4,
            long result,
            long start) {
        if (tracer != null && tracer.wantsHypercall(number) && !vcpu.turn.isContinued()) {
            tracer.hypercall(vcpu, number, a1, a2, a3, a4, result, start);
        }
    }

    /** Back to the SYSCALL, with arguments that say what is left to do. */
    private static void makeAgain(Cpu cpu, long[] arguments) {
        cpu.rip -= SYSCALL_BYTES;
        cpu.r[Cpu.RDI] = arguments[0];
        cpu.r[Cpu.RSI] = arguments[1];
        cpu.r[Cpu.RDX] = arguments[2];
        cpu.r[Cpu.R10] = arguments[3];
    }

    private long dispatch(
            VirtualCpu vcpu, int number, long a1, long a2, long a3, long a4, long a5) {
        return switch (number) {
            case Hypercall.SET_TRAP_TABLE -> KernelEntryOps.setTrapTable(vcpu, a1);
            case Hypercall.MMU_UPDATE -> mmuUpdate.handle(vcpu, a1, a2, a3, a4);
            case Hypercall.SET_GDT -> descriptors.setGdt(vcpu, a1, a2);
            case Hypercall.STACK_SWITCH -> KernelEntryOps.stackSwitch(vcpu, a1, a2);
            case Hypercall.SET_CALLBACKS -> KernelEntryOps.setCallbacks(vcpu, a1, a2, a3);
            case Hypercall.FPU_TASKSWITCH -> {
                vcpu.cpu().taskSwitched = a1 != 0;
                yield 0;
            }
            case Hypercall.SET_DEBUGREG ->
                    a1 >= 0 && a1 < 8 && vcpu.debug.set((int) a1, a2) ? 0 : -EINVAL;
            case Hypercall.GET_DEBUGREG -> a1 >= 0 && a1 < 8 ? vcpu.debug.get((int) a1) : -EINVAL;
            case Hypercall.UPDATE_DESCRIPTOR -> descriptors.updateDescriptor(vcpu, a1, a2);
            case Hypercall.MEMORY_OP -> memory.handle(vcpu, a1, a2);
            case Hypercall.MULTICALL -> multicall(vcpu, a1, a2);
            case Hypercall.UPDATE_VA_MAPPING -> updateVaMapping.handle(vcpu, a1, a2, a3);
            case Hypercall.SET_TIMER_OP -> vcpuOps.setTimer(vcpu, a1);
            case Hypercall.XEN_VERSION -> version.handle(vcpu, (int) a1, a2);
            case Hypercall.CONSOLE_IO -> console.handle(vcpu, (int) a1, a2, a3);
            case Hypercall.GRANT_TABLE_OP -> grants.handle(vcpu, a1, a2, a3);
            case Hypercall.VM_ASSIST -> vmAssist(a1, a2);
            case Hypercall.VCPU_OP -> vcpuOps.handle(vcpu, (int) a1, a2, a3);
            case Hypercall.SET_SEGMENT_BASE -> setSegmentBase(vcpu, (int) a1, a2);
            case Hypercall.MMUEXT_OP -> mmuExt.handle(vcpu, a1, a2, a3, a4);
            case Hypercall.SCHED_OP -> schedOps.handle(vcpu, (int) a1, a2, a3);
            case Hypercall.CALLBACK_OP -> KernelEntryOps.callbackOp(vcpu, (int) a1, a2);
            case Hypercall.EVENT_CHANNEL_OP -> eventOps.handle(vcpu, (int) a1, a2);
            case Hypercall.PHYSDEV_OP -> physdevOp(vcpu, (int) a1, a2);
            case Hypercall.XENPMU_OP -> -EOPNOTSUPP;
            case Hypercall.PLATFORM_OP, Hypercall.SYSCTL, Hypercall.DOMCTL -> -EPERM;
            default -> extension.call(vcpu, number, a1, a2, a3, a4);
        };
    }

    // ---- short ones
    // ----------------------------------------------------------------------------------------

    private static final int SEGBASE_FS = 0;
    private static final int SEGBASE_GS_USER = 1;
    private static final int SEGBASE_GS_KERNEL = 2;
    private static final int SEGBASE_GS_USER_SEL = 3;

    private static long setSegmentBase(VirtualCpu vcpu, int which, long base) {
        if (which == SEGBASE_GS_USER_SEL) {
            int selector = (int) base & 0xffff;
            vcpu.mode.loadUserGs(selector, vcpu.descriptors.descriptor(selector));
            return 0;
        }
        if (!Mmu.isCanonical(base)) {
            return -EINVAL;
        }
        switch (which) {
            case SEGBASE_FS -> vcpu.cpu().r[Cpu.FS_BASE] = base;
            case SEGBASE_GS_USER -> vcpu.mode.setInactiveGsBase(base);
            case SEGBASE_GS_KERNEL -> vcpu.cpu().r[Cpu.GS_BASE] = base;
            default -> {
                return -EINVAL;
            }
        }
        return 0;
    }

    /** vm_assist: those of 32-bit guests are accepted and change nothing. */
    private long vmAssist(long command, long type) {
        if (command != 0 && command != 1 || !Domain.isAssist(type)) {
            return -EINVAL;
        }
        domain.setAssist((int) type, command == 0);
        return 0;
    }

    private static final int PHYSDEVOP_SET_IOPL = 6;
    private static final int PHYSDEVOP_SET_IOBITMAP = 7;
    private static final int IOBITMAP_PORTS = 8;

    private static long physdevOp(VirtualCpu vcpu, int command, long argument) {
        return switch (command) {
            case PHYSDEVOP_SET_IOPL -> {
                int iopl = vcpu.mmu().read32(argument);
                if (!IoPrivilege.isLevel(iopl)) {
                    yield -EINVAL;
                }
                vcpu.ioPrivilege.setLevel(iopl);
                yield 0;
            }
            case PHYSDEVOP_SET_IOBITMAP -> {
                long bitmap = vcpu.mmu().read64(argument);
                int ports = vcpu.mmu().read32(argument + IOBITMAP_PORTS);
                if (!Mmu.isCanonical(bitmap) || ports < 0 || ports > IoPrivilege.PORTS) {
                    yield -EINVAL;
                }
                vcpu.ioPrivilege.setBitmap(bitmap, ports);
                yield 0;
            }
            default -> -ENOSYS;
        };
    }

    // ---- multicall
    // ---------------------------------------------------------------------------------------

    private static final int MULTICALL_SIZE = 64;
    private static final int MULTICALL_RESULT = 8;
    private static final int MULTICALL_ARGS = 16;

    /**
     * In order, each result stored; 0 even if some failed. Pauses between entries when the turn is
     * over or an entry made the vCPU wait, and within one that is to be continued itself.
     */
    private long multicall(VirtualCpu vcpu, long entries, long count) {
        Mmu mmu = vcpu.mmu();
        for (long i = 0, at = entries; i < count; i++, at += MULTICALL_SIZE) {
            if (i > 0 && (vcpu.mustPause() || vcpu.waits.isWaiting())) {
                return vcpu.again(at, count - i, 0, 0);
            }
            int number = (int) mmu.read64(at);
            long a1 = mmu.read64(at + MULTICALL_ARGS);
            long a2 = mmu.read64(at + MULTICALL_ARGS + 8);
            long a3 = mmu.read64(at + MULTICALL_ARGS + 16);
            long a4 = mmu.read64(at + MULTICALL_ARGS + 24);
            long a5 = mmu.read64(at + MULTICALL_ARGS + 32);
            long result;
            long start = observed ? System.nanoTime() : 0;
            try {
                result =
                        number == Hypercall.IRET || number == Hypercall.MULTICALL
                                ? -ENOSYS
                                : dispatch(vcpu, number, a1, a2, a3, a4, a5);
            } catch (GuestFault fault) {
                result = -EFAULT;
            }
            if (observed) {
                vcpu.costs.calledWithin(number, System.nanoTime() - start);
                trace(vcpu, number, a1, a2, a3, a4, result, start);
            }
            if (vcpu.turn.isContinued()) {
                long[] arguments = vcpu.turn.takeContinuation();
                for (int k = 0; k < arguments.length; k++) {
                    mmu.write64(at + MULTICALL_ARGS + 8L * k, arguments[k]);
                }
                return vcpu.again(at, count - i, 0, 0);
            }
            mmu.write64(at + MULTICALL_RESULT, result);
            if (domain.hasEnded()) {
                break;
            }
        }
        return 0;
    }
}
