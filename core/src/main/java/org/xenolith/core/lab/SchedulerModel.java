package org.xenolith.core.lab;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * A processor and some vCPUs that compute and sleep as they were made to, in a time of its own.
 * Asks a student's scheduler whenever the processor is free.
 */
final class SchedulerModel {
    static final long MILLI = 1_000_000;
    static final long SLICE = 10 * MILLI;

    private final VcpuScheduler scheduler;
    private final List<Vcpu> vcpus = new ArrayList<>();
    private long now;

    SchedulerModel(VcpuScheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** A vCPU: computes for {@code burst}, sleeps for {@code sleep}, and so on. */
    static final class Vcpu {
        final int number;
        final int weight;
        private final long burst;
        private final long sleep;
        private long left;
        private long wakesAt;
        private boolean sleeping = true;
        private long runnableSince;

        /** Time that it has had. */
        long ran;

        /** The longest time between being able to run and running. */
        long longestWait;

        private Vcpu(int number, int weight, long burst, long sleep, long firstWake) {
            this.number = number;
            this.weight = weight;
            this.burst = burst;
            this.sleep = sleep;
            this.wakesAt = firstWake;
        }
    }

    /** Adds one that computes all the time, from {@code from} on. */
    Vcpu busy(int weight, long from) {
        return add(weight, Long.MAX_VALUE, 0, from);
    }

    /** Adds one that computes and sleeps in turn. */
    Vcpu add(int weight, long burst, long sleep, long from) {
        Vcpu vcpu = new Vcpu(vcpus.size() + 1, weight, burst, sleep, from);
        vcpus.add(vcpu);
        return vcpu;
    }

    /** Runs until a time, in nanoseconds from the beginning. */
    void runUntil(long end) {
        while (now < end) {
            step();
        }
    }

    /**
     * Runs until a vCPU that computes has gone to sleep and is about to wake, or a time.
     *
     * @return when that is
     */
    long runUntilItsNextWake(Vcpu vcpu, long end) {
        do {
            step();
        } while (!vcpu.sleeping && now < end);
        runUntil(Math.min(vcpu.wakesAt, end));
        return now;
    }

    private void step() {
        wake();
        List<VcpuScheduler.Candidate> runnable =
                vcpus.stream()
                        .filter(Predicate.not(vcpu -> vcpu.sleeping))
                        .map(vcpu -> new VcpuScheduler.Candidate(vcpu.number, vcpu.weight))
                        .toList();
        if (runnable.isEmpty()) {
            now = nextWake();
        } else {
            run(chosen(runnable));
        }
    }

    private void wake() {
        for (Vcpu vcpu : vcpus) {
            if (vcpu.sleeping && vcpu.wakesAt <= now) {
                vcpu.sleeping = false;
                vcpu.left = vcpu.burst;
                vcpu.runnableSince = vcpu.wakesAt;
                scheduler.woke(vcpu.number, now);
            }
        }
    }

    private long nextWake() {
        return vcpus.stream()
                .filter(vcpu -> vcpu.sleeping)
                .map(vcpu -> vcpu.wakesAt)
                .min(Comparator.naturalOrder())
                .orElse(Long.MAX_VALUE);
    }

    private Vcpu chosen(List<VcpuScheduler.Candidate> runnable) {
        int number = scheduler.next(runnable, now);
        return vcpus.stream()
                .filter(vcpu -> vcpu.number == number && !vcpu.sleeping)
                .findFirst()
                .orElseThrow(() -> new NotRunnable(number));
    }

    /** The scheduler named a vCPU that cannot run. */
    static final class NotRunnable extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotRunnable(int number) {
            super("next returned " + number + ", which is none of those that can run");
        }
    }

    private void run(Vcpu vcpu) {
        vcpu.longestWait = Math.max(vcpu.longestWait, now - vcpu.runnableSince);
        long nanos = Math.min(SLICE, vcpu.left);
        now += nanos;
        vcpu.ran += nanos;
        vcpu.left -= nanos;
        vcpu.runnableSince = now;
        if (vcpu.left == 0) {
            vcpu.sleeping = true;
            vcpu.wakesAt = now + vcpu.sleep;
        }
        scheduler.ran(vcpu.number, vcpu.weight, nanos, now);
    }
}
