package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * A string instruction of 32-bit code: where its segments are not flat, their limits are asked for
 * each element.
 */
final class CompatString extends WrappedOp {
    /** More than a repetition goes on for in one go. */
    private static final long FAR = 1 << 16;

    private final StringOps.StringOp string;
    private final int source;
    private final boolean reads;
    private final boolean hasDestination;
    private final boolean writes;

    private CompatString(StringOps.StringOp string, Binding b) {
        super(string);
        this.string = string;
        source = HiddenSegments.numberOf(b.in.segment);
        String mnemonic = b.in.row.mnemonic();
        reads =
                switch (mnemonic) {
                    case "movs", "lods", "cmps", "outs" -> true;
                    default -> false;
                };
        hasDestination = !mnemonic.equals("lods") && !mnemonic.equals("outs");
        writes = hasDestination && !mnemonic.equals("cmps") && !mnemonic.equals("scas");
    }

    static Op wrap(Op string, Binding b) {
        return new CompatString((StringOps.StringOp) string, b);
    }

    @Override
    public Op execute(Cpu cpu) {
        long[] r = cpu.r;
        boolean flat = true;
        if (!string.isDone(r)) {
            if (reads) {
                flat = mayRepeat(cpu, source, string.offset(r, Cpu.RSI), false);
            }
            if (hasDestination) {
                flat &= mayRepeat(cpu, Segments.ES, string.offset(r, Cpu.RDI), writes);
            }
        }
        return flat ? string.execute(cpu) : string.executeSingly(cpu);
    }

    /**
     * Checks an element.
     *
     * @return whether those behind and before it need no checks of their own
     */
    private boolean mayRepeat(Cpu cpu, int segment, long offset, boolean write) {
        long vaddr = cpu.hidden.linear(cpu, segment, offset, string.size, write);
        return cpu.hidden.isFlat(segment) && isInside(offset) && isInside(vaddr);
    }

    private static boolean isInside(long address) {
        return address >= FAR && address <= Registers.LOW_32 - FAR;
    }
}
