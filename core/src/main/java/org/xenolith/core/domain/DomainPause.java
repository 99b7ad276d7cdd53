package org.xenolith.core.domain;

/**
 * Whether the host holds a domain still, and at what instruction it is to.
 *
 * <p>Any thread may ask and order; the pause itself changes under the scheduler's lock.
 */
final class DomainPause {
    private static final long NEVER = -1;

    private final Domain domain;
    private volatile boolean paused;
    private volatile long pauseAt = NEVER;
    private volatile Runnable onPause = () -> {};

    DomainPause(Domain domain) {
        this.domain = domain;
    }

    boolean isPaused() {
        return paused;
    }

    void set(boolean on) {
        paused = on;
    }

    /** As {@link Domain#pauseAt}. */
    void at(long instructions, Runnable then) {
        onPause = then;
        pauseAt = instructions;
    }

    /** Whether the vCPU at whose poll point it is asked must stop there. */
    boolean mustStop() {
        if (pauseAt != NEVER && domain.retired() >= pauseAt && !domain.hasPosted()) {
            pauseAt = NEVER;
            domain.scheduler().beginPause(domain);
            onPause.run();
        }
        return paused;
    }
}
