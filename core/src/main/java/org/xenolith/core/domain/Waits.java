package org.xenolith.core.domain;

import org.xenolith.core.domain.VirtualCpu.State;

/**
 * What a vCPU asked to wait for by sched_op: an upcall, or one of some ports. public/sched.h,
 * {@code SCHEDOP_block}, {@code SCHEDOP_poll}.
 *
 * <p>On the vCPU's own thread; who delivers events asks for the polled ports on any thread.
 */
public final class Waits {
    /** What ends the wait. Saved by its ordinal. */
    public enum For {
        NOTHING,
        UPCALL,
        PORTS
    }

    private static final int[] NO_PORTS = {};

    private final VirtualCpu vcpu;
    private For reason = For.NOTHING;
    private volatile int[] polledPorts = NO_PORTS;
    private volatile long pollDeadline = VirtualCpu.NEVER;

    Waits(VirtualCpu vcpu) {
        this.vcpu = vcpu;
    }

    /** The vCPU waits, from its next poll point on, until an upcall or an NMI is pending. */
    public void forUpcall() {
        reason = For.UPCALL;
    }

    /**
     * The vCPU waits, from its next poll point on, until one of the ports is pending, or an upcall
     * or an NMI is due.
     *
     * @param ports kept, not copied
     * @param deadline system time at which it waits no more, below 0 too for one that is past;
     *     {@link VirtualCpu#NEVER} for none
     */
    public void forPorts(int[] ports, long deadline) {
        polledPorts = ports;
        pollDeadline = Math.max(0, deadline);
        reason = For.PORTS;
    }

    /** Takes over what a vCPU that this one continues waits for. */
    public void restore(For what, int[] ports, long deadline) {
        reason = what;
        polledPorts = ports;
        pollDeadline = deadline;
    }

    public boolean isWaiting() {
        return reason != For.NOTHING;
    }

    public For reason() {
        return reason;
    }

    /** Empty when it polls none. */
    public int[] polledPorts() {
        return polledPorts;
    }

    /** System time; counts in state {@code POLLING}. */
    public long pollDeadline() {
        return pollDeadline;
    }

    /** Whether the vCPU polls a port; any thread. */
    boolean polls(int port) {
        for (int polled : polledPorts) {
            if (polled == port) {
                return true;
            }
        }
        return false;
    }

    /** Whether what the vCPU waits for has come, while it stands still; changes nothing. */
    public boolean isOver() {
        return switch (reason) {
            case NOTHING -> true;
            case UPCALL -> vcpu.info.isUpcallPending() || vcpu.nmiPending;
            case PORTS -> isPollOver();
        };
    }

    /** The state to stop in when what the vCPU waits for has not come, else null: it goes on. */
    State stillWaiting() {
        switch (reason) {
            case NOTHING -> {
                return null;
            }
            case UPCALL -> {
                if (!vcpu.info.isUpcallPending() && !vcpu.nmiPending) {
                    return State.BLOCKED;
                }
            }
            case PORTS -> {
                if (!isPollOver()) {
                    return State.POLLING;
                }
                polledPorts = NO_PORTS;
                pollDeadline = VirtualCpu.NEVER;
            }
        }
        reason = For.NOTHING;
        return null;
    }

    private boolean isPollOver() {
        if (vcpu.systemTime() >= pollDeadline
                || vcpu.delivery.isNmiDue()
                || vcpu.delivery.isUpcallDue()) {
            return true;
        }
        for (int port : polledPorts) {
            if (vcpu.domain().events().isPending(port)) {
                return true;
            }
        }
        return false;
    }
}
