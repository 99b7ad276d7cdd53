package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/** Stands at the entry of a block that was translated. */
final class UnitOp extends Op {
    final Block block;
    private final TranslatedUnit unit;
    private final CodeBytes code;

    /** How often it ran; counted for the verifier only. */
    private long entries;

    UnitOp(Block block, TranslatedUnit unit, CodeBytes code) {
        this.block = block;
        this.unit = unit;
        this.code = code;
        standAt(block.start, block.start, 0);
    }

    boolean overlaps(int from, int to) {
        return code.overlaps(from, to);
    }

    boolean matches(long hostBase) {
        return code.matches(hostBase);
    }

    @Override
    boolean addressesStack() {
        return block.plain.addressesStack();
    }

    @Override
    public Op execute(Cpu cpu) {
        if (cpu.interpretOnly) {
            return block.plain;
        }
        long before = cpu.budget;
        int reason =
                cpu.verifier == null
                        ? unit.run(cpu)
                        : cpu.verifier.run(unit, address(cpu), entries++);
        cpu.tier.left(reason, before - cpu.budget);
        return reason == TranslatedUnit.ON
                ? Interpreter.enter(cpu, cpu.rip)
                : Interpreter.interpret(cpu);
    }
}
