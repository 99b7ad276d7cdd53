package org.xenolith.core.statistics;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.cpu.interp.UnitVerifier;
import org.xenolith.cpu.translate.Jit;
import org.xenolith.cpu.translate.Tier;

import java.util.Map;
import java.util.stream.Collectors;

/** What a run took, as text for the user: {@code --stats}. */
public final class Statistics {
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final int MOST_LEFT_OUT = 12;
    private static final int KIB_SHIFT = 10;

    private Statistics() {}

    /**
     * Lines of figures, each with its line feed. The domain has ended or stands still.
     *
     * @param tier that it ran with; what was translated is told if it translates
     */
    public static String of(Domain domain, Tier tier) {
        StringBuilder text = new StringBuilder();
        text.append("instructions %,d%n".formatted(domain.retired()));
        for (VirtualCpu vcpu : domain.vcpus()) {
            text.append(
                    ("vcpu %d: instructions %,d, hypercalls %,d, faults %,d, upcalls %,d,"
                                    + " page walks %,d%n")
                            .formatted(
                                    vcpu.vcpuId(),
                                    vcpu.cpu().retired(),
                                    vcpu.counts.hypercalls(),
                                    vcpu.counts.faults,
                                    vcpu.counts.upcalls,
                                    vcpu.mmu().walks()));
        }
        new ExitStatistics(domain).append(text);
        text.append(
                "blocks decoded %,d, stores into code %,d, events %,d%n"
                        .formatted(
                                domain.code().decodedBlocks(),
                                domain.code().storesIntoCode(),
                                domain.events().delivered()));
        text.append(
                "decoded code %,d KiB of heap, dropped to make room %,d%n"
                        .formatted(
                                domain.code().heapBytes() >>> KIB_SHIFT, domain.code().roomMade()));
        if (tier.jit() != null) {
            appendTranslation(domain, tier.jit(), text);
        }
        if (!domain.clock().isLive()) {
            text.append("ram %016x%n".formatted(RamHash.of(domain.frames())));
        }
        return text.toString();
    }

    private static void appendTranslation(Domain domain, Jit jit, StringBuilder text) {
        TierTotals totals = TierTotals.of(domain);
        text.append(
                "in translated code %,d instructions, left it to go on %,d, by a miss %,d, for the"
                        .formatted(totals.translated(), totals.on(), totals.misses()));
        text.append(" budget %,d, otherwise %,d%n".formatted(totals.budget(), totals.special()));
        long compared = 0;
        for (VirtualCpu vcpu : domain.vcpus()) {
            UnitVerifier verifier = vcpu.cpu().verifier;
            compared += verifier == null ? 0 : verifier.compared();
        }
        if (compared > 0) {
            text.append("entries compared with the interpreter %,d%n".formatted(compared));
        }
        text.append(
                ("units translated %,d with %,d instructions in %,d ms, dropped %,d, refused %,d,"
                                + " stale %,d, failed %,d, made elsewhere %,d, gone cold %,d%n")
                        .formatted(
                                jit.units(),
                                jit.instructions(),
                                jit.nanos() / NANOS_PER_MILLI,
                                domain.code().unitsDropped(),
                                jit.refused(),
                                jit.stale(),
                                jit.failures(),
                                jit.library().reused(),
                                jit.library().cold()));
        appendFailure(jit.lastFailure(), text);
        appendLeftOut(jit.leftOut(), text);
    }

    /**
     * What broke the translator last, and where: a defect costs a guest only its speed, and nothing
     * else tells of it.
     *
     * @param failure null if nothing did
     */
    static void appendFailure(Throwable failure, StringBuilder text) {
        String prefix = "the last failure: ";
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            StackTraceElement[] calls = cause.getStackTrace();
            text.append(prefix).append(cause);
            text.append(calls.length == 0 ? "" : " at " + calls[0]);
            prefix = ", because of ";
        }
        text.append(failure == null ? "" : System.lineSeparator());
    }

    /** The instructions that end units most often, since they have no translation. */
    private static void appendLeftOut(Map<String, Long> counts, StringBuilder text) {
        if (!counts.isEmpty()) {
            String most =
                    counts.entrySet().stream()
                            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                            .limit(MOST_LEFT_OUT)
                            .map(e -> "%s %,d".formatted(e.getKey(), e.getValue()))
                            .collect(Collectors.joining(", "));
            text.append("units end in front of %s%n".formatted(most));
        }
    }
}
