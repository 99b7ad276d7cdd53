package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.interp.TranslatedUnit;

import java.util.Arrays;
import java.util.Random;

/**
 * Random programs of up to 200 instructions, translated, against the interpreter that executes one
 * instruction at a time: registers, flags, RIP, counts and faults are equal wherever a run stops,
 * and memory at the end.
 */
class RandomProgramsTest {
    private static final long SEED = Long.getLong("xenolith.programs.seed", System.nanoTime());
    private static final int PROGRAMS = Integer.getInteger("xenolith.programs", 5_000);

    /** One in so many is looped until C2 has compiled it. */
    private static final int HOT = 10;

    private static final int ROUNDS = 3;
    private static final int HOT_ROUNDS = 20_000;
    private static final int SLICE = 1500;

    private static final GuestCode TRANSLATED = new GuestCode(TestTier.EVERYTHING);
    private static final GuestCode STEPPED = new GuestCode(TestTier.INTERPRETER);

    @Test
    void translatedProgramsDoWhatTheInterpreterDoes() {
        run(PROGRAMS);
    }

    /** Goes on from a seed: {@code -Dxenolith.programs=... -Dxenolith.programs.seed=...}. */
    @Test
    @Tag("proof")
    void aMillionProgramsDoWhatTheInterpreterDoes() {
        run(Integer.getInteger("xenolith.programs", 1_000_000));
    }

    private static void run(int programs) {
        System.out.println("random programs: seed " + SEED + ", " + programs + " programs");
        for (int k = 0; k < programs; k++) {
            long seed = SEED + k;
            if (k % HOT == HOT - 1) {
                runHot(seed);
            } else {
                runInSlices(seed);
            }
        }
        assertThat(TRANSLATED.cpu.tier.instructions()).isGreaterThan(programs * 100L);
        assertThat(TRANSLATED.cpu.tier.exits(TranslatedUnit.MISS)).isPositive();
        assertThat(TRANSLATED.cpu.tier.exits(TranslatedUnit.BUDGET)).isPositive();
    }

    private static void prepare(GuestCode guest, long seed, RandomProgram program) {
        byte[] data = new byte[(int) GuestCode.DATA_BYTES];
        new Random(seed).nextBytes(data);
        guest.machine.load(GuestCode.DATA, data);
        guest.write(program::write);
        guest.cpu.reset();
        guest.cpu.r[Cpu.RSP] = GuestCode.STACK_TOP - 0x100;
    }

    private static void runInSlices(long seed) {
        prepare(TRANSLATED, seed, new RandomProgram(seed, ROUNDS, true));
        prepare(STEPPED, seed, new RandomProgram(seed, ROUNDS, true));
        Random random = new Random(seed);
        int exit = Exit.BUDGET;
        for (int slice = 0; slice < 1000 && exit == Exit.BUDGET; slice++) {
            int n = random.nextInt(4) == 0 ? random.nextInt(50) : 50 + random.nextInt(SLICE);
            exit = TRANSLATED.cpu.run(n);
            int stepped = Exit.BUDGET;
            for (int i = 0; i < n && stepped == Exit.BUDGET; i++) {
                stepped = STEPPED.cpu.step();
            }
            compare(seed, exit, stepped);
        }
        compareMemory(seed);
    }

    private static void runHot(long seed) {
        prepare(TRANSLATED, seed, new RandomProgram(seed, HOT_ROUNDS, false));
        prepare(STEPPED, seed, new RandomProgram(seed, HOT_ROUNDS, false));
        int exit = Exit.BUDGET;
        int expected = Exit.BUDGET;
        while (exit == Exit.BUDGET && expected == Exit.BUDGET) {
            exit = TRANSLATED.cpu.run(SLICE);
            expected = STEPPED.cpu.run(SLICE);
        }
        compare(seed, exit, expected);
        compareMemory(seed);
    }

    private static void compare(long seed, int exit, int expected) {
        Cpu a = STEPPED.cpu;
        Cpu b = TRANSLATED.cpu;
        boolean same =
                exit == expected
                        && a.rip == b.rip
                        && a.retired() == b.retired()
                        && a.rflags() == b.rflags()
                        && Arrays.equals(a.r, 0, 16, b.r, 0, 16);
        if (!same) {
            assertThat(describe(b, exit)).as("seed %d", seed).isEqualTo(describe(a, expected));
        }
    }

    private static void compareMemory(long seed) {
        byte[] a = new byte[(int) GuestCode.DATA_BYTES];
        byte[] b = new byte[a.length];
        STEPPED.cpu.mmu().copyFrom(GuestCode.DATA, a, 0, a.length);
        TRANSLATED.cpu.mmu().copyFrom(GuestCode.DATA, b, 0, b.length);
        assertThat(Arrays.mismatch(a, b)).as("seed %d: memory differs at", seed).isEqualTo(-1);
    }

    private static String describe(Cpu cpu, int exit) {
        return "exit %d fault %s rip %x flags %x registers %s retired %d"
                .formatted(
                        exit,
                        exit == Exit.FAULT ? cpu.fault().getMessage() : "none",
                        cpu.rip,
                        cpu.rflags(),
                        Arrays.toString(
                                Arrays.stream(cpu.r, 0, 16).mapToObj(Long::toHexString).toArray()),
                        cpu.retired());
    }
}
