package org.xenolith.cpu.mmu;

import java.util.Arrays;

/**
 * The breakpoints that DR0 to DR3 name and DR7 arms. The interpreter asks about each instruction it
 * is about to execute, the {@link Mmu} reports each data access on a page with a breakpoint; while
 * none is armed, neither costs anything. SDM vol. 3B, 18.2.
 */
public final class Breakpoints {
    public static final int COUNT = 4;

    /** R/W fields of DR7: on execution, on data writes, on data reads or writes. */
    private static final int EXECUTE = 0, WRITE = 1, ACCESS = 3;

    /** Not armed, or armed for I/O ports, which needs CR4.DE: no guest has it. */
    private static final int OFF = -1;

    private static final int ENABLE_BITS = 3, ENABLE_STRIDE = 2;
    private static final int FIRST_CONTROL_BIT = 16, CONTROL_STRIDE = 4;
    private static final int KIND_MASK = 3, LENGTH_SHIFT = 2;

    /** Bytes by LEN field. */
    private static final int[] LENGTHS = {1, 2, 8, 4};

    private final long[] vaddrs = new long[COUNT];
    private final int[] kinds = new int[COUNT];
    private final int[] lengths = new int[COUNT];
    private boolean armed;
    private int hits;

    Breakpoints() {
        Arrays.fill(kinds, OFF);
    }

    /**
     * Takes over the debug registers.
     *
     * @param addresses DR0 to DR3 come first
     */
    void set(long[] addresses, long dr7) {
        armed = false;
        hits = 0;
        for (int i = 0; i < COUNT; i++) {
            int control = (int) (dr7 >>> FIRST_CONTROL_BIT + CONTROL_STRIDE * i);
            boolean enabled = (dr7 >>> ENABLE_STRIDE * i & ENABLE_BITS) != 0;
            int kind = control & KIND_MASK;
            lengths[i] = kind == EXECUTE ? 1 : LENGTHS[control >>> LENGTH_SHIFT & KIND_MASK];
            vaddrs[i] = addresses[i] & -lengths[i];
            boolean known = kind == EXECUTE || kind == WRITE || kind == ACCESS;
            kinds[i] = enabled && known ? kind : OFF;
            armed |= kinds[i] != OFF;
        }
    }

    /** Whether any breakpoint can be met. */
    public boolean isArmed() {
        return armed;
    }

    /** Which breakpoints stop in front of the instruction at {@code rip}: bit n for DRn. */
    public int atInstruction(long rip) {
        int found = 0;
        for (int i = 0; i < COUNT; i++) {
            if (kinds[i] == EXECUTE && vaddrs[i] == rip) {
                found |= 1 << i;
            }
        }
        return found;
    }

    /** Whether data accesses to the page of {@code vaddr} must be reported. */
    boolean watches(long vaddr) {
        if (armed) {
            for (int i = 0; i < COUNT; i++) {
                if (isData(i) && (vaddrs[i] & Ram.PAGE_MASK) == (vaddr & Ram.PAGE_MASK)) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean isData(int i) {
        return kinds[i] == WRITE || kinds[i] == ACCESS;
    }

    /** {@code size} bytes were read, or written. */
    void accessed(long vaddr, int size, boolean write) {
        for (int i = 0; i < COUNT; i++) {
            boolean kindFits = kinds[i] == ACCESS || kinds[i] == WRITE && write;
            if (kindFits && vaddr < vaddrs[i] + lengths[i] && vaddr + size > vaddrs[i]) {
                hits |= 1 << i;
            }
        }
    }

    /** Which data breakpoints were met since the last {@link #clearHits}: bit n for DRn. */
    public int hits() {
        return hits;
    }

    public void clearHits() {
        hits = 0;
    }
}
