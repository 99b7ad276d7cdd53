package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/** Stands at the entry of a block at which a unit can be entered. */
final class UnitOp extends Op {
    final Block block;
    private MadeUnit made;

    /** Null when the unit is dropped. */
    private TranslatedUnit unit;

    /** How often it ran; counted for the verifier only. */
    private long entries;

    private final Roughness roughness = new Roughness();

    UnitOp(Block block, MadeUnit made) {
        this.block = block;
        this.made = made;
        unit = made.unit();
        standAt(block.start, block.start, 0);
    }

    MadeUnit made() {
        return made;
    }

    /**
     * Lets go of the unit, so that its class can be unloaded: jumps remember this operation until
     * they are taken the next time.
     */
    void release() {
        made = null;
        unit = null;
    }

    @Override
    boolean addressesStack() {
        return block.plain.addressesStack();
    }

    /** Goes on in the next unit itself if one follows: the loop of operations need not be asked. */
    @Override
    public Op execute(Cpu cpu) {
        UnitOp at = this;
        while (true) {
            // Read once: a sibling may drop it.
            TranslatedUnit translated = at.unit;
            if (translated == null || cpu.interpretOnly) {
                return at.block.plain;
            }
            if (!translated.ran) {
                translated.ran = true;
            }
            int reason = at.run(translated, cpu);
            if (reason != TranslatedUnit.ON) {
                return Interpreter.interpret(cpu);
            }
            Op following = Interpreter.enter(cpu, cpu.rip);
            if (!(following instanceof UnitOp unit)) {
                return following;
            }
            at = unit;
        }
    }

    private int run(TranslatedUnit translated, Cpu cpu) {
        long before = cpu.budget;
        int reason =
                cpu.verifier == null
                        ? translated.run(cpu, start())
                        : cpu.verifier.run(translated, address(cpu), entries++);
        cpu.tier.left(reason, before - cpu.budget);
        if (reason == TranslatedUnit.ROUGH && roughness.isTooMuch(cpu.tier.instructions())) {
            drop(cpu);
        }
        return reason;
    }

    /** So that it is made anew without its quick form of floating point. */
    private void drop(Cpu cpu) {
        CodePage page = (CodePage) cpu.mmu().attachedFetch(address(cpu));
        MadeUnit dropped = made;
        if (page != null && dropped != null) {
            cpu.code().dropRough(page, dropped);
        }
    }
}
