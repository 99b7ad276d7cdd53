package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.semantics.Decimal;
import org.xenolith.cpu.semantics.Flags;

/** Instructions that 64-bit mode does not have, but for those of stack and control. */
final class CompatOps {
    private static final long LOW_16 = 0xffff;

    private CompatOps() {}

    /** AAA, AAS, DAA, DAS, AAM, AAD and SALC: of AX, a byte and the flags make AX and flags. */
    static final class DecimalAdjust extends Op {
        private final Decimal.Kind kind;
        private final int radix;

        DecimalAdjust(Decimal.Kind kind, Binding b) {
            this.kind = kind;
            radix = (int) b.in.immediate & 0xff;
        }

        @Override
        public Op execute(Cpu cpu) {
            if (kind == Decimal.Kind.AAM && radix == 0) {
                throw GuestFault.of(Vector.DIVIDE_ERROR);
            }
            long[] r = cpu.r;
            int ax = (int) (r[Cpu.RAX] & LOW_16);
            int flags = cpu.arithmeticFlags();
            int after = Decimal.ax(kind, ax, radix, flags);
            Registers.set16(r, Cpu.RAX, after);
            cpu.setArithmeticFlags(Decimal.flags(kind, ax, after, flags));
            return next;
        }
    }

    /** ARPL: the destination's RPL becomes at least the source's, and ZF says whether it had to. */
    static final class AdjustRpl extends MemoryOp {
        private static final long RPL = 3;
        private final boolean memory;
        private final int dst;
        private final int src;

        AdjustRpl(Binding b) {
            super(b);
            memory = b.in.memory;
            dst = b.in.rm;
            src = b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long vaddr = memory ? vaddr(r) : 0;
            long selector = memory ? cpu.mmu().read16(vaddr) : r[dst] & LOW_16;
            long wanted = r[src] & RPL;
            boolean raises = (selector & RPL) < wanted;
            long raised = raises ? selector & ~RPL | wanted : selector;
            if (memory && raises) {
                cpu.mmu().write16(vaddr, (int) raised);
            } else if (!memory) {
                Registers.set16(r, dst, raised);
            }
            int flags = cpu.arithmeticFlags() & ~Flags.ZF;
            cpu.setArithmeticFlags(flags | (raises ? Flags.ZF : 0));
            return next;
        }
    }

    /** XLAT: its offset is EBX or BX and AL. */
    static final class TableLookup extends Op {
        private final int segment;
        private final long mask;

        TableLookup(Binding b) {
            segment = HiddenSegments.numberOf(b.in.segment);
            mask = Registers.addressMask(b.in.addressSize);
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            long offset = r[Cpu.RBX] + (r[Cpu.RAX] & 0xff) & mask;
            long vaddr = cpu.hidden.linear(cpu, segment, offset, 1, false);
            Registers.set8(r, Cpu.RAX, 0, cpu.mmu().read8(vaddr));
            return next;
        }
    }
}
