package org.xenolith.core.domain;

import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.event.Virq;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.trace.InstructionText;
import org.xenolith.core.trace.TraceEvent;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.GuestFault;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Locale;

/**
 * Runs a vCPU for a slice: its instructions, its exits, and at poll points what came from outside.
 * In virtual time a poll point is {@link #POLL_INSTRUCTIONS} instructions away, so an upcall is
 * never later than that. Live, what comes from outside kicks the vCPU, which brings the poll point
 * behind the next block of code; only its own deadlines have to be met without.
 */
public final class VcpuRunner implements Scheduler.Runner {
    /** Between two poll points; design: an upcall within 2,000 instructions of its event. */
    public static final int POLL_INSTRUCTIONS = 1500;

    /** The same when nothing is due soon and each event kicks: to stop a hot loop is dear. */
    static final int LONGEST_STRETCH = 100_000;

    /** Flat code takes 5 to 17: a vCPU that is no slower than this meets its deadlines in time. */
    private static final int NANOS_PER_INSTRUCTION = 20;

    /**
     * What an exit counts for on the way to the next poll point: a vCPU that does nothing but
     * hypercalls keeps siblings waiting no longer than another.
     */
    private static final int EXIT_COST = 20;

    /** What runs a domain's hypercalls. */
    @FunctionalInterface
    public interface HypercallTable {
        void execute(VirtualCpu vcpu);
    }

    private final HypercallTable hypercalls;

    /** Null when nothing is traced; changes while no vCPU runs, so that to ask costs nothing. */
    private Tracer tracer;

    private boolean stepping;

    /**
     * @param tracer null when nothing is traced
     */
    public VcpuRunner(HypercallTable hypercalls, Tracer tracer) {
        this.hypercalls = hypercalls;
        trace(tracer);
    }

    /** Has another tracer from now on, null for none; only while none of the vCPUs runs. */
    public void trace(Tracer other) {
        tracer = other;
        stepping = other != null && other.wants(TraceTopic.INSTRUCTION);
    }

    @Override
    public State run(VirtualCpu vcpu, long sliceNanos) {
        Domain domain = vcpu.domain();
        vcpu.vcpuTlb().enter();
        try {
            long end = vcpu.isSliceInterrupted() ? vcpu.takeSliceEnd() : switchIn(vcpu, sliceNanos);
            State stopped = tracer == null ? runSlice(vcpu, end) : traced(vcpu, end);
            if (!vcpu.isSliceInterrupted()) {
                vcpu.runstate.set(runstateOf(stopped), vcpu.systemTime());
                vcpu.runstate.publish();
            }
            return stopped;
        } catch (GuestCrash crash) {
            domain.crash(vcpu, crash.getMessage());
            return State.OFFLINE;
        } catch (RuntimeException | Error defect) {
            // Ours, not the guest's; but only this guest shall suffer from it.
            domain.crash(vcpu, "defect of the VMM: " + stackTraceOf(defect));
            return State.OFFLINE;
        } finally {
            vcpu.vcpuTlb().leave();
        }
    }

    /**
     * A slice begins.
     *
     * @return where it ends: host time, in virtual time a number of instructions, so that it can be
     *     repeated
     */
    private static long switchIn(VirtualCpu vcpu, long sliceNanos) {
        vcpu.runstate.set(Runstate.RUNNING, vcpu.systemTime());
        vcpu.runstate.publish();
        vcpu.delivery.reloadSegments();
        return sliceNanos + consumed(vcpu);
    }

    private static long consumed(VirtualCpu vcpu) {
        return vcpu.domain().clock().isLive() ? System.nanoTime() : vcpu.cpu().retired();
    }

    private State traced(VirtualCpu vcpu, long end) {
        tracer.enter(vcpu);
        try {
            return tracedSlice(vcpu, end);
        } finally {
            tracer.enter(null);
        }
    }

    private State tracedSlice(VirtualCpu vcpu, long end) {
        if (!tracer.wants(TraceTopic.SCHEDULE)) {
            return runSlice(vcpu, end);
        }
        long before = vcpu.cpu().retired();
        tracer.emit(vcpu, new TraceEvent.Scheduled());
        State stopped = runSlice(vcpu, end);
        tracer.emit(
                vcpu,
                new TraceEvent.Descheduled(
                        stopped.name().toLowerCase(Locale.ROOT), vcpu.cpu().retired() - before));
        return stopped;
    }

    private static String stackTraceOf(Throwable defect) {
        StringWriter text = new StringWriter();
        defect.printStackTrace(new PrintWriter(text));
        return text.toString().stripTrailing();
    }

    private static int runstateOf(State stopped) {
        return switch (stopped) {
            case BLOCKED, POLLING -> Runstate.BLOCKED;
            case OFFLINE -> Runstate.OFFLINE;
            case RUNNABLE, RUNNING -> Runstate.RUNNABLE;
        };
    }

    private State runSlice(VirtualCpu vcpu, long end) {
        Domain domain = vcpu.domain();
        while (!domain.hasEnded()) {
            // Before the look at what a kick may be for: one that comes later is not forgotten.
            vcpu.cpu().unkick();
            vcpu.vcpuTlb().pollPoint();
            vcpu.turn.begin(domain.clock().isLive() ? end : VirtualCpu.NEVER);
            domain.applyPosted(vcpu.turn);
            fireTimers(vcpu);
            if (vcpu.down) {
                return State.OFFLINE;
            }
            State waits = vcpu.waits.stillWaiting();
            if (waits != null) {
                return waits;
            }
            if (vcpu.yielded) {
                return State.RUNNABLE;
            }
            if (domain.mustPause()) {
                return pause(vcpu, end);
            }
            runToPollPoint(vcpu, stretch(vcpu, end));
            vcpu.yielded |= vcpu.turn.isSpin() && domain.hasRunnableVcpu();
            if (consumed(vcpu) > end || vcpu.isSliceCut()) {
                return vcpu.down ? State.OFFLINE : State.RUNNABLE;
            }
        }
        return State.OFFLINE;
    }

    /**
     * The domain pauses. In virtual time that must leave no trace: the slice goes on later as if
     * nothing had been.
     */
    private static State pause(VirtualCpu vcpu, long end) {
        if (!vcpu.domain().clock().isLive()) {
            vcpu.interruptSlice(end);
        }
        return State.RUNNABLE;
    }

    /** Instructions to the next poll point. */
    private long stretch(VirtualCpu vcpu, long sliceEnd) {
        Domain domain = vcpu.domain();
        // One that is stepped is slow: it would come late to a poll point that is far away.
        if (stepping || !domain.clock().isLive() || domain.hasPosted()) {
            return POLL_INSTRUCTIONS;
        }
        long toDeadline = vcpu.nextDeadline() - vcpu.systemTime();
        long nanos = Math.min(toDeadline, sliceEnd - System.nanoTime());
        return Math.clamp(nanos / NANOS_PER_INSTRUCTION, POLL_INSTRUCTIONS, LONGEST_STRETCH);
    }

    /** Instructions and their exits until a poll point is due or the vCPU waits. */
    private void runToPollPoint(VirtualCpu vcpu, long stretch) {
        Cpu cpu = vcpu.cpu();
        Domain domain = vcpu.domain();
        // In virtual time poll points stand at numbers of instructions, so that runs can be
        // repeated.
        boolean exact = !domain.clock().isLive();
        long deadline = vcpu.nextDeadline();
        long end = cpu.retired() + stretch;
        while (mayGoOn(vcpu) && !domain.hasEnded() && !domain.suspending().isPending()) {
            if (tracer != null) {
                traceUpcall(vcpu);
            }
            vcpu.delivery.upcallIfDue();
            long left = end - cpu.retired();
            if (left <= (exact ? 0 : Cpu.SLACK)) {
                return;
            }
            int exit =
                    stepping
                            ? step(vcpu, exact ? left : 1)
                            : exact ? cpu.run(left) : cpu.runRoughly(left);
            if (exit != Exit.BUDGET) {
                handle(vcpu, exit);
                end -= EXIT_COST;
            }
            if (cpu.isKicked() || vcpu.nextDeadline() < deadline && !exact) {
                return;
            }
        }
    }

    private void traceUpcall(VirtualCpu vcpu) {
        if (tracer.wants(TraceTopic.EVENT) && vcpu.delivery.isUpcallDue()) {
            tracer.emit(vcpu, new TraceEvent.Upcalled(vcpu.cpu().rip));
        }
    }

    /**
     * As {@link Cpu#run}, each instruction shown before it runs. In virtual time it must go as far:
     * with an upcall that comes sooner the run would be another.
     */
    private int step(VirtualCpu vcpu, long instructions) {
        Cpu cpu = vcpu.cpu();
        long end = cpu.retired() + instructions;
        int exit;
        do {
            tracer.emit(vcpu, new TraceEvent.Executed(cpu.rip, InstructionText.at(vcpu)));
            exit = cpu.step();
        } while (exit == Exit.BUDGET && cpu.retired() < end && !cpu.isKicked());
        return exit;
    }

    private static boolean mayGoOn(VirtualCpu vcpu) {
        return !vcpu.waits.isWaiting() && !vcpu.yielded && !vcpu.down && !vcpu.turn.isOver();
    }

    private void handle(VirtualCpu vcpu, int exit) {
        Cpu cpu = vcpu.cpu();
        switch (exit) {
            case Exit.BUDGET -> {}
            case Exit.SYSCALL -> {
                if (vcpu.mode.isKernel()) {
                    hypercalls.execute(vcpu);
                    vcpu.turn.hypercall();
                } else {
                    vcpu.counts.systemCalls++;
                    vcpu.delivery.systemCall();
                }
            }
            case Exit.FAULT -> {
                GuestFault fault = cpu.fault();
                vcpu.counts.faults++;
                if (tracer != null && tracer.wants(TraceTopic.FAULT)) {
                    tracedFault(vcpu, fault);
                } else {
                    vcpu.delivery.fault(fault);
                }
            }
            case Exit.SOFTWARE_INTERRUPT -> {
                int vector = cpu.exitVector();
                vcpu.counts.softwareInterrupts++;
                if (tracer != null && tracer.wants(TraceTopic.FAULT)) {
                    tracer.emit(vcpu, new TraceEvent.Interrupted(vector, cpu.rip));
                }
                vcpu.delivery.softwareInterrupt(vector);
            }
            case Exit.DEBUG_TRAP -> vcpu.delivery.debugTrap();
            default -> throw new IllegalStateException("unknown exit " + exit);
        }
    }

    /** The fault, and whether the guest hears of it. */
    private void tracedFault(VirtualCpu vcpu, GuestFault fault) {
        Cpu cpu = vcpu.cpu();
        long rip = cpu.rip;
        int vector = fault.vector();
        long rsp = cpu.r[Cpu.RSP];
        tracer.emit(
                vcpu, new TraceEvent.Faulted(vector, fault.errorCode(), fault.address(), rip, rsp));
        vcpu.delivery.fault(fault);
        if (cpu.r[Cpu.RSP] != rsp) {
            tracer.emit(vcpu, new TraceEvent.Bounced(vector, rip, cpu.rip));
        }
    }

    private static void fireTimers(VirtualCpu vcpu) {
        if (vcpu.timers.takeDue(vcpu.systemTime())) {
            vcpu.domain().events().raiseVirq(Virq.TIMER, vcpu.vcpuId());
        }
    }
}
