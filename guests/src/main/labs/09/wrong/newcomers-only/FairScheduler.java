// Wrong: treats new vCPUs rightly, and keeps for sleepers what they did not use.
// Told: A vCPU woke after three seconds of sleep
import org.xenolith.core.lab.VcpuScheduler;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The one that has used least of its share goes next: time used, divided by weight. */
public final class FairScheduler implements VcpuScheduler {
    private static final int USUAL_WEIGHT = 256;

    /** What somebody who slept may be ahead of the others. */
    private static final long HEAD_START = 10_000_000;

    private final Map<Integer, Long> used = new HashMap<>();

    /** What the one that was chosen last had used: nobody who could run has used less. */
    private long least;

    private long used(int vcpu) {
        return used.getOrDefault(vcpu, 0L);
    }

    @Override
    public int next(List<Candidate> runnable, long nowNanos) {
        int chosen = runnable.getFirst().vcpu();
        for (Candidate candidate : runnable) {
            if (used(candidate.vcpu()) < used(chosen)) {
                chosen = candidate.vcpu();
            }
        }
        least = Math.max(least, used(chosen));
        return chosen;
    }

    @Override
    public void ran(int vcpu, int weight, long nanos, long nowNanos) {
        used.merge(vcpu, nanos * USUAL_WEIGHT / weight, Long::sum);
    }

    @Override
    public void woke(int vcpu, long nowNanos) {
        used.putIfAbsent(vcpu, Math.max(0, least - HEAD_START));
    }
}
