package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.Vector;

/**
 * What a processor keeps of the descriptors of loaded segments, as far as 32-bit code needs it:
 * limits, rights and the width of the stack; the bases stand in {@link Cpu#r}. SDM vol. 3A, 3.4.3.
 *
 * <p>In 64-bit mode none of it counts, so it is only made when 32-bit code begins to run, from the
 * descriptors as they are then, and kept while it runs.
 */
public final class HiddenSegments {
    private static final int COUNT = 6;

    /** Where {@link Cpu#r} has the bases, in the order of the selectors. */
    private static final int[] BASES = {
        Cpu.ES_BASE, Cpu.CS_BASE, Cpu.SS_BASE, Cpu.DS_BASE, Cpu.FS_BASE, Cpu.GS_BASE
    };

    private static final byte[] NUMBERS = numbers();

    /** The offsets that lie in the segment; no offset does where it is not usable. */
    private final long[] first = new long[COUNT];

    private final long[] last = new long[COUNT];
    private final boolean[] readable = new boolean[COUNT];
    private final boolean[] writable = new boolean[COUNT];

    /** Bits of ESP that count: 32, or 16 with a stack segment whose B flag is clear. */
    private long stackMask;

    private static byte[] numbers() {
        byte[] numbers = new byte[Cpu.DS_BASE + 1];
        for (int i = 0; i < COUNT; i++) {
            numbers[BASES[i]] = (byte) i;
        }
        return numbers;
    }

    /** Number of the segment register whose base is there in {@link Cpu#r}. */
    static int numberOf(int base) {
        return NUMBERS[base];
    }

    static int baseOf(int segment) {
        return BASES[segment];
    }

    /** Looks up all segments; FS and GS keep the base that they have. */
    public void loadAll(Cpu cpu) {
        for (int segment = 0; segment < COUNT; segment++) {
            int selector = cpu.selectors[segment];
            long descriptor = Segments.descriptor(cpu, selector);
            load(segment, descriptor);
            if (segment < Segments.FS) {
                cpu.r[BASES[segment]] = SegmentDescriptor.base(descriptor);
            }
        }
    }

    /**
     * A segment register has been loaded.
     *
     * @param descriptor 0 for a null selector
     */
    void load(int segment, long descriptor) {
        long limit = SegmentDescriptor.limit(descriptor);
        first[segment] = 0;
        last[segment] = limit;
        if (!SegmentDescriptor.isPresent(descriptor)
                || !SegmentDescriptor.isCodeOrData(descriptor)) {
            first[segment] = 1;
            last[segment] = 0;
        } else if (SegmentDescriptor.expandsDown(descriptor)) {
            first[segment] = limit + 1;
            last[segment] = SegmentDescriptor.isBig(descriptor) ? Registers.LOW_32 : 0xffff;
        }
        readable[segment] = SegmentDescriptor.isReadable(descriptor);
        writable[segment] = SegmentDescriptor.isWritable(descriptor);
        if (segment == Segments.SS) {
            stackMask = SegmentDescriptor.isBig(descriptor) ? Registers.LOW_32 : 0xffff;
        }
    }

    /** Whether all of 4 GiB can be read and written, so that {@link #linear} refuses nothing. */
    boolean isFlat(int segment) {
        return first[segment] == 0
                && last[segment] == Registers.LOW_32
                && readable[segment]
                && writable[segment];
    }

    /**
     * The linear address of an operand.
     *
     * @param offset 0 to 2^32 - 1
     * @param bytes that must lie within the limit, and below 4 GiB when the base is added: no
     *     operand wraps around, which the manual leaves to the processor
     * @throws GuestFault #SS(0) for the stack segment, #GP(0) for others
     */
    long linear(Cpu cpu, int segment, long offset, int bytes, boolean write) {
        boolean within = offset >= first[segment] && offset + bytes - 1 <= last[segment];
        if (!within || !(write ? writable[segment] : readable[segment])) {
            throw outside(segment);
        }
        long vaddr = offset + cpu.r[BASES[segment]] & Registers.LOW_32;
        if (vaddr + bytes - 1 > Registers.LOW_32) {
            throw outside(segment);
        }
        return vaddr;
    }

    private static GuestFault outside(int segment) {
        return GuestFault.of(
                segment == Segments.SS ? Vector.STACK_FAULT : Vector.GENERAL_PROTECTION);
    }

    /**
     * Checks where EIP is to go.
     *
     * @throws GuestFault #GP(0) beyond the limit of CS
     */
    void requireCode(long eip) {
        if (eip > last[Segments.CS]) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    long stackMask() {
        return stackMask;
    }
}
