package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Mmu;

/**
 * Memory accesses whose width is a parameter, for operations that do not run often enough for a
 * class each.
 */
final class Loads {
    private Loads() {}

    /** Loads {@code bits} bits, sign-extended. */
    static long load(Mmu mmu, long vaddr, int bits) {
        return switch (bits) {
            case 64 -> mmu.read64(vaddr);
            case 32 -> mmu.read32(vaddr);
            case 16 -> (short) mmu.read16(vaddr);
            default -> (byte) mmu.read8(vaddr);
        };
    }

    static void store(Mmu mmu, long vaddr, int bits, long value) {
        switch (bits) {
            case 64 -> mmu.write64(vaddr, value);
            case 32 -> mmu.write32(vaddr, (int) value);
            case 16 -> mmu.write16(vaddr, (int) value);
            default -> mmu.write8(vaddr, (int) value);
        }
    }
}
