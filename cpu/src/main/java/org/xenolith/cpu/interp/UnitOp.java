package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;

import java.util.concurrent.atomic.AtomicInteger;

/** Stands at the entry of a block at which a unit can be entered. */
final class UnitOp extends Op {
    private static final int[] NOWHERE = {};
    private static final UnitPart[] NOTHING = {};

    final Block block;

    /** Of the unit, in bytes from its home page's start. */
    private final int entry;

    private final CodeBytes code;
    private MadeUnit made;

    /** Null when the unit is dropped. */
    private TranslatedUnit unit;

    /** Other pages that the unit was made of: how far from this one, in bytes. */
    private final int[] distances;

    private final UnitPart[] others;

    /**
     * What has been found there and compared; null when that was never done, or a store has changed
     * it since.
     */
    private final CodePage[] found;

    /** How often a store has hit code of other pages, or their last block was dropped. */
    private final AtomicInteger losses = new AtomicInteger();

    /** Losses before all of them were found, the last time. */
    private int wholeAt;

    /** How often it ran; counted for the verifier only. */
    private long entries;

    private final Roughness roughness = new Roughness();
    private final Roughness misfits = new Roughness();

    /**
     * @param entry of the unit that the block is
     */
    UnitOp(Block block, MadeUnit made, int entry) {
        this.block = block;
        this.made = made;
        this.entry = entry;
        unit = made.unit();
        code = made.codeAt(entry);
        others =
                made.isWide()
                        ? made.parts().stream()
                                .filter(part -> part.code() != code)
                                .toArray(UnitPart[]::new)
                        : NOTHING;
        distances = others.length == 0 ? NOWHERE : new int[others.length];
        for (int i = 0; i < distances.length; i++) {
            distances[i] = others[i].distance() - MadeUnit.distance(entry);
        }
        found = new CodePage[others.length];
        standAt(block.start, block.start, 0);
    }

    MadeUnit made() {
        return made;
    }

    /** What the unit was made of in this page. */
    CodeBytes code() {
        return code;
    }

    /** The entry of its unit that a block of the same page would be. */
    int entryOf(Block other) {
        return MadeUnit.distance(entry) + other.start;
    }

    /**
     * Lets go of the unit, so that its class can be unloaded: jumps remember this operation until
     * they are taken the next time.
     */
    void release() {
        made = null;
        unit = null;
    }

    boolean isReleased() {
        return unit == null;
    }

    @Override
    boolean addressesStack() {
        return block.plain.addressesStack();
    }

    /** Goes on in the next unit itself if one follows: the loop of operations need not be asked. */
    @Override
    public Op execute(Cpu cpu) {
        Interpreter interpreter = cpu.interpreter();
        long before = cpu.budget;
        int units = 0;
        UnitOp at = this;
        if (isReleased() || !isWhole(cpu)) {
            return block.plain;
        }
        while (true) {
            // Read once: a sibling may drop it.
            TranslatedUnit translated = at.unit;
            if (translated == null || cpu.interpretOnly) {
                cpu.tier.wentOn(units, before - cpu.budget);
                return at.block.plain;
            }
            int reason = at.run(translated, cpu);
            if (reason != TranslatedUnit.ON) {
                cpu.tier.wentOn(units, before - cpu.budget);
                return at.leave(cpu, reason);
            }
            units++;
            Op following = interpreter.enterBehindUnit();
            if (!(following instanceof UnitOp unit)) {
                cpu.tier.wentOn(units, before - cpu.budget);
                return following;
            }
            at = unit;
        }
    }

    /** The unit was left for the platform, or for the interpreter to execute an instruction. */
    private Op leave(Cpu cpu, int reason) {
        cpu.tier.left(reason);
        if (reason == TranslatedUnit.SYSCALL) {
            cpu.exit(Exit.SYSCALL);
            return null;
        }
        if (reason == TranslatedUnit.ROUGH && roughness.isTooMuch(cpu.tier.instructions())) {
            CodePage page = (CodePage) cpu.mmu().attachedFetch(cpu.r[Cpu.CODE_BASE] + entry);
            MadeUnit dropped = made;
            if (page != null && dropped != null) {
                // So that it is made anew without its quick form of floating point.
                cpu.code().dropRough(page, dropped);
            }
        }
        return Interpreter.interpret(cpu);
    }

    /**
     * Whether the other pages of the unit are where it expects them. What the fetch TLB says stays
     * true while the unit runs: it is left for whatever could change that.
     */
    boolean isWhole(Cpu cpu) {
        int[] away = distances;
        if (away.length == 0) {
            return true;
        }
        // What is lost from here on counts, what was lost before is not found below.
        int before = losses.get();
        for (int i = 0; i < away.length; i++) {
            Object page = cpu.mmu().attachedFetch(cpu.r[Cpu.CODE_BASE] + away[i]);
            if ((page == null || page != found[i]) && !find(cpu, i, (CodePage) page)) {
                return false;
            }
        }
        wholeAt = before;
        return true;
    }

    /** Whether no store has hit code of the other pages since {@link #isWhole} was true. */
    boolean isComplete() {
        return wholeAt == losses.get();
    }

    private boolean find(Cpu cpu, int i, CodePage page) {
        if (page != null && page.lend(this, others[i].code(), i)) {
            return true;
        }
        boolean misfit = misfits.isTooMuch(cpu.tier.instructions());
        CodePage own = (CodePage) cpu.mmu().attachedFetch(address(cpu));
        MadeUnit dropped = made;
        if (own != null && dropped != null) {
            if (page != null && losses.get() != 0) {
                own.dropCold(dropped);
            } else if (misfit) {
                own.dropMisfit(dropped);
            }
        }
        return false;
    }

    /** The page there holds the code that the unit was made of, until {@link #lose}. */
    void found(int i, CodePage page) {
        found[i] = page;
    }

    /** Code of a page may have changed. */
    void lose(CodePage page) {
        for (int i = 0; i < found.length; i++) {
            if (found[i] == page) {
                found[i] = null;
            }
        }
        losses.incrementAndGet();
    }

    private int run(TranslatedUnit translated, Cpu cpu) {
        if (!translated.ran) {
            translated.ran = true;
        }
        long vaddr = address(cpu);
        cpu.r[Cpu.CODE_BASE] = vaddr - entry;
        return cpu.verifier == null
                ? translated.run(cpu, entry)
                : cpu.verifier.run(translated, vaddr, entry, entries++);
    }
}
