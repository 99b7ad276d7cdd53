package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.lang.invoke.VarHandle;

/**
 * Atomic read-modify-write on guest memory, a full fence each. Aligned operands use the host's
 * compare-and-set; one that crosses a quadword or a page is a split lock, which stops the siblings.
 */
final class Atomics {
    /**
     * Serialises split locks of vCPUs that share a granted frame: {@link MachineMemory#lockBus}
     * stops those of one domain only. Plain accesses of the other domain can fall between the
     * halves.
     */
    private static final Object SPLIT_LOCK = new Object();

    private Atomics() {}

    /**
     * Reads the operand of a locked instruction after checking that it may be written.
     *
     * @return sign-extended value
     */
    static long loadForUpdate(Mmu mmu, long vaddr, int bits) {
        long host = mmu.hostForUpdate(vaddr, bits >> 3);
        VarHandle.fullFence();
        if (host == Mmu.NO_HOST && Mmu.isWithinPage(vaddr, bits >> 3)) {
            return Loads.load(mmu, vaddr, bits);
        }
        if (host == Mmu.NO_HOST || isSplit(host, bits >> 3)) {
            return splitLoad(mmu, vaddr, bits);
        }
        return switch (bits) {
            case 64 -> Ram.getLong(host);
            case 32 -> Ram.getInt(host);
            case 16 -> (short) Ram.getShort(host);
            default -> (byte) Ram.getByte(host);
        };
    }

    /**
     * Stores {@code value} if the operand still is {@code expected}; both are taken at the
     * operand's width.
     *
     * @return false when somebody was faster
     */
    static boolean compareAndSet(Mmu mmu, long vaddr, int bits, long expected, long value) {
        int size = bits >> 3;
        long host = mmu.hostForUpdate(vaddr, size);
        if (host == Mmu.NO_HOST) {
            if (Mmu.isWithinPage(vaddr, size)) {
                return mmu.compareAndSetPageTable(
                        vaddr,
                        size,
                        Registers.zeroExtend(expected, bits),
                        Registers.zeroExtend(value, bits));
            }
            return splitCompareAndSet(mmu, vaddr, bits, expected, value);
        }
        boolean done;
        if ((host & size - 1) == 0) {
            done = aligned(host, bits, expected, value);
        } else if (!isSplit(host, size)) {
            done = withinQuadword(host, bits, expected, value);
        } else {
            return splitCompareAndSet(mmu, vaddr, bits, expected, value);
        }
        if (done) {
            mmu.noteStore(host, size);
        }
        return done;
    }

    private static boolean aligned(long host, int bits, long expected, long value) {
        return switch (bits) {
            case 64 -> Ram.compareAndSetLong(host, expected, value);
            case 32 -> Ram.compareAndSetInt(host, (int) expected, (int) value);
            case 16 -> Ram.compareAndSetShort(host, (int) expected, (int) value);
            default -> Ram.compareAndSetByte(host, (int) expected, (int) value);
        };
    }

    private static boolean withinQuadword(long host, int bits, long expected, long value) {
        long word = host & ~7L;
        int shift = (int) (host & 7) * 8;
        long mask = Registers.zeroExtend(-1, bits);
        while (true) {
            long old = Ram.getLongVolatile(word);
            if ((old >>> shift & mask) != (expected & mask)) {
                return false;
            }
            long replaced = old & ~(mask << shift) | (value & mask) << shift;
            if (Ram.compareAndSetLong(word, old, replaced)) {
                return true;
            }
        }
    }

    private static boolean isSplit(long host, int size) {
        return (host & 7) + size > 8;
    }

    private static long splitLoad(Mmu mmu, long vaddr, int bits) {
        mmu.memory().lockBus();
        try {
            synchronized (SPLIT_LOCK) {
                return Loads.load(mmu, vaddr, bits);
            }
        } finally {
            mmu.memory().unlockBus();
        }
    }

    private static boolean splitCompareAndSet(
            Mmu mmu, long vaddr, int bits, long expected, long value) {
        // Outside the monitor: who waits for it stands at no poll point.
        mmu.memory().lockBus();
        try {
            synchronized (SPLIT_LOCK) {
                if (Loads.load(mmu, vaddr, bits) != Registers.narrow(expected, bits)) {
                    return false;
                }
                Loads.store(mmu, vaddr, bits, value);
                VarHandle.fullFence();
                return true;
            }
        } finally {
            mmu.memory().unlockBus();
        }
    }
}
