package org.xenolith.core.trace;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** What {@code --trace} can show; the names are those of the command line in lower case. */
public enum TraceTopic {
    /** Each hypercall with its arguments and result. */
    HYPERCALL,
    /** Each exception, with its address, and who handled it. */
    FAULT,
    /** Event channels: their hypercalls, deliveries, upcalls. */
    EVENT,
    /** The hypercalls about memory: page-table updates, pins, flushes, reservations. */
    MMU,
    /** Grants: the hypercalls about them, and each use of one by a backend or another domain. */
    GRANT,
    /** What guest and backends put into the rings of devices. */
    RING,
    /** Frames that become page tables or descriptor pages, and cease to be. */
    PAGE,
    /** What changes in xenstore, whoever changes it. */
    XENSTORE,
    /** What the scheduler runs, and why a vCPU stops. */
    SCHEDULE,
    /** Every instruction, disassembled: huge. */
    INSTRUCTION;

    /** Name on the command line and in files. */
    public String label() {
        return LABELS[ordinal()];
    }

    /** All labels, in order. */
    public static List<String> labels() {
        return List.of(LABELS);
    }

    /** The topic of a label, which may be written in capitals. */
    public static Optional<TraceTopic> of(String label) {
        int number = labels().indexOf(label.strip().toLowerCase(Locale.ROOT));
        return number < 0 ? Optional.empty() : Optional.of(values()[number]);
    }

    /** What is shown to somebody who does not say what: all but instructions. */
    public static Set<TraceTopic> standard() {
        return EnumSet.complementOf(EnumSet.of(INSTRUCTION));
    }

    private static final String[] LABELS =
            Arrays.stream(values())
                    .map(topic -> topic.name().toLowerCase(Locale.ROOT))
                    .toArray(String[]::new);
}
