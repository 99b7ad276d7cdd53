import org.xenolith.core.lab.VcpuScheduler;

import java.util.List;

/** Who runs next? The first one that can. */
public final class FairScheduler implements VcpuScheduler {
    @Override
    public int next(List<Candidate> runnable, long nowNanos) {
        return runnable.getFirst().vcpu();
    }

    @Override
    public void ran(int vcpu, int weight, long nanos, long nowNanos) {}

    @Override
    public void woke(int vcpu, long nowNanos) {}
}
