package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.semantics.Flags;

/** Instructions whose operand is the flags. */
final class FlagOps {
    private FlagOps() {}

    static final class LoadIntoAh extends Op {
        @Override
        public Op execute(Cpu cpu) {
            int low = cpu.arithmeticFlags() & ~Flags.OF | Flags.FIXED;
            Registers.set8(cpu.r, Cpu.RAX, 8, low);
            return next;
        }
    }

    static final class StoreFromAh extends Op {
        @Override
        public Op execute(Cpu cpu) {
            int overflow = cpu.arithmeticFlags() & Flags.OF;
            int low = (int) (cpu.r[Cpu.RAX] >> 8) & Flags.ARITHMETIC & ~Flags.OF;
            cpu.setArithmeticFlags(overflow | low);
            return next;
        }
    }

    /** CLC, STC, CMC. */
    static final class Carry extends Op {
        private final int keep;
        private final int flip;

        private Carry(int keep, int flip) {
            this.keep = keep;
            this.flip = flip;
        }

        static Carry clear() {
            return new Carry(~Flags.CF, 0);
        }

        static Carry set() {
            return new Carry(~Flags.CF, Flags.CF);
        }

        static Carry complement() {
            return new Carry(~0, Flags.CF);
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.setCarry(cpu.carry() & keep ^ flip);
            return next;
        }
    }

    /** CLD, STD. */
    static final class Direction extends Op {
        private final boolean down;

        Direction(boolean down) {
            this.down = down;
        }

        @Override
        public Op execute(Cpu cpu) {
            cpu.stringStep = down ? -1 : 1;
            cpu.systemFlags = cpu.systemFlags & ~Flags.DF | (down ? Flags.DF : 0);
            return next;
        }
    }
}
