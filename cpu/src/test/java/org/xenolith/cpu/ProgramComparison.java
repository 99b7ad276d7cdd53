package org.xenolith.cpu;

import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Runs a random program on two machines, one that interprets and one that translates, and says
 * where they part. Their memory: three pages of data, a read-only one, and nothing around.
 */
final class ProgramComparison {
    private static final int SLICE = 1500;

    /** Short: how often a method is called decides when C2 compiles it. */
    private static final int HOT_SLICE = 100;

    /** A program whose return address was lost may go on forever. */
    private static final long MOST_INSTRUCTIONS = 60_000;

    private final GuestCode interpreted = machine(TestTier.INTERPRETER);
    private final GuestCode translated;
    private final byte[] data = new byte[(int) GuestCode.DATA_BYTES];
    private final byte[] dataOfOther = new byte[data.length];
    private long faults;

    /**
     * @param tier of the second machine
     */
    ProgramComparison(TestTier tier) {
        translated = machine(tier);
    }

    private static GuestCode machine(TestTier tier) {
        GuestCode guest = new GuestCode(tier);
        long vaddr = GuestCode.DATA + RandomProgram.READ_ONLY;
        guest.setPte(vaddr, guest.machine.host(vaddr), Pte.PRESENT | Pte.USER);
        return guest;
    }

    Cpu translatedCpu() {
        return translated.cpu;
    }

    /** Faults that both machines have met alike. */
    long faults() {
        return faults;
    }

    /**
     * Runs the program.
     *
     * @return what differs first, or null
     */
    String difference(RandomProgram program) {
        prepare(interpreted, program);
        prepare(translated, program);
        // A program that parted them parted their counts too: that is no difference of this one.
        interpreted.cpu.setRetired(translated.cpu.retired());
        String found =
                switch (program.kind()) {
                    case SHORT -> runInSlices(program);
                    case HOT -> runHot();
                };
        return found == null ? memoryDifference() : found;
    }

    private void prepare(GuestCode guest, RandomProgram program) {
        RandomGenerator random = new SplittableRandom(program.seed());
        random.nextBytes(data);
        putData(guest, data);
        Cpu cpu = guest.cpu;
        cpu.reset();
        for (int i = 0; i < cpu.xmm.length; i++) {
            cpu.xmm[i] = random.nextBoolean() ? random.nextLong() : number(random);
        }
        cpu.r[Cpu.RSP] = GuestCode.STACK_TOP - 0x100;
        program.writeTo(guest);
    }

    /**
     * Writes the data of the next program, its read-only page too. An earlier program may have gone
     * astray into its own: what was decoded there goes, as when a frame gets another owner.
     */
    static void putData(GuestCode guest, byte[] data) {
        for (int page = 0; page < data.length; page += Ram.PAGE_SIZE) {
            long host = guest.machine.host(GuestCode.DATA + page);
            Ram.write(host, data, page, Ram.PAGE_SIZE);
            guest.machine.code.forget(host);
        }
    }

    /** A double that is not too large. */
    private static long number(RandomGenerator random) {
        return Double.doubleToRawLongBits(random.nextGaussian() * 1000);
    }

    /** The interpreter steps, so that its flags are exact behind each instruction. */
    private String runInSlices(RandomProgram program) {
        RandomGenerator random = new SplittableRandom(program.seed());
        long limit = translated.cpu.retired() + MOST_INSTRUCTIONS;
        while (translated.cpu.retired() < limit) {
            int n = random.nextInt(4) == 0 ? random.nextInt(50) : 50 + random.nextInt(SLICE);
            int exit = translated.cpu.run(n);
            int expected = Exit.BUDGET;
            for (int i = 0; i < n && expected == Exit.BUDGET; i++) {
                expected = interpreted.cpu.step();
            }
            String found = difference(expected, exit);
            if (found != null) {
                return found;
            }
            if (exit == Exit.FAULT) {
                faults++;
                long rip = program.behind(translated.cpu.rip);
                interpreted.cpu.rip = rip;
                translated.cpu.rip = rip;
            } else if (exit != Exit.BUDGET) {
                return null;
            }
        }
        return null;
    }

    private String runHot() {
        int exit = Exit.BUDGET;
        String found = null;
        while (exit == Exit.BUDGET && found == null) {
            exit = translated.cpu.run(HOT_SLICE);
            found = difference(interpreted.cpu.run(HOT_SLICE), exit);
        }
        return found;
    }

    private String difference(int expected, int exit) {
        Cpu a = interpreted.cpu;
        Cpu b = translated.cpu;
        boolean same =
                exit == expected
                        && a.rip == b.rip
                        && a.retired() == b.retired()
                        && a.rflags() == b.rflags()
                        && a.mxcsr.value() == b.mxcsr.value()
                        && Arrays.equals(a.r, 0, 16, b.r, 0, 16)
                        && Arrays.equals(a.xmm, b.xmm)
                        && (exit != Exit.FAULT || describe(a.fault()).equals(describe(b.fault())));
        return same
                ? null
                : "interpreted %s%ntranslated  %s"
                        .formatted(describe(a, expected), describe(b, exit));
    }

    private String memoryDifference() {
        interpreted.cpu.mmu().copyFrom(GuestCode.DATA, data, 0, data.length);
        translated.cpu.mmu().copyFrom(GuestCode.DATA, dataOfOther, 0, data.length);
        int at = Arrays.mismatch(data, dataOfOther);
        return at < 0
                ? null
                : "memory at %x: interpreted %02x, translated %02x"
                        .formatted(GuestCode.DATA + at, data[at], dataOfOther[at]);
    }

    private static String describe(GuestFault fault) {
        return "%s, address %x".formatted(fault.getMessage(), fault.address());
    }

    private static String describe(Cpu cpu, int exit) {
        return "exit %d fault %s rip %x flags %x registers %s xmm %s mxcsr %x retired %d"
                .formatted(
                        exit,
                        exit == Exit.FAULT ? describe(cpu.fault()) : "none",
                        cpu.rip,
                        cpu.rflags(),
                        hex(Arrays.copyOf(cpu.r, 16)),
                        hex(cpu.xmm),
                        cpu.mxcsr.value(),
                        cpu.retired());
    }

    private static String hex(long[] values) {
        return Arrays.toString(Arrays.stream(values).mapToObj(Long::toHexString).toArray());
    }
}
