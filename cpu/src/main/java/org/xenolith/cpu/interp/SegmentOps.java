package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

/** Segment registers and their bases, and looks at descriptors. */
final class SegmentOps {
    private SegmentOps() {}

    /** MOV to a segment register; SS holds off traps for one instruction. */
    static final class LoadSegment extends MemoryOp {
        private final boolean memory;
        private final int register;
        private final int src;

        LoadSegment(Binding b) {
            super(b);
            memory = b.in.memory;
            register = b.in.reg & 7;
            src = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int selector = memory ? cpu.mmu().read16(vaddr(r)) : (int) r[src] & 0xffff;
            Segments.load(cpu, register, selector);
            if (register == Segments.SS) {
                cpu.trapShadow = true;
            }
            return next;
        }
    }

    static final class StoreSegment extends MemoryOp {
        private final boolean memory;
        private final int register;
        private final int dst;
        private final int bits;

        StoreSegment(Binding b) {
            super(b);
            memory = b.in.memory;
            register = b.in.reg & 7;
            dst = b.in.rm;
            bits = b.bits();
        }

        @Override
        public Op execute(Cpu cpu) {
            int selector = cpu.selectors[register];
            if (memory) {
                cpu.mmu().write16(vaddr(cpu.r), selector);
            } else {
                Registers.set(cpu.r, dst, 0, bits, selector);
            }
            return next;
        }
    }

    /** LFS, LGS, LSS. */
    static final class LoadFarPointer extends MemoryOp {
        private final int register;
        private final int bits;
        private final int dst;

        LoadFarPointer(int register, Binding b) {
            super(b);
            this.register = register;
            bits = b.bits();
            dst = b.in.reg;
        }

        @Override
        public Op execute(Cpu cpu) {
            long vaddr = vaddr(cpu.r);
            long offset = Loads.load(cpu.mmu(), vaddr, bits);
            int selector = cpu.mmu().read16(vaddr + (bits >> 3));
            Segments.load(cpu, register, selector);
            Registers.set(cpu.r, dst, 0, bits, offset);
            return next;
        }
    }

    /** RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE; #UD until the guest sets CR4.FSGSBASE. */
    static final class SegmentBase extends Op {
        private final boolean write;
        private final int slot;
        private final int register;
        private final int bits;

        SegmentBase(boolean write, int slot, Binding b) {
            this.write = write;
            this.slot = slot;
            register = b.in.rm;
            bits = b.bits() == 64 ? 64 : 32;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            if (!cpu.fsgsbaseEnabled) {
                throw GuestFault.of(Vector.INVALID_OPCODE);
            }
            if (write) {
                long value = Registers.zeroExtend(r[register], bits);
                if (!Mmu.isCanonical(value)) {
                    throw GuestFault.of(Vector.GENERAL_PROTECTION);
                }
                r[slot] = value;
            } else {
                Registers.set(r, register, 0, bits, r[slot]);
            }
            return next;
        }
    }

    /** LAR, LSL: ZF tells whether the selector may be looked at. */
    static final class DescriptorQuery extends MemoryOp {
        private final boolean limit;
        private final boolean memory;
        private final int bits;
        private final int dst;
        private final int src;

        DescriptorQuery(boolean limit, Binding b) {
            super(b);
            this.limit = limit;
            memory = b.in.memory;
            bits = b.bits();
            dst = b.in.reg;
            src = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int selector = memory ? cpu.mmu().read16(vaddr(r)) : (int) r[src] & 0xffff;
            long descriptor = Segments.visible(cpu, selector);
            if (descriptor != 0) {
                long value =
                        limit
                                ? SegmentDescriptor.limit(descriptor)
                                : Segments.accessRights(descriptor);
                Registers.set(r, dst, 0, bits, value);
            }
            setZero(cpu, descriptor != 0);
            return next;
        }
    }

    /** VERR, VERW. */
    static final class Verify extends MemoryOp {
        private final boolean write;
        private final boolean memory;
        private final int src;

        Verify(boolean write, Binding b) {
            super(b);
            this.write = write;
            memory = b.in.memory;
            src = b.in.rm;
        }

        @Override
        public Op execute(Cpu cpu) {
            long[] r = cpu.r;
            int selector = memory ? cpu.mmu().read16(vaddr(r)) : (int) r[src] & 0xffff;
            long descriptor = Segments.visible(cpu, selector);
            setZero(
                    cpu,
                    write
                            ? SegmentDescriptor.isWritable(descriptor)
                            : SegmentDescriptor.isReadable(descriptor));
            return next;
        }
    }

    private static void setZero(Cpu cpu, boolean zero) {
        cpu.setArithmeticFlags(cpu.arithmeticFlags() & ~Flags.ZF | (zero ? Flags.ZF : 0));
    }
}
