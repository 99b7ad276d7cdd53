package org.xenolith.cpu;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Disassembler;
import org.xenolith.cpu.decode.Instruction;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * A program of up to 200 random steps in a counted loop, mostly an instruction each: arithmetic,
 * memory, vectors, branches, short loops, calls, computed jumps, stores into its own code, accesses
 * that fault. Ends with SYSCALL. Steps can be left out without a change to the others.
 */
final class RandomProgram {
    /** Offsets from {@link GuestCode#DATA}: of the page that RBX points at, and of the ends. */
    static final int MIDDLE = 0x1000, READ_ONLY = 0x3000, END = 0x4000;

    private static final int FUNCTION_STEPS = 6;
    private static final int FARTHEST_BRANCH = 12;
    private static final int PAGE = 0x1000;

    /** How often it runs, and what it may do. */
    enum Kind {
        /** A few rounds, in slices of any length. */
        SHORT(200, 4),
        /**
         * Until C2 has compiled it: without what would drop or leave its units each time, and of a
         * length that C2 is done with soon.
         */
        HOT(60, 4_000);

        private final int steps;
        private final long rounds;

        Kind(int steps, long rounds) {
            this.steps = steps;
            this.rounds = rounds;
        }
    }

    /** Writes a step; branches refer to the places of others. */
    private interface Step {
        void write(Assembler code);
    }

    private final long seed;
    private final Kind kind;
    private final RandomGenerator random;
    private final RandomInstructions instructions;
    private final List<Step> steps = new ArrayList<>();
    private final int length;
    private final long[] registers;
    private final long start;
    private boolean computedJumps;

    /** Steps that are written. */
    private BitSet kept = new BitSet();

    // Of the last writing: where each step is, where each patched immediate is, and the rest.
    private Label[] places;
    private final Map<Integer, Label> immediates = new HashMap<>();
    private Label function;
    private Label end;
    private byte[] bytes;

    RandomProgram(long seed, Kind kind) {
        this.seed = seed;
        this.kind = kind;
        // Not java.util.Random: its first numbers are nearly the same for seeds in a row.
        random = new SplittableRandom(seed);
        instructions = new RandomInstructions(random, kind == Kind.SHORT);
        // Mostly short: the translation of every way into a program costs the square of its length.
        double part = Math.pow(random.nextDouble(), 3);
        length = 5 + (int) (part * (kind.steps - FUNCTION_STEPS - 5));
        registers = random.longs(RandomInstructions.FREE.length).toArray();
        for (int i = 0; i < registers.length; i++) {
            registers[i] = random.nextInt(3) == 0 ? random.nextInt(256) : registers[i];
        }
        // Anywhere in a page: many programs cross into the next one.
        start = GuestCode.CODE + random.nextInt(PAGE);
        makeSteps();
        kept.set(0, steps.size());
    }

    long seed() {
        return seed;
    }

    Kind kind() {
        return kind;
    }

    /** Whether a jump of it is computed: its units may be large then. */
    boolean hasComputedJumps() {
        return computedJumps;
    }

    int stepCount() {
        return steps.size();
    }

    /** Leaves out all steps but these. */
    void keep(BitSet wanted) {
        kept = (BitSet) wanted.clone();
    }

    BitSet kept() {
        return (BitSet) kept.clone();
    }

    // ---- choice

    private void makeSteps() {
        Map<Integer, Step> promised = new HashMap<>();
        int loop = -1;
        while (steps.size() < length) {
            int at = steps.size();
            Step step = promised.remove(at);
            if (step == null) {
                int choice = random.nextInt(40);
                if (choice < 5) {
                    step = branch(at);
                } else if (choice == 5 && loop < 0) {
                    loop = at;
                    int passes = 1 + random.nextInt(5);
                    step = code -> code.mov(Cpu.R14, passes);
                } else if (choice < 8 && loop >= 0) {
                    step = endOfLoop(loop + 1);
                    loop = -1;
                } else if (choice == 8) {
                    step =
                            random.nextBoolean()
                                    ? code -> code.call(function)
                                    : callThroughRegister();
                } else if (choice == 9) {
                    step = computedJump(at);
                } else if (choice == 10 && kind == Kind.SHORT && random.nextInt(4) == 0) {
                    int patched = at + 1 + random.nextInt(4);
                    if (patched < length && !promised.containsKey(patched)) {
                        promised.put(patched, patched(patched));
                        step = patch(patched);
                    }
                }
            }
            steps.add(step == null ? straight() : step);
        }
        for (int i = 0; i < FUNCTION_STEPS; i++) {
            steps.add(straight());
        }
    }

    private Step straight() {
        Consumer<Assembler> instruction = instructions.next();
        return instruction::accept;
    }

    private int ahead(int at) {
        return Math.min(length, at + 1 + random.nextInt(FARTHEST_BRANCH));
    }

    private Step branch(int at) {
        Condition condition = instructions.condition();
        int target = ahead(at);
        boolean always = random.nextInt(10) == 0;
        return code -> {
            if (always) {
                code.jmp(places[target]);
            } else {
                code.jcc(condition, places[target]);
            }
        };
    }

    /** R14 only falls between two starts of loops, which are never inside one another. */
    private Step endOfLoop(int first) {
        return code -> code.dec(64, Cpu.R14).jcc(Condition.G, places[first]);
    }

    private Step callThroughRegister() {
        computedJumps = true;
        return code -> code.lea(Cpu.R13, function).bytes(0x41, 0xff, 0xd5);
    }

    private Step computedJump(int at) {
        computedJumps = true;
        int one = ahead(at);
        int other = ahead(at);
        int register = instructions.register();
        Condition condition = instructions.condition();
        return code ->
                code.lea(Cpu.R13, places[one])
                        .lea(register, places[other])
                        .cmov(condition, 64, Cpu.R13, register)
                        .jmp(Cpu.R13);
    }

    /** MOV r32, imm32, whose immediate somebody stores to. */
    private Step patched(int at) {
        int register = instructions.register();
        int immediate = random.nextInt();
        return code -> {
            if (register >= Cpu.R8) {
                code.bytes(0x41);
            }
            code.bytes(0xb8 | register & 7).bind(immediates.get(at));
            code.bytes(
                    immediate & 0xff,
                    immediate >> 8 & 0xff,
                    immediate >> 16 & 0xff,
                    immediate >>> 24);
        };
    }

    /** By a store, or by an exchange or a locked update through R13. */
    private Step patch(int target) {
        int register = instructions.register();
        int kind = random.nextInt(6);
        return code -> {
            if (!kept.get(target)) {
                return;
            }
            Label immediate = immediates.get(target);
            Memory there = Assembler.at(Cpu.R13);
            switch (kind) {
                case 0 -> code.lea(Cpu.R13, immediate).xchg(32, there, register);
                case 1 -> code.lea(Cpu.R13, immediate).lock().alu(Alu.ADD, 32, there, register);
                case 2 ->
                        code.lea(Cpu.R13, immediate)
                                .load(32, Cpu.RAX, there)
                                .lock()
                                .cmpxchg(32, there, register);
                default -> code.store32(immediate, register);
            }
        };
    }

    // ---- writing

    /** Puts it into a guest, RIP at its start. */
    void writeTo(GuestCode guest) {
        bytes = guest.writeAt(start, this::write).bytes();
        guest.cpu.r[Cpu.FS_BASE] = 0x30;
    }

    private void write(Assembler code) {
        places = new Label[steps.size() + 1];
        for (int i = 0; i < places.length; i++) {
            places[i] = new Label();
            immediates.put(i, new Label());
        }
        function = new Label();
        end = new Label();
        for (int i = 0; i < registers.length; i++) {
            code.mov(RandomInstructions.FREE[i], registers[i]);
        }
        code.mov(Cpu.RBX, GuestCode.DATA + MIDDLE).mov(Cpu.RBP, GuestCode.DATA + 2 * MIDDLE);
        code.mov(Cpu.R14, 0).mov(Cpu.R15, kind.rounds);
        Label round = code.mark();
        writeSteps(code, 0, length);
        code.bind(places[length]);
        code.dec(64, Cpu.R15).jcc(Condition.G, round).jmp(end);
        code.bind(function);
        writeSteps(code, length, steps.size());
        code.bind(places[steps.size()]).ret().bind(end).syscall();
    }

    private void writeSteps(Assembler code, int from, int to) {
        for (int i = from; i < to; i++) {
            if (i != length) {
                code.bind(places[i]);
            }
            if (kept.get(i)) {
                steps.get(i).write(code);
            }
        }
    }

    /** Where the program goes on behind an instruction that faults: at the next step. */
    long behind(long rip) {
        long next = end.vaddr();
        for (Label place : places) {
            if (place.vaddr() > rip && place.vaddr() < next) {
                next = place.vaddr();
            }
        }
        return next;
    }

    /** The program as text, an instruction a line. */
    String listing() {
        StringBuilder text = new StringBuilder();
        Instruction in = new Instruction();
        int at = 0;
        while (at < bytes.length) {
            int size = Decoder.decode(bytes, at, bytes.length - at, in);
            if (size <= 0) {
                break;
            }
            long vaddr = start + at;
            text.append("%n  %x: %s".formatted(vaddr, Disassembler.disassemble(in, vaddr)));
            at += size;
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return "%s program, seed %d, %d of %d steps:%s"
                .formatted(kind, seed, kept.cardinality(), steps.size(), listing());
    }
}
