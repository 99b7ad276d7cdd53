package org.xenolith.core.build;

/**
 * Where everything is, and how vCPU 0 starts: all other general registers are 0.
 *
 * @param rip linear address of the entry point
 * @param rsp linear address of the end of the boot stack
 * @param rsi linear address of start_info
 * @param cr3Mfn the L4 table, pinned; the vCPU's own reference to it is taken already
 * @param layout where things are by PFN
 */
public record BuiltDomain(
        long rip,
        long rsp,
        long rsi,
        long cr3Mfn,
        long startInfoMfn,
        long storeMfn,
        long consoleMfn,
        long sharedInfoMfn,
        InitialLayout layout) {}
