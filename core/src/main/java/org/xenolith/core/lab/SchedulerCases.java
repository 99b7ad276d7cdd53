package org.xenolith.core.lab;

import static org.xenolith.core.lab.SchedulerModel.MILLI;

import org.xenolith.core.lab.JavaLab.JavaCase;
import org.xenolith.core.lab.JavaLab.Trial;
import org.xenolith.core.lab.SchedulerModel.Vcpu;

import java.util.ArrayList;
import java.util.List;

/** What lab 9 tries with a student's scheduler. */
final class SchedulerCases {
    private static final int USUAL = 256;
    private static final long SECOND = 1000 * MILLI;
    private static final int TOLERANCE_PERCENT = 5;
    private static final int MANY = 10;

    private SchedulerCases() {}

    static List<JavaCase<VcpuScheduler>> all() {
        return List.of(
                named("three that compute, alike", SchedulerCases::alike),
                named("three of different weights", SchedulerCases::weights),
                named("ten at once", SchedulerCases::many),
                named("one that sleeps much and wants little", SchedulerCases::sleeper),
                named("one that comes late", SchedulerCases::late),
                named("one that slept for seconds", SchedulerCases::slept));
    }

    /** What goes wrong in the student's code is the student's. */
    private static JavaCase<VcpuScheduler> named(String name, Trial<VcpuScheduler> trial) {
        return new JavaCase<>(
                name,
                work -> {
                    try {
                        return trial.run(work);
                    } catch (SchedulerModel.NotRunnable e) {
                        return LabVerdict.failed(
                                e.getMessage()
                                        + ". A vCPU that sleeps has nothing to do, and a processor"
                                        + " given to it is lost to the others.");
                    } catch (RuntimeException e) {
                        throw new StudentClass.Threw(e, work.getClass().getSimpleName() + ".java");
                    }
                });
    }

    private static LabVerdict failed(String text, Object... arguments) {
        return LabVerdict.failed(text.formatted(arguments));
    }

    private static long percent(Vcpu vcpu, long ofNanos) {
        return Math.round(100.0 * vcpu.ran / ofNanos);
    }

    private static boolean isNear(long percent, long wanted) {
        return Math.abs(percent - wanted) <= TOLERANCE_PERCENT;
    }

    private static LabVerdict alike(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        List<Vcpu> vcpus = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            vcpus.add(model.busy(USUAL, 0));
        }
        model.runUntil(3 * SECOND);
        for (Vcpu vcpu : vcpus) {
            if (!isNear(percent(vcpu, 3 * SECOND), 33)) {
                return failed(
                        "Three vCPUs of equal weight computed for three seconds. They got %d, %d"
                            + " and %d %% of the processor; fair is a third each. Whoever is chosen"
                            + " has to move back in the queue: remember in 'ran' who had how much.",
                        percent(vcpus.get(0), 3 * SECOND),
                        percent(vcpus.get(1), 3 * SECOND),
                        percent(vcpus.get(2), 3 * SECOND));
            }
        }
        return LabVerdict.PASSED;
    }

    private static LabVerdict weights(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        Vcpu light = model.busy(USUAL, 0);
        Vcpu middle = model.busy(2 * USUAL, 0);
        Vcpu heavy = model.busy(4 * USUAL, 0);
        long time = 7 * SECOND;
        model.runUntil(time);
        return isNear(percent(light, time), 14)
                        && isNear(percent(middle, time), 29)
                        && isNear(percent(heavy, time), 57)
                ? LabVerdict.PASSED
                : failed(
                        "Weights 256, 512 and 1024 stand for 14, 29 and 57 %% of the processor; you"
                                + " gave %d, %d and %d. A weight is a share, not a rank: who weighs"
                                + " twice as much may run twice as long before it counts the same.",
                        percent(light, time), percent(middle, time), percent(heavy, time));
    }

    private static LabVerdict many(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        List<Vcpu> vcpus = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            vcpus.add(model.busy(i == 0 ? MANY * USUAL : USUAL, 0));
        }
        model.runUntil(4 * SECOND);
        for (Vcpu vcpu : vcpus) {
            if (vcpu.longestWait > SECOND) {
                return failed(
                        "Of ten vCPUs, one heavy, number %d had to wait for %d ms while others ran."
                                + " Fair in the long run is not enough: a guest that stands still"
                                + " for a second loses its connections.",
                        vcpu.number, vcpu.longestWait / MILLI);
            }
        }
        return LabVerdict.PASSED;
    }

    private static LabVerdict sleeper(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        for (int i = 0; i < 4; i++) {
            model.busy(USUAL, 0);
        }
        Vcpu server = model.add(USUAL, MILLI, 19 * MILLI, 0);
        model.runUntil(SECOND);
        server.longestWait = 0;
        model.runUntil(5 * SECOND);
        return server.longestWait <= 20 * MILLI
                ? LabVerdict.PASSED
                : failed(
                        "A vCPU that answers requests needs 1 ms in 20, far less than its share,"
                            + " and had to wait for up to %d ms, behind four that compute all the"
                            + " time. Who has used little of its share goes first; otherwise every"
                            + " guest with a network is slow.",
                        server.longestWait / MILLI);
    }

    private static LabVerdict late(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        Vcpu old = model.busy(USUAL, 0);
        model.busy(USUAL, 5 * SECOND);
        model.runUntil(5 * SECOND);
        long before = old.ran;
        model.runUntil(6 * SECOND);
        return monopoly(old, before, "A new vCPU came after five seconds");
    }

    private static LabVerdict slept(VcpuScheduler work) {
        SchedulerModel model = new SchedulerModel(work);
        Vcpu diligent = model.busy(USUAL, 0);
        // It wants more than the second that is measured: what it saved up would show.
        Vcpu sleeper = model.add(USUAL, 2 * SECOND, 3 * SECOND, 0);
        long wakes = model.runUntilItsNextWake(sleeper, 20 * SECOND);
        long before = diligent.ran;
        model.runUntil(wakes + SECOND);
        return monopoly(diligent, before, "A vCPU woke after three seconds of sleep");
    }

    private static LabVerdict monopoly(Vcpu vcpu, long before, String what) {
        long got = Math.round(100.0 * (vcpu.ran - before) / SECOND);
        return got >= 40
                ? LabVerdict.PASSED
                : failed(
                        "%s, and in the second that followed the one that had computed all the time"
                            + " got %d %% of the processor, not half. Time that somebody did not"
                            + " want is gone, not saved: in 'woke', forget what lies far back.",
                        what, got);
    }
}
