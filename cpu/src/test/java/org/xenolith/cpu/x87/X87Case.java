package org.xenolith.cpu.x87;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/** One instruction with its state before: runs on {@link X87} here, and in {@link HardwareX87}. */
record X87Case(Instruction instruction, byte[] image, long rflags, byte[] memory) {
    /**
     * An ESC instruction: opcode D8 + esc and ModRM, register form or with its operand at [RDI].
     */
    record Instruction(String name, int esc, int modrm, boolean operand16) {
        static Instruction register(String name, int opcode, int modrm) {
            return new Instruction(name, opcode - 0xd8, modrm, false);
        }

        static Instruction memory(String name, int opcode, int reg) {
            return new Instruction(name, opcode - 0xd8, reg << 3 | 7, false);
        }

        Instruction withOperand16() {
            return new Instruction(name + " (16-bit)", esc, modrm, true);
        }

        boolean isRegisterForm() {
            return modrm >= 0xc0;
        }

        int reg() {
            return modrm >>> 3 & 7;
        }

        int memoryBytes() {
            return isRegisterForm()
                    ? 0
                    : X87.loadBytes(esc, reg())
                            + X87.storeBytes(esc, reg())
                            + X87.imageBytes(esc, reg(), operand16);
        }

        @Override
        public String toString() {
            return "%s (%02X %02X)".formatted(name, esc + 0xd8, modrm);
        }
    }

    HardwareX87.Request request() {
        byte opcode = (byte) (0xd8 + instruction.esc());
        byte modrm = (byte) instruction.modrm();
        byte[] code =
                instruction.operand16()
                        ? new byte[] {0x66, opcode, modrm}
                        : new byte[] {opcode, modrm};
        return new HardwareX87.Request(code, image, rflags, memory);
    }

    /** The state before, as text. */
    String describe() {
        return new X87State(image, rflags, memory).describe(instruction.memoryBytes());
    }

    X87State execute() {
        X87 x87 = new X87();
        byte[] after = memory.clone();
        x87.loadImage(5, image, false);
        long flags = rflags;
        try {
            flags = execute(x87, after);
        } catch (GuestFault fault) {
            if (fault.vector() != Vector.X87_ERROR) {
                throw fault;
            }
            flags = -1;
        }
        byte[] imageAfter = new byte[X87State.IMAGE_BYTES];
        x87.prepareImage(5, imageAfter, false);
        return new X87State(imageAfter, flags, after);
    }

    private long execute(X87 x87, byte[] after) {
        int esc = instruction.esc();
        int reg = instruction.reg();
        if (instruction.isRegisterForm()) {
            return x87.execute(esc, instruction.modrm(), rflags);
        }
        if (X87.loadBytes(esc, reg) != 0) {
            long low = X87Images.getLong(after, 0);
            x87.load(esc, reg, low, X87Images.getUnsignedShort(after, 8));
        } else if (X87.storeBytes(esc, reg) != 0) {
            if (x87.prepareStore(esc, reg)) {
                store(after, x87.storeLow(), x87.storeHigh(), X87.storeBytes(esc, reg));
            }
            x87.commitStore();
        } else if (X87.isImageLoad(reg)) {
            x87.loadImage(esc, after, instruction.operand16());
        } else {
            x87.prepareImage(esc, after, instruction.operand16());
            x87.commitImage(esc);
        }
        return rflags;
    }

    private static void store(byte[] memory, long low, int high, int bytes) {
        for (int i = 0; i < Math.min(bytes, Long.BYTES); i++) {
            memory[i] = (byte) (low >>> 8 * i);
        }
        if (bytes > Long.BYTES) {
            X87Images.putShort(memory, Long.BYTES, high);
        }
    }
}
