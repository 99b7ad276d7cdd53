package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/** Stands at the entry of a block at which a unit can be entered. */
final class UnitOp extends Op {
    final Block block;
    private InstalledUnit installed;

    /** Null when the unit is dropped. */
    private TranslatedUnit unit;

    /** How often it ran; counted for the verifier only. */
    private long entries;

    private final Roughness roughness = new Roughness();

    UnitOp(Block block, InstalledUnit installed) {
        this.block = block;
        this.installed = installed;
        unit = installed.unit();
        standAt(block.start, block.start, 0);
    }

    InstalledUnit installed() {
        return installed;
    }

    /**
     * Lets go of the unit, so that its class can be unloaded: jumps remember this operation until
     * they are taken the next time.
     */
    void release() {
        installed = null;
        unit = null;
    }

    @Override
    boolean addressesStack() {
        return block.plain.addressesStack();
    }

    @Override
    public Op execute(Cpu cpu) {
        // Read once: a sibling may drop it.
        TranslatedUnit translated = unit;
        if (translated == null || cpu.interpretOnly) {
            return block.plain;
        }
        long before = cpu.budget;
        int reason =
                cpu.verifier == null
                        ? translated.run(cpu, start)
                        : cpu.verifier.run(translated, address(cpu), entries++);
        cpu.tier.left(reason, before - cpu.budget);
        if (reason == TranslatedUnit.ROUGH && roughness.isTooMuch(cpu.tier.instructions())) {
            drop(cpu);
        }
        return reason == TranslatedUnit.ON
                ? Interpreter.enter(cpu, cpu.rip)
                : Interpreter.interpret(cpu);
    }

    /** So that it is made anew without its quick form of floating point. */
    private void drop(Cpu cpu) {
        CodePage page = (CodePage) cpu.mmu().attachedFetch(address(cpu));
        InstalledUnit dropped = installed;
        if (page != null && dropped != null) {
            page.dropRough(dropped);
        }
    }
}
