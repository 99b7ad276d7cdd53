package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.semantics.Flags;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

/** A block, in which one operation may execute two instructions, does what they do one by one. */
class PairsTest {
    /** No shift of an address of the data leads there. */
    private static final long CODE = 0x1234_5000L;

    private static final long DATA = 0x80_0000L;
    private static final int BYTES = 0x2000;
    private static final int PROGRAMS = Integer.getInteger("xenolith.pairs", 20_000);
    private static final long SEED = System.nanoTime();

    /** Ends a program. */
    private static final byte[] SYSCALL = {0x0f, 0x05};

    /**
     * r: ModRM of two registers; m: of a register and [RBX + disp32]; R, W: REX; i: a constant; J:
     * Jcc rel8.
     */
    private static final String[] MOVES = {
        "R89r", "40 89r", "W89r", "W8br", "b8iiii", "Wc7+iiii", "0fb6r", "40 0fb6r", "W0fb7r",
                "R8dm",
        "W8dm", "W8d05iiii", "R83+i", "W83+i", "W81+iiii", "R81+iiii", "R01r", "W31r", "31c0",
                "29c9",
        "W29d2", "Wff+", "40 ff+", "Wc1+i", "40 c1+i", "Wd1+", "40 d1+", "90", "0f1f4000"
    };

    private static final String[] OTHERS = {
        "W8bm",
        "40 8bm",
        "W89m",
        "40 89m",
        "50",
        "55",
        "41 54",
        "58",
        "e800000000",
        "85r",
        "W39r",
        "c6m0i",
        "66 89r",
        "88r",
        "W63r",
        "0f94c0",
        "8ed8",
        "W03m"
    };

    /** Comparisons and the branch behind them, over an addition. */
    private static final String[] BRANCHES = {
        "W85rJ03W01r",
        "85rJ03W01r",
        "84rJ03W01r",
        "66 85rJ03W01r",
        "85mJ03W01r",
        "a8iJ03W01r",
        "40 f7c1iiiiJ03W01r",
        "W39rJ03W01r",
        "39rJ03W01r",
        "38rJ03W01r",
        "W3bmJ03W01r",
        "W83faiJ03W01r",
        "3ciJ03W01r"
    };

    private final Random random = new Random(SEED);

    @BeforeAll
    static void tellSeed() {
        System.out.println("pairs: seed " + SEED);
    }

    /** Instructions by a template, with random registers and constants. */
    private void append(ByteArrayOutputStream code, String template) {
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            switch (c) {
                case 'R' -> code.write(0x40 | random.nextInt(2) << 3 | 5 * random.nextInt(2));
                case 'W' -> code.write(0x48 | random.nextInt(2) << 2);
                case 'r' -> code.write(0xc0 | random.nextInt(64));
                case 'J' -> code.write(0x70 | random.nextInt(16));
                case '+' -> code.write(0xc0 | group(template) << 3 | random.nextInt(8));
                case 'm' -> {
                    code.write(
                            0x83
                                    | random.nextInt(8) << 3
                                            & ~(template.startsWith("c6") ? 0x38 : 0));
                    int displacement = random.nextInt(BYTES + 8);
                    for (int k = 0; k < 4; k++) {
                        code.write(displacement >> 8 * k);
                    }
                    i += template.startsWith("c6") ? 1 : 0;
                }
                case 'i' -> code.write(random.nextInt(4) == 0 ? -1 : random.nextInt(64));
                case ' ' -> {}
                default -> code.write(HexFormat.fromHexDigits(template, i, ++i + 1));
            }
        }
    }

    /** The opcode extension where a template leaves it open. */
    private int group(String template) {
        if (template.contains("c7")) {
            return 0;
        }
        if (template.contains("ff")) {
            return random.nextInt(2);
        }
        int[] shifts = {4, 5, 7, 0};
        boolean shift = template.contains("c1") || template.contains("d1");
        return shift ? shifts[random.nextInt(4)] : random.nextInt(8);
    }

    private byte[] program() {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        int count = 2 + random.nextInt(12);
        for (int i = 0; i < count; i++) {
            String[] templates =
                    switch (random.nextInt(8)) {
                        case 0 -> BRANCHES;
                        case 1, 2 -> OTHERS;
                        default -> MOVES;
                    };
            append(code, templates[random.nextInt(templates.length)]);
        }
        code.writeBytes(SYSCALL);
        return code.toByteArray();
    }

    private static FlatMachine machine() {
        FlatMachine machine = new FlatMachine(TestTier.INTERPRETER);
        machine.map(CODE, 0x1000);
        machine.map(DATA, BYTES);
        return machine;
    }

    private static void start(FlatMachine machine, long[] registers) {
        machine.load(DATA, new byte[BYTES]);
        machine.cpu.reset();
        System.arraycopy(registers, 0, machine.cpu.r, 0, registers.length);
        machine.cpu.rip = CODE;
        machine.cpu.setRetired(0);
    }

    /** Mostly addresses of the data, some random numbers. */
    private long[] registers() {
        long[] registers = random.longs(16).toArray();
        registers[Cpu.RBX] = DATA;
        registers[Cpu.RSP] = DATA + BYTES - random.nextInt(64);
        return registers;
    }

    /**
     * Runs until the SYSCALL or a fault.
     *
     * @param atMost instructions between two stops
     */
    private static String outcome(FlatMachine machine, int atMost) {
        Cpu cpu = machine.cpu;
        int exit = Exit.BUDGET;
        while (exit == Exit.BUDGET || exit == Exit.DEBUG_TRAP) {
            exit = cpu.run(atMost);
        }
        byte[] data = new byte[BYTES];
        machine.cpu.mmu().copyFrom(DATA, data, 0, BYTES);
        return "exit %d at %#x after %d, flags %#x, fault %s, data %d, registers %s"
                .formatted(
                        exit,
                        cpu.rip,
                        cpu.retired(),
                        cpu.rflags() & ~Flags.TF,
                        exit == Exit.FAULT ? cpu.fault() : "none",
                        Arrays.hashCode(data),
                        Arrays.toString(Arrays.copyOf(cpu.r, 16)));
    }

    /** With a stack in its code, now and then. */
    private static boolean hasChangedItself(FlatMachine machine, byte[] program) {
        byte[] now = new byte[program.length];
        machine.cpu.mmu().copyFrom(CODE, now, 0, now.length);
        return !Arrays.equals(now, program);
    }

    @Test
    void blocksDoWhatTheirInstructionsDoOneByOne() {
        FlatMachine[] machines = {machine(), machine(), machine(), machine()};
        int[] atMost = {1, 1_000, 2, 5};
        int faults = 0;
        for (int i = 0; i < PROGRAMS; i++) {
            byte[] program = program();
            long[] registers = registers();
            String alone = "";
            for (int k = 0; k < machines.length; k++) {
                machines[k].load(CODE, program);
                start(machines[k], registers);
                String outcome = outcome(machines[k], atMost[k]);
                alone = k == 0 ? outcome : alone;
                assertThat(outcome)
                        .as("%s, %d at once", HexFormat.of().formatHex(program), atMost[k])
                        .isEqualTo(alone);
            }
            if (hasChangedItself(machines[1], program)) {
                continue;
            }
            start(machines[1], registers);
            machines[1].cpu.systemFlags |= Flags.TF;
            assertThat(outcome(machines[1], atMost[1]))
                    .as("%s, single step over known blocks", HexFormat.of().formatHex(program))
                    .isEqualTo(alone);
            faults += alone.startsWith("exit " + Exit.FAULT + " ") ? 1 : 0;
        }
        assertThat(faults).as("programs that fault").isBetween(PROGRAMS / 20, PROGRAMS);
    }
}
