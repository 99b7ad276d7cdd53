package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Lock step: runs a unit, takes back what it did, lets the interpreter execute the same number of
 * instructions one by one, and compares registers, flags and memory. What a unit can write are the
 * frames with a write tag in the TLB, so those are copied before. For one vCPU a domain: the stores
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
     * Runs a unit from its start.
     *
     * @param start linear address of the unit's first instruction
     * @param entry how often it ran before
     * @return as {@link TranslatedUnit#run}
     * @throws IllegalStateException when the two do not agree
     */
    int run(TranslatedUnit unit, long start, long entry) {
        if (entry >= FIRST && entry % every != 0) {
            return unit.run(cpu);
        }
        cpu.rip = start;
        State before = State.of(cpu);
        Map<Long, byte[]> frames = copyWritableFrames();
        int reason = unit.run(cpu);
        State translated = State.of(cpu);
        Map<Long, byte[]> written = takeBack(frames);
        before.restore(cpu);
        interpret(before.budget - translated.budget, translated);
        compare(before, translated, written);
        compared++;
        return reason;
    }

    private Map<Long, byte[]> copyWritableFrames() {
        Map<Long, byte[]> frames = new HashMap<>();
        cpu.mmu().forEachWritableFrame(host -> frames.computeIfAbsent(host, UnitVerifier::read));
        return frames;
    }

    private static byte[] read(long host) {
        byte[] bytes = new byte[Ram.PAGE_SIZE];
        Ram.read(host, bytes, 0, bytes.length);
        return bytes;
    }

    /** Puts the old contents back; returns the new ones of frames that have changed. */
    private static Map<Long, byte[]> takeBack(Map<Long, byte[]> frames) {
        Map<Long, byte[]> written = new HashMap<>();
        frames.forEach(
                (host, old) -> {
                    byte[] now = read(host);
                    if (!Arrays.equals(old, now)) {
                        written.put(host, now);
                        Ram.write(host, old, 0, old.length);
                    }
                });
        return written;
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

    private void compare(State before, State translated, Map<Long, byte[]> written) {
        String expected = State.of(cpu).text();
        if (!expected.equals(translated.text())) {
            throw new IllegalStateException(
                    "a unit differs from the interpreter%n before %s%n interpreted %s%n translated %s"
                            .formatted(before.text(), expected, translated.text()));
        }
        written.forEach(
                (host, bytes) -> {
                    int at = Arrays.mismatch(read(host), bytes);
                    if (at >= 0) {
                        throw new IllegalStateException(
                                "a unit differs from the interpreter at byte %d of a frame, before %s"
                                        .formatted(at, before.text()));
                    }
                });
    }
}
