package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/**
 * Selectors and descriptors as far as 64-bit mode has them: only FS and GS have a base, CS says
 * 64-bit code. SDM vol. 3A, 3.4.5.
 */
final class Segments {
    static final int ES = 0;
    static final int CS = 1;
    static final int SS = 2;
    static final int DS = 3;
    static final int FS = 4;
    static final int GS = 5;

    private static final int RPL_MASK = 3;
    private static final int SELECTOR_INDEX = 0xfffc;

    private static final long TYPE_CODE = 1L << 43;
    private static final long NOT_SYSTEM = 1L << 44;
    private static final long PRESENT = 1L << 47;
    private static final long LONG_MODE = 1L << 53;
    private static final long DEFAULT_SIZE = 1L << 54;
    private static final long GRANULARITY = 1L << 55;
    private static final long WRITABLE_OR_READABLE = 1L << 41;

    /**
     * Xen's flat ring-3 code segment for 64-bit guests, FLAT_RING3_CS64.
     * public/arch-x86/xen-x86_64.h.
     */
    private static final int FLAT_CS64 = 0xe033;

    private Segments() {}

    /**
     * Checks the target of a far transfer.
     *
     * @throws GuestFault #GP(selector) unless it is a present 64-bit code segment
     */
    static void requireCode64(Cpu cpu, int selector) {
        if ((selector | RPL_MASK) == FLAT_CS64) {
            return;
        }
        long descriptor = descriptor(cpu, selector);
        boolean ok =
                (descriptor & (NOT_SYSTEM | TYPE_CODE | PRESENT | LONG_MODE | DEFAULT_SIZE))
                        == (NOT_SYSTEM | TYPE_CODE | PRESENT | LONG_MODE);
        if (!ok) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION, selector & SELECTOR_INDEX);
        }
    }

    private static long descriptor(Cpu cpu, int selector) {
        return (selector & SELECTOR_INDEX) == 0 ? 0 : cpu.platform().descriptor(cpu, selector);
    }

    /**
     * Loads a data segment register; a null selector gives FS and GS base 0. For SS it is refused
     * at CPL 3, as is what cannot be written.
     *
     * @throws GuestFault #GP, or #NP for a segment that is not present
     */
    static void load(Cpu cpu, int register, int selector) {
        long base = 0;
        if ((selector & SELECTOR_INDEX) != 0) {
            long descriptor = descriptor(cpu, selector);
            boolean loadable = register == SS ? isWritable(descriptor) : isReadable(descriptor);
            if ((descriptor & NOT_SYSTEM) == 0 || !loadable) {
                throw GuestFault.of(Vector.GENERAL_PROTECTION, selector & SELECTOR_INDEX);
            }
            if ((descriptor & PRESENT) == 0) {
                throw GuestFault.of(
                        register == SS ? Vector.STACK_FAULT : Vector.SEGMENT_NOT_PRESENT,
                        selector & SELECTOR_INDEX);
            }
            base = base(descriptor);
        } else if (register == SS) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION, 0);
        }
        cpu.selectors[register] = selector;
        if (register == FS) {
            cpu.r[Cpu.FS_BASE] = base;
        } else if (register == GS) {
            cpu.r[Cpu.GS_BASE] = base;
        }
    }

    static long base(long descriptor) {
        return descriptor >>> 16 & 0xff_ffff | (descriptor >>> 56 & 0xff) << 24;
    }

    /** Limit in bytes, granularity applied. */
    static long limit(long descriptor) {
        long limit = descriptor & 0xffff | (descriptor >>> 48 & 0xf) << 16;
        return (descriptor & GRANULARITY) != 0 ? limit << 12 | 0xfff : limit;
    }

    /** What LAR, LSL, VERR and VERW see: the descriptor if a CPL 3 guest may look at it, else 0. */
    static long visible(Cpu cpu, int selector) {
        long descriptor = descriptor(cpu, selector);
        long dpl = descriptor >>> 45 & 3;
        boolean conforming = (descriptor & (TYPE_CODE | 1L << 42)) == (TYPE_CODE | 1L << 42);
        return (descriptor & NOT_SYSTEM) != 0 && (conforming || dpl == RPL_MASK) ? descriptor : 0;
    }

    static boolean isReadable(long descriptor) {
        return descriptor != 0
                && ((descriptor & TYPE_CODE) == 0 || (descriptor & WRITABLE_OR_READABLE) != 0);
    }

    static boolean isWritable(long descriptor) {
        return descriptor != 0
                && (descriptor & TYPE_CODE) == 0
                && (descriptor & WRITABLE_OR_READABLE) != 0;
    }

    /** Access rights as LAR returns them. */
    static long accessRights(long descriptor) {
        return descriptor >>> 32 & 0x00f0_ff00L;
    }
}
