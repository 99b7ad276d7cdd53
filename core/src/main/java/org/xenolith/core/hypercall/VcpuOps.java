package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.abi.XenErrno.ENOSYS;

import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.VcpuTimers;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.PausableTables;
import org.xenolith.core.time.Pvclock;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

/** Hypercalls vcpu_op and set_timer_op. public/vcpu.h, {@code VCPUOP_*}. */
final class VcpuOps {
    private static final int INITIALISE = 0;
    private static final int UP = 1;
    private static final int DOWN = 2;
    private static final int IS_UP = 3;
    private static final int GET_RUNSTATE_INFO = 4;
    private static final int REGISTER_RUNSTATE = 5;
    private static final int SET_PERIODIC_TIMER = 6;
    private static final int STOP_PERIODIC_TIMER = 7;
    private static final int SET_SINGLESHOT_TIMER = 8;
    private static final int STOP_SINGLESHOT_TIMER = 9;
    private static final int REGISTER_VCPU_INFO = 10;
    private static final int SEND_NMI = 11;
    private static final int REGISTER_TIME_AREA = 13;

    private static final int REGISTER_INFO_OFFSET = 8;

    private final Domain domain;
    private final VcpuContext context;

    VcpuOps(Domain domain) {
        this.domain = domain;
        this.context = new VcpuContext(domain);
    }

    long handle(VirtualCpu caller, int command, long id, long argument) {
        VirtualCpu vcpu = domain.vcpu(id);
        if (vcpu == null) {
            return -ENOENT;
        }
        Mmu mmu = caller.mmu();
        return switch (command) {
            case INITIALISE -> {
                long result = context.load(caller, vcpu, argument);
                yield result == PausableTables.PAUSED
                        ? caller.again(command, id, argument, 0)
                        : result;
            }
            case UP -> up(vcpu);
            case DOWN -> down(vcpu);
            case IS_UP -> vcpu.state == VirtualCpu.State.OFFLINE ? 0 : 1;
            case GET_RUNSTATE_INFO -> {
                byte[] record = vcpu.runstate.recordAt(caller.systemTime());
                mmu.copyTo(argument, record, 0, record.length);
                yield 0;
            }
            case REGISTER_RUNSTATE -> registerRunstate(caller, vcpu, mmu.read64(argument));
            case SET_PERIODIC_TIMER -> setPeriodic(caller, vcpu, mmu.read64(argument));
            case STOP_PERIODIC_TIMER -> {
                vcpu.timers.stopPeriodic();
                yield 0;
            }
            case SET_SINGLESHOT_TIMER -> {
                if (vcpu != caller) {
                    yield -EINVAL;
                }
                vcpu.timers.setOneShot(mmu.read64(argument));
                yield 0;
            }
            case STOP_SINGLESHOT_TIMER -> {
                if (vcpu != caller) {
                    yield -EINVAL;
                }
                vcpu.timers.stopOneShot();
                yield 0;
            }
            case REGISTER_VCPU_INFO ->
                    registerInfo(
                            caller,
                            vcpu,
                            mmu.read64(argument),
                            mmu.read32(argument + REGISTER_INFO_OFFSET));
            case SEND_NMI -> {
                vcpu.nmiPending = true;
                domain.scheduler().wake(vcpu);
                yield 0;
            }
            case REGISTER_TIME_AREA -> {
                long area = mmu.read64(argument);
                if (area != 0) {
                    Pvclock.publish(mmu, area);
                }
                yield 0;
            }
            default -> -ENOSYS;
        };
    }

    private long up(VirtualCpu vcpu) {
        if (!vcpu.initialised) {
            return -EINVAL;
        }
        synchronized (domain) {
            domain.scheduler().online(vcpu);
        }
        return 0;
    }

    /** The last vCPU that goes down takes the domain along. */
    private long down(VirtualCpu vcpu) {
        boolean last = true;
        synchronized (domain) {
            for (VirtualCpu other : domain.vcpus()) {
                last &= other == vcpu || other.down;
            }
            if (!last) {
                domain.scheduler().offline(vcpu);
            }
        }
        if (last) {
            domain.shutdown(DomainEnd.SHUTDOWN_POWEROFF);
        }
        return 0;
    }

    private static long registerRunstate(VirtualCpu caller, VirtualCpu vcpu, long vaddr) {
        vcpu.runstate.register(vaddr);
        if (vcpu == caller) {
            vcpu.runstate.publish();
        }
        return 0;
    }

    private long setPeriodic(VirtualCpu caller, VirtualCpu vcpu, long period) {
        if (!VcpuTimers.isPeriod(period)) {
            return -EINVAL;
        }
        vcpu.timers.startPeriodic(caller.systemTime(), period);
        if (vcpu != caller) {
            // It may sleep until a later deadline, or for ever.
            domain.scheduler().wake(vcpu);
        }
        return 0;
    }

    private long registerInfo(VirtualCpu caller, VirtualCpu vcpu, long mfn, int offset) {
        if (offset < 0 || offset > Ram.PAGE_SIZE - VcpuInfo.SIZE || (offset & 7) != 0) {
            return -EINVAL;
        }
        // One at a time, lest two siblings pin a frame each for the same vCPU. A writable use is
        // had at once: nobody waits for a sibling under this lock.
        synchronized (domain) {
            // As in Xen: under a vCPU that is up, its record does not move but by itself. Told to
            // go
            // down is enough: Linux, resumed, does so with each and goes on at once.
            boolean moves = vcpu == caller || vcpu.down;
            if (!moves || vcpu.info.isRegistered()) {
                return -EINVAL;
            }
            long host = domain.pin(mfn, caller.vcpuTlb());
            if (host == MachineMemory.NO_FRAME) {
                return -EINVAL;
            }
            vcpu.info.register((mfn << Ram.PAGE_SHIFT) + offset, host + offset);
            return 0;
        }
    }

    /** set_timer_op: an absolute system time, 0 cancels. */
    long setTimer(VirtualCpu vcpu, long deadline) {
        if (deadline == 0) {
            vcpu.timers.stopOneShot();
        } else {
            vcpu.timers.setOneShot(deadline);
        }
        return 0;
    }
}
