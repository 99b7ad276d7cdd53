package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Lock step: runs a unit, takes back what it did, lets the interpreter execute the same number of
 * instructions one by one, and compares registers, flags and memory. What a unit can write are the
 * frames with a write tag in the TLB, so those are copied before; when they get many, the tags are
 * withdrawn first, and come back one by one as the guest stores. For one vCPU a domain: the stores
 * of a sibling in between would look like a difference.
 */
public final class UnitVerifier {
    /** Registers, vector registers, RFLAGS, RIP and budget at an instant. */
    private record State(long[] r, long[] xmm, int mxcsr, long rflags, long rip, long budget) {
        static State of(Cpu cpu) {
            return new State(
                    Arrays.copyOf(cpu.r, Cpu.ZERO),
                    cpu.xmm.clone(),
                    cpu.mxcsr.value(),
                    cpu.rflags(),
                    cpu.rip,
                    cpu.budget);
        }

        void restore(Cpu cpu) {
            System.arraycopy(r, 0, cpu.r, 0, r.length);
            System.arraycopy(xmm, 0, cpu.xmm, 0, xmm.length);
            cpu.mxcsr.load(mxcsr);
            cpu.setRflags(rflags);
            cpu.rip = rip;
            cpu.budget = budget;
        }

        boolean is(State other) {
            return rip == other.rip
                    && budget == other.budget
                    && rflags == other.rflags
                    && mxcsr == other.mxcsr
                    && Arrays.equals(r, other.r)
                    && Arrays.equals(xmm, other.xmm);
        }

        String text() {
            StringBuilder text = new StringBuilder("rip %x flags %x".formatted(rip, rflags));
            for (long value : r) {
                text.append(' ').append(Long.toHexString(value));
            }
            text.append(" mxcsr %x budget %d xmm".formatted(mxcsr, budget));
            for (long value : xmm) {
                text.append(' ').append(Long.toHexString(value));
            }
            return text.toString();
        }
    }

    /** A unit's first entries are all compared: there each way through it is new. */
    private static final int FIRST = 8;

    private final Cpu cpu;
    private final int every;
    private final FrameCopies frames = new FrameCopies();
    private long compared;

    /**
     * @param every behind the first few of a unit, one entry of so many is compared
     */
    public UnitVerifier(Cpu cpu, int every) {
        this.cpu = cpu;
        this.every = every;
    }

    /** Entries into units that were compared so far. */
    public long compared() {
        return compared;
    }

    /**
     * Runs a unit from one of its entries.
     *
     * @param start linear address of the entry
     * @param entry how often it ran before
     * @return as {@link TranslatedUnit#run}
     * @throws IllegalStateException when the two do not agree
     */
    int run(TranslatedUnit unit, long start, long entry) {
        if (entry >= FIRST && entry % every != 0) {
            return unit.run(cpu, (int) (start & Ram.PAGE_OFFSET));
        }
        cpu.rip = start;
        State before = State.of(cpu);
        copyWritableFrames();
        int reason = unit.run(cpu, (int) (start & Ram.PAGE_OFFSET));
        State translated = State.of(cpu);
        frames.takeBack();
        before.restore(cpu);
        interpret(before.budget - translated.budget, translated);
        compare(before, translated);
        compared++;
        return reason;
    }

    private void copyWritableFrames() {
        frames.clear();
        cpu.mmu().forEachWritableFrame(frames::add);
        if (frames.overflowed()) {
            // Copying thousands of frames would cost milliseconds. The unit leaves at its next
            // stores, each by a miss, and goes on behind them in later entries.
            cpu.mmu().dropAllWrites();
            frames.clear();
        }
        frames.copy();
    }

    private void interpret(long instructions, State translated) {
        for (long i = 0; i < instructions; i++) {
            if (!cpu.interpreter().executeAnother()) {
                throw new IllegalStateException(
                        "instruction %d of %d of a unit leaves at %x; translated: %s"
                                .formatted(i, instructions, cpu.rip, translated.text()));
            }
        }
    }

    private void compare(State before, State translated) {
        State expected = State.of(cpu);
        if (!expected.is(translated)) {
            throw new IllegalStateException(
                    "a unit differs from the interpreter%n before %s%n interpreted %s%n translated %s"
                            .formatted(before.text(), expected.text(), translated.text()));
        }
        int at = frames.mismatch();
        if (at >= 0) {
            throw new IllegalStateException(
                    "a unit differs from the interpreter at byte %d of a frame, before %s"
                            .formatted(at, before.text()));
        }
    }
}
