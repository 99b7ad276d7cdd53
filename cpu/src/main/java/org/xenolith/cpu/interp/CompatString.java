package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * A string instruction of 32-bit code: where its segments are not flat, their limits are asked for
 * each element.
 */
final class CompatString extends WrappedOp {
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
        HiddenSegments segments = cpu.hidden;
        boolean flat = true;
        if (!string.isDone(r)) {
            if (reads) {
                flat = segments.isFlat(source);
                segments.linear(cpu, source, string.offset(r, Cpu.RSI), string.size, false);
            }
            if (hasDestination) {
                flat &= segments.isFlat(Segments.ES);
                segments.linear(cpu, Segments.ES, string.offset(r, Cpu.RDI), string.size, writes);
            }
        }
        return flat ? string.execute(cpu) : string.executeSingly(cpu);
    }
}
