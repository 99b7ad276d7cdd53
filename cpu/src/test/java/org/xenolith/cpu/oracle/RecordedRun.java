package org.xenolith.cpu.oracle;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Disassembler;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.x87.FxsaveArea;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Replays what record-run.c wrote; the stream's format is described there. */
final class RecordedRun {
    private static final int GENERAL = 16;
    private static final int FLAGS = 1 << 16, FS_BASE = 1 << 17, FAR = 1 << 18;
    private static final int FPU = 1 << 19, MEMORY = 1 << 20, EXIT = 1 << 21;
    private static final int MOVED_SHIFT = 24;

    /** Room below the stack that the kernel would have given on demand. */
    private static final long STACK_GROWTH = 512 << 10;

    private static final long HIGHEST_USER_PAGES = 0x7f00_0000_0000L;
    private static final long COMPARED_FLAGS = Flags.ARITHMETIC | Flags.DF;

    /** FXSAVE bytes of the last instruction's address: processors differ in when they keep it. */
    private static final int LAST_OPCODE = 6, MXCSR = 24;

    /** AMD has a bit of its own in the mask of MXCSR. */
    private static final int MXCSR_MASK = 28, REGISTERS = 32;

    /** Results that only the record knows. */
    private static final Set<String> FROM_RECORD =
            Set.of("cpuid", "rdtsc", "rdtscp", "rdrand", "xgetbv", "syscall");

    /** What an instruction is, decoded once. */
    private record Place(Instruction in, boolean fromRecord, boolean string) {}

    private final InputStream stream;
    private final byte[] buffer = new byte[1 << 16];
    private final ByteBuffer in = ByteBuffer.wrap(buffer).order(ByteOrder.LITTLE_ENDIAN);
    private final FlatMachine machine = new FlatMachine();
    private final Cpu cpu = machine.cpu;
    private final Map<Long, Place> places = new HashMap<>();
    private final SortedSet<String> rows = new TreeSet<>();

    // Registers as the host has them.
    private final long[] expected = new long[GENERAL];
    private long expectedRip;
    private long expectedFlags;
    private long expectedFsBase;

    RecordedRun(InputStream stream) {
        this.stream = stream;
        in.limit(0);
    }

    /** Mnemonics and encodings of the opcode rows that ran. */
    Set<String> rows() {
        return rows;
    }

    /**
     * Replays all of the record.
     *
     * @return the number of instructions
     * @throws AssertionError at the first difference
     */
    long replay() throws IOException {
        readBlocks();
        for (int i = 0; i < GENERAL; i++) {
            expected[i] = readLong();
        }
        expectedRip = readLong();
        expectedFlags = readLong();
        expectedFsBase = readLong();
        takeExpected();
        for (long n = 0; ; n++) {
            int mask = readInt();
            if ((mask & EXIT) != 0) {
                return n;
            }
            step(n, mask);
        }
    }

    private void step(long n, int mask) throws IOException {
        long rip = cpu.rip;
        Place place = places.computeIfAbsent(rip, this::decode);
        long rcx = cpu.r[Cpu.RCX];
        readRegisters(mask);
        if (place.fromRecord) {
            takeExpected();
        } else {
            execute(n, place, rip);
            if (isTzcntOfZero(place.in)) {
                cpu.r[place.in.reg] = expected[place.in.reg];
            }
            compare(n, place, rip, UndefinedFlags.after(place.in, rcx));
        }
        if ((mask & MEMORY) != 0) {
            readBlocks();
        }
        if ((mask & FPU) != 0) {
            compareFpu(n, place, rip);
        }
    }

    /**
     * F3 0F BC is BSF to our guests and TZCNT to a later host: they differ for a source of 0, where
     * the host sets CF. Code that runs on both does not use the result.
     */
    private boolean isTzcntOfZero(Instruction instruction) {
        return instruction.rep
                && instruction.row.mnemonic().equals("bsf")
                && (expectedFlags & Flags.CF) != 0;
    }

    private Place decode(long rip) {
        byte[] code = new byte[Decoder.MAX_LENGTH];
        cpu.mmu().copyFrom(rip, code, 0, code.length);
        Instruction instruction = new Instruction();
        Decoder.decode(code, 0, code.length, instruction);
        OpcodeRow row = instruction.row;
        if (row == null) {
            throw new AssertionError(
                    "unknown instruction at %#x: %s".formatted(rip, Arrays.toString(code)));
        }
        // The x87's rows are whole escape opcodes: the disassembler names what is behind them.
        String name =
                row.has(OpcodeRow.ESCAPE)
                        ? Disassembler.disassemble(instruction, rip).split(" ")[0]
                        : row.mnemonic();
        rows.add(name + " " + row.encoding());
        return new Place(instruction, FROM_RECORD.contains(row.mnemonic()), row.has(OpcodeRow.REP));
    }

    private void execute(long n, Place place, long rip) {
        int exit;
        do {
            exit = cpu.step();
        } while (exit == Exit.BUDGET && place.string && cpu.rip == rip && expectedRip != rip);
        if (exit != Exit.BUDGET) {
            throw new AssertionError(
                    where(n, place, rip) + ": exit %d, fault %s".formatted(exit, cpu.fault()));
        }
    }

    private void compare(long n, Place place, long rip, long undefined) {
        long difference = (cpu.rflags() ^ expectedFlags) & COMPARED_FLAGS;
        if (cpu.rip != expectedRip
                || cpu.r[Cpu.FS_BASE] != expectedFsBase
                || !Arrays.equals(cpu.r, 0, GENERAL, expected, 0, GENERAL)
                || (difference & ~undefined) != 0) {
            throw new AssertionError(where(n, place, rip) + differences());
        }
        if (difference != 0) {
            // Later instructions keep what this one leaves undefined.
            cpu.setArithmeticFlags((int) expectedFlags);
        }
    }

    private String differences() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < GENERAL; i++) {
            difference(text, "r" + i, cpu.r[i], expected[i]);
        }
        difference(text, "rip", cpu.rip, expectedRip);
        difference(text, "flags", cpu.rflags() & COMPARED_FLAGS, expectedFlags & COMPARED_FLAGS);
        difference(text, "fs base", cpu.r[Cpu.FS_BASE], expectedFsBase);
        return text.toString();
    }

    private static void difference(StringBuilder text, String name, long ours, long host) {
        if (ours != host) {
            text.append(", %s is %x, the host's %x".formatted(name, ours, host));
        }
    }

    private static String where(long n, Place place, long rip) {
        return "step %d at %#x: %s".formatted(n, rip, Disassembler.disassemble(place.in, rip));
    }

    /** Memory a program's mistake reached shows in a register sooner or later; XMM and x87 here. */
    private void compareFpu(long n, Place place, long rip) throws IOException {
        byte[] host = new byte[FxsaveArea.SIZE];
        read(host);
        byte[] ours = new byte[FxsaveArea.SIZE];
        cpu.x87.fxsave(ours, true);
        FxsaveArea.putSse(ours, cpu.mxcsr.value(), cpu.xmm);
        for (byte[] image : new byte[][] {host, ours}) {
            Arrays.fill(image, LAST_OPCODE, MXCSR, (byte) 0);
            Arrays.fill(image, MXCSR_MASK, REGISTERS, (byte) 0);
        }
        int at =
                Arrays.mismatch(
                        ours, 0, FxsaveArea.WRITTEN_BYTES, host, 0, FxsaveArea.WRITTEN_BYTES);
        if (at >= 0) {
            int from = at & -16;
            throw new AssertionError(
                    where(n, place, rip)
                            + ": FXSAVE at +%d: %s, the host's %s"
                                    .formatted(
                                            at,
                                            Arrays.toString(
                                                    Arrays.copyOfRange(ours, from, from + 16)),
                                            Arrays.toString(
                                                    Arrays.copyOfRange(host, from, from + 16))));
        }
    }

    private void takeExpected() {
        System.arraycopy(expected, 0, cpu.r, 0, GENERAL);
        cpu.rip = expectedRip;
        cpu.setRflags(expectedFlags & COMPARED_FLAGS);
        cpu.r[Cpu.FS_BASE] = expectedFsBase;
    }

    private void readRegisters(int mask) throws IOException {
        expectedRip = (mask & FAR) != 0 ? readLong() : expectedRip + (mask >>> MOVED_SHIFT);
        if ((mask & FLAGS) != 0) {
            expectedFlags = readLong();
        }
        if ((mask & FS_BASE) != 0) {
            expectedFsBase = readLong();
        }
        for (int i = 0; i < GENERAL; i++) {
            if ((mask >>> i & 1) != 0) {
                expected[i] = readLong();
            }
        }
    }

    /** Memory that was there at the start, or that the kernel wrote. */
    private void readBlocks() throws IOException {
        while (true) {
            long vaddr = readLong();
            long length = readLong();
            if (length == 0) {
                return;
            }
            boolean stack = vaddr > HIGHEST_USER_PAGES && places.isEmpty();
            machine.map(stack ? vaddr - STACK_GROWTH : vaddr, length + (stack ? STACK_GROWTH : 0));
            byte[] bytes = new byte[(int) length];
            read(bytes);
            machine.load(vaddr, bytes);
        }
    }

    // ---- the stream
    // ------------------------------------------------------------------------------------

    private int readInt() throws IOException {
        require(Integer.BYTES);
        return in.getInt();
    }

    private long readLong() throws IOException {
        require(Long.BYTES);
        return in.getLong();
    }

    private void read(byte[] bytes) throws IOException {
        for (int done = 0; done < bytes.length; ) {
            require(1);
            int part = Math.min(in.remaining(), bytes.length - done);
            in.get(bytes, done, part);
            done += part;
        }
    }

    private void require(int bytes) throws IOException {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        while (in.position() < bytes) {
            int got = stream.read(buffer, in.position(), in.remaining());
            if (got < 0) {
                throw new EOFException("the record ends early: did the recorder fail?");
            }
            in.position(in.position() + got);
        }
        in.flip();
    }
}
