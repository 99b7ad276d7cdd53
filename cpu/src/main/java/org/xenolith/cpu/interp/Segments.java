package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;

/**
 * Selectors and descriptors. In 64-bit mode only FS and GS have a base and CS says no more than
 * that it is 64-bit code; what else counts for 32-bit code is kept in {@link HiddenSegments}. SDM
 * vol. 3A, 3.4.5.
 */
final class Segments {
    static final int ES = 0;
    static final int CS = 1;
    static final int SS = 2;
    static final int DS = 3;
    static final int FS = 4;
    static final int GS = 5;

    private static final int RPL_MASK = 3;

    /** A PV guest's, kernel and programs alike. */
    private static final int CPL = 3;

    private static final int SELECTOR_INDEX = 0xfffc;

    /**
     * Xen's flat ring-3 code segment for 64-bit guests, FLAT_RING3_CS64.
     * public/arch-x86/xen-x86_64.h.
     */
    private static final int FLAT_CS64 = 0xe033;

    /** What the processor reads of its descriptor. */
    private static final long FLAT_CODE64 = 0x00af_fb00_0000_ffffL;

    private Segments() {}

    /**
     * The descriptor of a far transfer's target. 16-bit code is not offered.
     *
     * @throws GuestFault #GP(selector) unless it is a segment of 64-bit or 32-bit code,
     *     #NP(selector) where it is not present
     */
    static long requireCode(Cpu cpu, int selector) {
        if ((selector | RPL_MASK) == FLAT_CS64) {
            return FLAT_CODE64;
        }
        long descriptor = descriptor(cpu, selector);
        if (!SegmentDescriptor.is64BitCode(descriptor)
                && !SegmentDescriptor.is32BitCode(descriptor)) {
            throw GuestFault.of(
                    SegmentDescriptor.refusalOfCode(descriptor), selector & SELECTOR_INDEX);
        }
        return descriptor;
    }

    /**
     * The descriptor of a far return's target, to the same level.
     *
     * @throws GuestFault as {@link #requireCode}; #GP(selector) when the RPL is that of an inner
     *     level, SDM vol. 2, RET and IRET
     */
    static long requireReturn(Cpu cpu, int selector) {
        requireOwnLevel(selector);
        return requireCode(cpu, selector);
    }

    private static void requireOwnLevel(int selector) {
        if ((selector & RPL_MASK) != CPL) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION, selector & SELECTOR_INDEX);
        }
    }

    /**
     * Loads CS and goes on at an offset in it: the end of a far transfer. Nothing faults any more.
     *
     * @param descriptor what {@link #requireCode} said
     * @param offset {@link #requireTarget} has seen it
     */
    static void enterCode(Cpu cpu, int selector, long descriptor, long offset) {
        cpu.selectors[CS] = selector | RPL_MASK;
        cpu.rip = offset;
        if (SegmentDescriptor.is64BitCode(descriptor)) {
            cpu.run64BitCode();
        } else {
            cpu.run32BitCode();
        }
    }

    /**
     * Checks where a far transfer leads in its code segment.
     *
     * @param offset as wide as the instruction has it, zero-extended
     * @throws GuestFault #GP(0) where it is not canonical, or beyond the limit in 32-bit code
     */
    static void requireTarget(long descriptor, long offset) {
        boolean within =
                SegmentDescriptor.is64BitCode(descriptor)
                        ? Mmu.isCanonical(offset)
                        : Long.compareUnsigned(offset, SegmentDescriptor.limit(descriptor)) <= 0;
        if (!within) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    static long descriptor(Cpu cpu, int selector) {
        return (selector & SELECTOR_INDEX) == 0 ? 0 : cpu.platform().descriptor(cpu, selector);
    }

    /**
     * Loads a data segment register; a null selector gives FS and GS base 0. For SS it is refused
     * at CPL 3, as is what cannot be written and what has another RPL.
     *
     * @throws GuestFault #GP(selector), or where all that a segment lacks is to be present
     *     #NP(selector), #SS(selector) for SS
     */
    static void load(Cpu cpu, int register, int selector) {
        long descriptor = descriptor(cpu, selector);
        if (register == SS) {
            requireStack(descriptor, selector);
        } else if ((selector & SELECTOR_INDEX) != 0) {
            requireData(descriptor, selector);
        }
        cpu.selectors[register] = selector;
        cpu.r[HiddenSegments.baseOf(register)] = SegmentDescriptor.base(descriptor);
        cpu.hidden.load(register, descriptor);
    }

    /**
     * Checks what SS is to be loaded with.
     *
     * @throws GuestFault as {@link #load}
     */
    static void requireStack(Cpu cpu, int selector) {
        requireStack(descriptor(cpu, selector), selector);
    }

    private static void requireStack(long descriptor, int selector) {
        requireOwnLevel(selector);
        boolean loadable =
                SegmentDescriptor.isCodeOrData(descriptor)
                        && SegmentDescriptor.isWritable(descriptor)
                        && SegmentDescriptor.isPresent(descriptor);
        if (!loadable) {
            throw GuestFault.of(
                    SegmentDescriptor.refusalOfStack(descriptor), selector & SELECTOR_INDEX);
        }
    }

    private static void requireData(long descriptor, int selector) {
        boolean isData =
                SegmentDescriptor.isCodeOrData(descriptor)
                        && SegmentDescriptor.isReadable(descriptor);
        if (isData && SegmentDescriptor.isPresent(descriptor)) {
            return;
        }
        boolean lacksPresenceOnly = isData && SegmentDescriptor.isForUsers(descriptor);
        throw GuestFault.of(
                lacksPresenceOnly ? Vector.SEGMENT_NOT_PRESENT : Vector.GENERAL_PROTECTION,
                selector & SELECTOR_INDEX);
    }

    /** What LAR, LSL, VERR and VERW see: the descriptor if a CPL 3 guest may look at it, else 0. */
    static long visible(Cpu cpu, int selector) {
        long descriptor = descriptor(cpu, selector);
        long dpl = descriptor >>> 45 & 3;
        boolean mayLook = SegmentDescriptor.isConforming(descriptor) || dpl == CPL;
        return SegmentDescriptor.isCodeOrData(descriptor) && mayLook ? descriptor : 0;
    }

    /** Access rights as LAR returns them. */
    static long accessRights(long descriptor) {
        return descriptor >>> 32 & 0x00f0_ff00L;
    }
}
