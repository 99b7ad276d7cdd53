package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.event.EventChannels;
import org.xenolith.cpu.mmu.Mmu;

/** Hypercall sched_op. public/sched.h, {@code SCHEDOP_*}. */
final class SchedOps {
    private static final int SCHEDOP_YIELD = 0;
    private static final int SCHEDOP_BLOCK = 1;
    private static final int SCHEDOP_SHUTDOWN = 2;
    private static final int SCHEDOP_POLL = 3;
    private static final int SCHEDOP_REMOTE_SHUTDOWN = 4;
    private static final int SCHEDOP_SHUTDOWN_CODE = 5;

    /** A shutdown code has eight bits. */
    private static final int SHUTDOWN_CODES = 1 << 8;

    private static final int POLL_NR_PORTS = 8;
    private static final int POLL_TIMEOUT = 16;
    private static final int MAX_POLLED = 128;

    /** The guest goes on as it was. A guest that is resumed as another domain gets 0. */
    private static final long SUSPEND_CANCELLED = 1;

    private final Domain domain;

    SchedOps(Domain domain) {
        this.domain = domain;
    }

    /**
     * @param startInfoMfn of a suspend: the frame of {@code start_info}
     */
    long handle(VirtualCpu vcpu, int command, long argument, long startInfoMfn) {
        return switch (command) {
            case SCHEDOP_YIELD -> {
                vcpu.yielded = true;
                yield 0;
            }
            case SCHEDOP_BLOCK -> {
                vcpu.info.setUpcallMask(false);
                vcpu.waits.forUpcall();
                yield 0;
            }
            case SCHEDOP_SHUTDOWN -> shutdown(vcpu, vcpu.mmu().read32(argument), startInfoMfn);
            case SCHEDOP_POLL -> poll(vcpu, argument);
            case SCHEDOP_SHUTDOWN_CODE -> {
                domain.ending().latchCode(vcpu.mmu().read32(argument) & SHUTDOWN_CODES - 1);
                yield 0;
            }
            case SCHEDOP_REMOTE_SHUTDOWN -> -ESRCH;
            default -> -ENOSYS;
        };
    }

    private long shutdown(VirtualCpu vcpu, int reason, long startInfoMfn) {
        if (reason < 0 || reason > DomainEnd.SHUTDOWN_SOFT_RESET) {
            return -EINVAL;
        }
        if (reason == DomainEnd.SHUTDOWN_SUSPEND) {
            // Without anybody to answer it is cancelled at once.
            domain.suspending().request(new DomainSuspend.Suspension(vcpu.vcpuId(), startInfoMfn));
            return SUSPEND_CANCELLED;
        }
        domain.shutdown(reason);
        return 0;
    }

    /**
     * Waits until one of the ports is pending, masked or not, or until the timeout; returns 0 in
     * both cases.
     */
    private static long poll(VirtualCpu vcpu, long argument) {
        Mmu mmu = vcpu.mmu();
        long ports = mmu.read64(argument);
        int count = mmu.read32(argument + POLL_NR_PORTS);
        long timeout = mmu.read64(argument + POLL_TIMEOUT);
        if (count < 0 || count > MAX_POLLED) {
            return -EINVAL;
        }
        int[] polled = new int[count];
        for (int i = 0; i < count; i++) {
            polled[i] = mmu.read32(ports + 4L * i);
            if (polled[i] <= 0 || polled[i] >= EventChannels.PORTS) {
                return -EINVAL;
            }
        }
        vcpu.waits.forPorts(polled, timeout == 0 ? VirtualCpu.NEVER : timeout);
        return 0;
    }
}
