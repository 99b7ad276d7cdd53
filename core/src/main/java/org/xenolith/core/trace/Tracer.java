package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.machine.TraceTopic;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;

import java.io.PrintStream;
import java.util.Set;

/**
 * Writes trace events as lines of text: time, vCPU, mode, what happened. Absent altogether when
 * nothing is traced.
 */
public final class Tracer {
    private final Set<TraceTopic> topics;
    private final PrintStream out;

    public Tracer(Set<TraceTopic> topics, PrintStream out) {
        this.topics = Set.copyOf(topics);
        this.out = out;
    }

    private void line(VirtualCpu vcpu, String what) {
        long micros = vcpu.systemTime() / 1000;
        out.println(
                "[%5d.%06d] d%dv%d %c %s"
                        .formatted(
                                micros / 1_000_000,
                                micros % 1_000_000,
                                vcpu.domain().id(),
                                vcpu.vcpuId(),
                                vcpu.kernelMode ? 'k' : 'u',
                                what));
    }

    public void hypercall(
            VirtualCpu vcpu, int number, long a1, long a2, long a3, long a4, long result) {
        if (topics.contains(TraceTopic.HYPERCALL)) {
            line(
                    vcpu,
                    "%s(%#x, %#x, %#x, %#x) = %s at %#x"
                            .formatted(
                                    name(number),
                                    a1,
                                    a2,
                                    a3,
                                    a4,
                                    result < 0
                                            ? XenErrno.name((int) -result)
                                            : Long.toHexString(result),
                                    vcpu.cpu().rip));
        }
    }

    public void fault(VirtualCpu vcpu, GuestFault fault) {
        if (topics.contains(TraceTopic.FAULT)) {
            Cpu cpu = vcpu.cpu();
            line(
                    vcpu,
                    "fault %s at rip %#x rsp %#x"
                            .formatted(fault.getMessage(), cpu.rip, cpu.r[Cpu.RSP]));
        }
    }

    public void trap(VirtualCpu vcpu, int vector) {
        if (topics.contains(TraceTopic.FAULT)) {
            line(vcpu, "trap %d at rip %#x".formatted(vector, vcpu.cpu().rip));
        }
    }

    public void upcall(VirtualCpu vcpu) {
        if (topics.contains(TraceTopic.EVENT)) {
            line(vcpu, "upcall at rip %#x".formatted(vcpu.cpu().rip));
        }
    }

    /** Name of a hypercall as in public/xen.h. */
    public static String name(int number) {
        return Hypercall.name(number);
    }
}
