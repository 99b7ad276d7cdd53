package org.xenolith.core.domain;

/**
 * Whether a domain has ended and why: the guest shut itself down, the VMM had to end it, or the
 * host did. The first reason stays.
 *
 * <p>Any thread.
 */
public final class DomainEnd {
    /** {@code SHUTDOWN_*}, public/sched.h. */
    public static final int SHUTDOWN_POWEROFF = 0;

    public static final int SHUTDOWN_REBOOT = 1;
    public static final int SHUTDOWN_SUSPEND = 2;
    public static final int SHUTDOWN_CRASH = 3;
    public static final int SHUTDOWN_WATCHDOG = 4;
    public static final int SHUTDOWN_SOFT_RESET = 5;

    /** The domain has not ended. */
    public static final int NOT_SHUT_DOWN = -1;

    /** The host ended the domain by {@link Domain#destroy}. */
    public static final int DESTROYED = -2;

    private final Domain domain;
    private volatile int reason = NOT_SHUT_DOWN;
    private volatile int latchedCode = NOT_SHUT_DOWN;
    private volatile String crash = "";
    private volatile VirtualCpu crashedVcpu;
    private volatile Runnable onEnd = () -> {};

    DomainEnd(Domain domain) {
        this.domain = domain;
    }

    /** Sets what runs, on the thread that ends the domain, when it has ended. */
    public void onEnd(Runnable action) {
        onEnd = action;
    }

    /**
     * Keeps a code for the guest's later shutdown, if it is the first.
     *
     * @param code 0 to 255; those that the ABI does not know are the guest's own
     */
    public synchronized void latchCode(int code) {
        if (latchedCode == NOT_SHUT_DOWN) {
            latchedCode = code;
        }
    }

    /** As {@link Domain#shutdown}. */
    void shutdown(int shutdownReason) {
        int latched = latchedCode;
        end(latched == NOT_SHUT_DOWN ? shutdownReason : latched, null, "");
    }

    /** As {@link Domain#destroy}. */
    void destroy() {
        end(DESTROYED, null, "");
    }

    /** As {@link Domain#crash}. */
    void crash(VirtualCpu vcpu, String why) {
        end(SHUTDOWN_CRASH, vcpu, why);
    }

    private void end(int endReason, VirtualCpu vcpu, String why) {
        synchronized (this) {
            if (hasCome()) {
                return;
            }
            crash = why;
            crashedVcpu = vcpu;
            reason = endReason;
        }
        domain.scheduler().ended(domain);
        domain.suspending().ended();
        onEnd.run();
    }

    boolean hasCome() {
        return reason != NOT_SHUT_DOWN;
    }

    /**
     * {@link #NOT_SHUT_DOWN}, {@link #DESTROYED}, one of {@code SHUTDOWN_*}, or a code of the
     * guest.
     */
    public int reason() {
        return reason;
    }

    /** Why the VMM ended it; empty when the guest did so itself. */
    public String crash() {
        return crash;
    }

    /** The vCPU on which it died, or null. */
    public VirtualCpu crashedVcpu() {
        return crashedVcpu;
    }
}
