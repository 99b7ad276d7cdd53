package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.SlotAccess;

/**
 * Which slot of the TLB a memory operand uses: one for all whose addresses begin with the same
 * register and a displacement of the same page, since those mostly lie in one page.
 */
final class Slots {
    /** Behind the numbers of registers. */
    private static final int RIP = 16, ABSOLUTE = 17, SEGMENT = 18;

    /** Spreads the pages that displacements reach over the slots. */
    private static final int STEP = 11;

    private static final int PAIRS = SlotAccess.SLOTS / 2;
    private static final long HALF_PAGE = Ram.PAGE_SIZE / 2;

    private Slots() {}

    /** Number of the slot for what the instruction loads, below {@link SlotAccess#SLOTS}. */
    static int forLoad(GuestInstruction i) {
        return 2 * pair(i);
    }

    /** The same for what it stores. */
    static int forStore(GuestInstruction i) {
        return 2 * pair(i) + 1;
    }

    private static int pair(GuestInstruction i) {
        Instruction in = i.in;
        // A register mostly points to the first byte of something, or a little behind it.
        long page =
                in.ripRelative
                        ? in.displacement + i.end >> Ram.PAGE_SHIFT
                        : in.displacement + HALF_PAGE >> Ram.PAGE_SHIFT;
        return (int) (first(in) + STEP * page) & PAIRS - 1;
    }

    private static int first(Instruction in) {
        if (in.segment != Instruction.NO_REGISTER) {
            return SEGMENT;
        }
        if (in.ripRelative) {
            return RIP;
        }
        return in.base == Instruction.NO_REGISTER ? ABSOLUTE : in.base;
    }
}
