package org.xenolith.cpu.x87;

import java.util.Arrays;

/**
 * State after an instruction: the FNSAVE image, memory and RFLAGS; {@code rflags} is -1 after #MF.
 * Two states are equal when everything a program can rely on is: the pointers are left out, and of
 * RFLAGS only the arithmetic flags count.
 */
record X87State(byte[] image, long rflags, byte[] memory) {
    static final int IMAGE_BYTES = 108;
    static final int MEMORY_BYTES = 512;
    static final int ANSWER_BYTES = IMAGE_BYTES + Long.BYTES + MEMORY_BYTES;
    private static final int REGISTERS = 28;
    private static final int REGISTER_BYTES = 10;
    private static final long ARITHMETIC_FLAGS = 0x8d5;

    static X87State fromAnswer(byte[] answers, int offset) {
        int memory = offset + IMAGE_BYTES + Long.BYTES;
        return new X87State(
                Arrays.copyOfRange(answers, offset, offset + IMAGE_BYTES),
                X87Images.getLong(answers, offset + IMAGE_BYTES),
                Arrays.copyOfRange(answers, memory, memory + MEMORY_BYTES));
    }

    X87State withoutStatus(int ignored) {
        byte[] reduced = image.clone();
        X87Images.putShort(reduced, 4, status() & ~ignored);
        return new X87State(reduced, rflags, memory);
    }

    boolean faulted() {
        return rflags == -1;
    }

    int control() {
        return X87Images.getUnsignedShort(image, 0);
    }

    int status() {
        return X87Images.getUnsignedShort(image, 4);
    }

    int tags() {
        return X87Images.getUnsignedShort(image, 8);
    }

    int se(int i) {
        return X87Images.getUnsignedShort(image, REGISTERS + i * REGISTER_BYTES + 8);
    }

    long sig(int i) {
        return X87Images.getLong(image, REGISTERS + i * REGISTER_BYTES);
    }

    /**
     * Whether the states differ only in significands, each by one unit in the last place, and in
     * C1, which tells the direction of that rounding.
     */
    boolean isNear(X87State other) {
        boolean near =
                !faulted()
                        && !other.faulted()
                        && control() == other.control()
                        && tags() == other.tags()
                        && (status() & ~StatusWord.C1) == (other.status() & ~StatusWord.C1);
        for (int i = 0; i < 8; i++) {
            long distance = Math.abs(place(i) - other.place(i));
            near &= Math.abs(se(i) - other.se(i)) <= 1 && distance <= 1;
        }
        return near;
    }

    /** Neighbouring numbers have neighbouring places, over the border between exponents too. */
    private long place(int i) {
        return (long) (se(i) & 1) << 63 | sig(i) & Long.MAX_VALUE;
    }

    /** Everything that must agree, as text, so that a difference reads well. */
    String describe(int memoryBytes) {
        if (faulted()) {
            return "#MF";
        }
        StringBuilder text = new StringBuilder();
        text.append("cw %04x sw %04x tw %04x".formatted(control(), status(), tags()));
        for (int i = 0; i < 8; i++) {
            text.append(" st%d %04x.%016x".formatted(i, se(i), sig(i)));
        }
        text.append(" flags %03x".formatted(rflags & ARITHMETIC_FLAGS));
        text.append(" memory ");
        for (int i = memoryBytes - 1; i >= 0; i--) {
            text.append("%02x".formatted(memory[i]));
        }
        return text.toString();
    }
}
