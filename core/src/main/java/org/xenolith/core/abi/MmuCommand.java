package org.xenolith.core.abi;

/**
 * The request of {@code mmu_update}, its commands, and the flush flags of {@code
 * update_va_mapping}. public/xen.h, {@code struct mmu_update}, {@code MMU_*}, {@code UVMF_*}.
 */
public final class MmuCommand {
    /** Bytes of a request: {@code ptr} and {@code val}. */
    public static final int SIZE = 16;

    public static final int PTR = 0;
    public static final int VAL = 8;

    /** The low bits of {@code ptr} hold the command. */
    public static final int COMMAND_MASK = 7;

    public static final int NORMAL_PT_UPDATE = 0;
    public static final int MACHPHYS_UPDATE = 1;
    public static final int PT_UPDATE_PRESERVE_AD = 2;
    public static final int PT_UPDATE_NO_TRANSLATE = 3;

    public static final int UVMF_FLUSHTYPE_MASK = 3;
    public static final int UVMF_TLB_FLUSH = 1;
    public static final int UVMF_INVLPG = 2;

    /** In place of a pointer to a vCPU bitmap. */
    public static final long UVMF_LOCAL = 0;

    public static final long UVMF_ALL = 4;

    private MmuCommand() {}
}
