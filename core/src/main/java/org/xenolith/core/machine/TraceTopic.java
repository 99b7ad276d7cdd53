package org.xenolith.core.machine;

/** What {@code --trace} can show; the names are those of the command line in lower case. */
public enum TraceTopic {
    /** Each hypercall with its arguments and result. */
    HYPERCALL,
    /** Each exception, with its address, and who handled it. */
    FAULT,
    /** Event channels: sends, deliveries, masks. */
    EVENT,
    /** Page types, pins and page-table updates. */
    MMU,
    /** Grants mapped, copied and unmapped. */
    GRANT,
    /** Requests to xenstore and the watches they fire. */
    XENSTORE,
    /** What the scheduler runs, and why a vCPU stops. */
    SCHEDULE,
    /** Every instruction, disassembled: huge. */
    INSTRUCTION
}
