package org.xenolith.core.statistics;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/**
 * How often a guest left its code, what that cost, and what the same kernel would have left for on
 * hardware: by trap and emulate, where every privileged instruction and every store into a page
 * table traps, and with hardware virtualization and nested paging, where few things still do.
 */
final class ExitStatistics {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;

    /** What an instruction that does the same would do in a guest that knows of no hypervisor. */
    enum OnHardware {
        /** It is a plain instruction, or does not exist. */
        RUNS(false, false),
        /** It is privileged: an emulating hypervisor must step in, hardware handles it. */
        TRAPS(true, false),
        /** It leaves the guest even where hardware helps. */
        EXITS(true, true);

        private final boolean traps;
        private final boolean exits;

        OnHardware(boolean traps, boolean exits) {
            this.traps = traps;
            this.exits = exits;
        }
    }

    /** Intel SDM vol. 3C, 27.1 (instructions that cause VM exits), as KVM sets the controls. */
    static OnHardware onHardware(int hypercall) {
        return switch (hypercall) {
            // LIDT, LGDT, LLDT, MOV to CR0, CR3 and DRn, WRMSR of segment bases and LSTAR, INVLPG,
            // IRET, and stores into page tables, which are write-protected then.
            case Hypercall.SET_TRAP_TABLE,
                    Hypercall.SET_GDT,
                    Hypercall.SET_CALLBACKS,
                    Hypercall.CALLBACK_OP,
                    Hypercall.FPU_TASKSWITCH,
                    Hypercall.SET_DEBUGREG,
                    Hypercall.GET_DEBUGREG,
                    Hypercall.SET_SEGMENT_BASE,
                    Hypercall.MMU_UPDATE,
                    Hypercall.UPDATE_VA_MAPPING,
                    Hypercall.MMUEXT_OP,
                    Hypercall.IRET ->
                    OnHardware.TRAPS;
            // The timer's MSR, CPUID, ports, HLT and PAUSE, doorbells and interprocessor
            // interrupts.
            case Hypercall.SET_TIMER_OP,
                    Hypercall.VCPU_OP,
                    Hypercall.XEN_VERSION,
                    Hypercall.CONSOLE_IO,
                    Hypercall.PHYSDEV_OP,
                    Hypercall.SCHED_OP,
                    Hypercall.EVENT_CHANNEL_OP ->
                    OnHardware.EXITS;
            // A store into the task state segment or the GDT, or nothing at all.
            default -> OnHardware.RUNS;
        };
    }

    private final Domain domain;

    ExitStatistics(Domain domain) {
        this.domain = domain;
    }

    private long sum(ToLongFunction<VirtualCpu> counter) {
        return domain.vcpus().stream().mapToLong(counter).sum();
    }

    private long calls(int number) {
        return sum(vcpu -> vcpu.counts.hypercalls(number));
    }

    private long within(int number) {
        return sum(vcpu -> vcpu.costs.within(number));
    }

    /** A row for each hypercall that was made: the dearest first, or in virtual time by number. */
    void append(StringBuilder text) {
        boolean live = domain.clock().isLive();
        List<Integer> made =
                IntStream.range(0, Hypercall.COUNT)
                        .filter(number -> calls(number) + within(number) > 0)
                        .boxed()
                        .sorted(
                                live
                                        ? Comparator.comparingLong(this::nanos).reversed()
                                        : Comparator.naturalOrder())
                        .toList();
        text.append("  hypercall                  calls in multicall");
        text.append(live ? "         ms  ns each" : "").append("  on hardware\n");
        for (int number : made) {
            appendRow(text, number, live);
        }
        appendExits(text, live);
        appendOnHardware(text);
    }

    private long nanos(int number) {
        return sum(vcpu -> vcpu.costs.nanos(number));
    }

    private void appendRow(StringBuilder text, int number, boolean live) {
        long all = calls(number) + within(number);
        text.append(
                String.format(
                        Locale.ROOT,
                        "  %-20s %,11d %,12d",
                        Hypercall.name(number),
                        calls(number),
                        within(number)));
        if (live) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            " %,10.1f %,8d",
                            nanos(number) / NANOS_PER_MILLI,
                            nanos(number) / all));
        }
        String onHardware = onHardware(number).name().toLowerCase(Locale.ROOT);
        text.append("  ").append(onHardware).append('\n');
    }

    private void appendExits(StringBuilder text, boolean live) {
        long hypercalls = sum(vcpu -> vcpu.counts.hypercalls());
        long faults = sum(vcpu -> vcpu.counts.faults);
        long systemCalls = sum(vcpu -> vcpu.counts.systemCalls);
        long interrupts = sum(vcpu -> vcpu.counts.softwareInterrupts);
        long exits = hypercalls + faults + systemCalls + interrupts;
        text.append(
                String.format(
                        Locale.ROOT,
                        "exits %,d: hypercalls %,d, faults %,d, system calls %,d, INT %,d%n",
                        exits,
                        hypercalls,
                        faults,
                        systemCalls,
                        interrupts));
        double seconds = domain.runningNanos() / NANOS_PER_SECOND;
        if (live && seconds > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%,.0f exits a second in %.1f s of running%n",
                            exits / seconds,
                            seconds));
        }
    }

    /** Faults and system calls enter the emulating hypervisor first; hardware leaves them alone. */
    private void appendOnHardware(StringBuilder text) {
        long[] counts = new long[OnHardware.values().length];
        for (int number = 0; number < Hypercall.COUNT; number++) {
            counts[onHardware(number).ordinal()] += calls(number) + within(number);
        }
        long traps =
                sum(
                        vcpu ->
                                vcpu.counts.faults
                                        + vcpu.counts.systemCalls
                                        + vcpu.counts.softwareInterrupts);
        traps += sum(vcpu -> vcpu.counts.upcalls);
        long exits = sum(vcpu -> vcpu.counts.upcalls);
        for (OnHardware kind : OnHardware.values()) {
            traps += kind.traps ? counts[kind.ordinal()] : 0;
            exits += kind.exits ? counts[kind.ordinal()] : 0;
        }
        text.append(
                String.format(
                        Locale.ROOT,
                        "the same on hardware: about %,d traps if emulated, %,d exits with nested"
                                + " paging, interrupts included%n",
                        traps,
                        exits));
    }
}
