package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;

/** An XMM operation with an aligned or unaligned 16-byte memory operand or a register. */
abstract class XmmOp extends MemoryOp {
    final boolean memory;
    final boolean aligned;
    final int reg;
    final int rm;

    XmmOp(Binding b) {
        super(b);
        memory = b.in.memory;
        aligned = !allowsUnaligned(b.in.row.mnemonic());
        reg = b.in.reg * 2;
        rm = b.in.rm * 2;
    }

    final long vaddr16(Cpu cpu) {
        long vaddr = vaddr(cpu.r);
        if (aligned) {
            requireAligned(vaddr);
        }
        return vaddr;
    }

    /** Whether a 16-byte memory operand may lie anywhere. */
    static boolean allowsUnaligned(String mnemonic) {
        return switch (mnemonic) {
            case "movups", "movupd", "movdqu", "lddqu" -> true;
            default -> mnemonic.startsWith("pcmpestr") || mnemonic.startsWith("pcmpistr");
        };
    }

    static void requireAligned(long vaddr) {
        if ((vaddr & 15) != 0) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /** Checks all 16 bytes before it writes one. */
    static void store128(Mmu mmu, long vaddr, long low, long high) {
        if ((vaddr & 15) != 0) {
            mmu.checkWritable(vaddr, 16);
        }
        mmu.write64(vaddr, low);
        mmu.write64(vaddr + 8, high);
    }
}
