package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.x87.FxsaveArea;
import org.xenolith.cpu.x87.X87;

/** x87 escapes, FXSAVE, FXRSTOR and MXCSR: the memory side of {@link X87}. */
final class FpuOps {
    private FpuOps() {}

    static Op escape(Binding b) {
        int esc = b.in.opcode - 0xd8;
        if (!b.in.memory) {
            return new RegisterForm(esc, b.in.modRm);
        }
        int reg = b.in.reg & 7;
        boolean operand16 = b.in.operandSize == 2;
        if (X87.loadBytes(esc, reg) > 0) {
            return new Load(esc, reg, b);
        }
        if (X87.storeBytes(esc, reg) > 0) {
            return new Store(esc, reg, b);
        }
        return X87.imageBytes(esc, reg, operand16) > 0
                ? new Image(esc, reg, operand16, b)
                : new ControlOps.Fault(GuestFault.of(Vector.INVALID_OPCODE));
    }

    private static final class RegisterForm extends Op {
        private final int esc;
        private final int modRm;
        private final boolean flags;

        RegisterForm(int esc, int modRm) {
            this.esc = esc;
            this.modRm = modRm;
            flags = X87.readsFlags(esc, modRm) || X87.writesFlags(esc, modRm);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            if (X87.isStatusToAx(esc, modRm)) {
                Registers.set16(cpu.r, Cpu.RAX, cpu.x87.statusWord());
                return next;
            }
            long after = cpu.x87.execute(esc, modRm, flags ? cpu.arithmeticFlags() : 0);
            if (flags) {
                cpu.setArithmeticFlags((int) after);
            }
            return next;
        }
    }

    private static final class Load extends MemoryOp {
        private final int esc;
        private final int reg;
        private final int bytes;

        Load(int esc, int reg, Binding b) {
            super(b);
            this.esc = esc;
            this.reg = reg;
            bytes = X87.loadBytes(esc, reg);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            cpu.x87.checkPending();
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            long low = Loads.load(mmu, vaddr, Math.min(bytes, 8) * 8);
            int high = bytes == 10 ? mmu.read16(vaddr + 8) : 0;
            cpu.x87.load(esc, reg, low, high);
            return next;
        }
    }

    private static final class Store extends MemoryOp {
        private final int esc;
        private final int reg;
        private final int bytes;

        Store(int esc, int reg, Binding b) {
            super(b);
            this.esc = esc;
            this.reg = reg;
            bytes = X87.storeBytes(esc, reg);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            X87 x87 = cpu.x87;
            boolean stores = x87.prepareStore(esc, reg);
            Mmu mmu = cpu.mmu();
            long vaddr = vaddr(cpu.r);
            // Of an exception that keeps memory as it is the next instruction tells; a fault of the
            // operand's address is this one's all the same.
            if (!stores || bytes == 10) {
                mmu.checkWritable(vaddr, bytes);
            }
            if (stores) {
                store(mmu, vaddr, x87);
            }
            x87.commitStore();
            return next;
        }

        private void store(Mmu mmu, long vaddr, X87 x87) {
            if (bytes == 10) {
                mmu.write16(vaddr + 8, x87.storeHigh());
                mmu.write64(vaddr, x87.storeLow());
            } else {
                Loads.store(mmu, vaddr, bytes * 8, x87.storeLow());
            }
        }
    }

    private static final class Image extends MemoryOp {
        private final int esc;
        private final boolean load;
        private final boolean operand16;
        private final int bytes;

        Image(int esc, int reg, boolean operand16, Binding b) {
            super(b);
            this.esc = esc;
            this.operand16 = operand16;
            load = X87.isImageLoad(reg);
            bytes = X87.imageBytes(esc, reg, operand16);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            byte[] image = cpu.stateImage;
            long vaddr = vaddr(cpu.r);
            if (load) {
                cpu.x87.checkPending();
                cpu.mmu().copyFrom(vaddr, image, 0, bytes);
                cpu.x87.loadImage(esc, image, operand16);
            } else {
                cpu.mmu().checkWritable(vaddr, bytes);
                cpu.x87.prepareImage(esc, image, operand16);
                cpu.mmu().copyTo(vaddr, image, 0, bytes);
                cpu.x87.commitImage(esc);
            }
            return next;
        }
    }

    static final class Wait extends Op {
        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            cpu.x87.checkPending();
            return next;
        }
    }

    /** FXSAVE and FXRSTOR. */
    static final class ExtendedState extends MemoryOp {
        private final boolean restore;
        private final boolean rexW;

        /** XMM0 to XMM7 are all that 32-bit code has. */
        private final int xmmRegisters;

        ExtendedState(boolean restore, Binding b) {
            super(b);
            xmmRegisters = b.in.code32 ? FxsaveArea.XMM_COUNT / 2 : FxsaveArea.XMM_COUNT;
            this.restore = restore;
            rexW = (b.in.rex & 8) != 0;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            long vaddr = vaddr(cpu.r);
            if ((vaddr & FxsaveArea.ALIGNMENT - 1) != 0) {
                throw GuestFault.of(Vector.GENERAL_PROTECTION);
            }
            byte[] area = cpu.stateImage;
            if (restore) {
                cpu.mmu().copyFrom(vaddr, area, 0, FxsaveArea.SIZE);
                int mxcsr = FxsaveArea.getMxcsr(area);
                cpu.x87.fxrstor(area, rexW);
                cpu.mxcsr.load(mxcsr);
                FxsaveArea.getXmm(area, cpu.xmm, xmmRegisters);
            } else {
                int bytes = FxsaveArea.bytes(xmmRegisters);
                cpu.mmu().checkWritable(vaddr, bytes);
                cpu.x87.fxsave(area, rexW);
                FxsaveArea.putSse(area, cpu.mxcsr.value(), cpu.xmm);
                cpu.mmu().copyTo(vaddr, area, 0, bytes);
            }
            return next;
        }
    }

    /** LDMXCSR and STMXCSR. */
    static final class ControlStatus extends MemoryOp {
        private final boolean load;

        ControlStatus(boolean load, Binding b) {
            super(b);
            this.load = load;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.requireFpu();
            if (load) {
                cpu.mxcsr.load(FxsaveArea.checkMxcsr(cpu.mmu().read32(vaddr(cpu.r))));
            } else {
                cpu.mmu().write32(vaddr(cpu.r), cpu.mxcsr.value());
            }
            return next;
        }
    }
}
