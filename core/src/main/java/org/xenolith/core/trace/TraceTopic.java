package org.xenolith.core.trace;

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
    /** The hypercalls about grants. */
    GRANT,
    /** What changes in xenstore, whoever changes it. */
    XENSTORE,
    /** What the scheduler runs, and why a vCPU stops. */
    SCHEDULE,
    /** Every instruction, disassembled: huge. */
    INSTRUCTION
}
