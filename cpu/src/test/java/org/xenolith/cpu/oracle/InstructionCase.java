package org.xenolith.cpu.oracle;

import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.LockPrefix;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.semantics.Flags;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.Set;

/** One random use of an instruction row: bytes, registers and memory, addresses around a window. */
record InstructionCase(OpcodeRow row, Instruction in, HostCpu.Program program) {
    private static final int RSP = 4;
    private static final long END_OF_4_GIB = 1L << 32;
    private static final Set<String> STRINGS = Set.of("movs", "cmps", "stos", "lods", "scas");
    private static final long[] EDGES = {
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -2
    };

    static InstructionCase random(OpcodeRow row, Random random) {
        return random(row, CodeSize.CODE_64, random);
    }

    static InstructionCase random(OpcodeRow row, CodeSize size, Random random) {
        while (true) {
            byte[] bytes = bytes(row, size, random);
            Instruction in = new Instruction();
            int length = Decoder.decode(size, bytes, 0, bytes.length, in);
            if (in.row == null && in.lock && in.memory) {
                throw new AssertionError("LOCK refused: " + HexFormat.of().formatHex(bytes));
            }
            if (length > 0 && in.row == row && !in.ripRelative && isSuitable(in)) {
                InstructionCase made =
                        new InstructionCase(row, in, program(in, bytes, length, random));
                if (!made.isUndefined()) {
                    return made;
                }
            }
        }
    }

    /**
     * The same with an operand at the last bytes of 4 GiB, where no page is, and mostly beyond
     * them. All others go around the window.
     */
    static InstructionCase atTheEndOf4GiB(OpcodeRow row, Random random) {
        while (true) {
            InstructionCase made = random(row, CodeSize.CODE_32, random);
            Instruction in = made.in;
            boolean isAimed =
                    in.memory
                            && in.base != Instruction.NO_REGISTER
                            && in.base != RSP
                            && in.base != in.index
                            && in.addressSize == 4;
            if (isAimed) {
                aim(in, made.program.before(), END_OF_4_GIB - 1 - random.nextInt(20));
                cutRegisters(made.program.before());
                return made;
            }
        }
    }

    private static boolean isSuitable(Instruction in) {
        boolean string = STRINGS.contains(in.row.mnemonic());
        boolean moffs = in.row.operands().stream().anyMatch(o -> o.name().startsWith("O"));
        // A 67 prefix would cut a moffs; F3 on the host turns BSF into TZCNT.
        // AMD has no register form of the 0F 0D hints, Intel has.
        if (in.row.encoding().startsWith("0F 0D") && !in.memory) {
            return false;
        }
        boolean mandatory = in.row.encoding().matches("F[23] .*");
        return (string || mandatory || !in.rep && !in.repne)
                && !in.segmentOverride
                && (in.code32 ? isInReach(in) : !isCut(in, moffs));
    }

    private static boolean isCut(Instruction in, boolean moffs) {
        return in.addressSize == 4 && (moffs || in.memory && in.base == RSP);
    }

    /** Addresses of 16 bits do not reach the window. */
    private static boolean isInReach(Instruction in) {
        boolean implied = in.row.has(OpcodeRow.REP) || in.row.mnemonic().equals("xlat");
        return in.addressSize == 4 || !in.memory && !implied;
    }

    private static byte[] bytes(OpcodeRow row, CodeSize size, Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String encoding = row.encoding().replace("NP ", "");
        boolean rexW = encoding.contains("REX.W ");
        encoding = encoding.replace("REX.W ", "");
        boolean string = row.has(OpcodeRow.REP);
        if (random.nextInt(4) == 0) {
            out.write(0x66);
        }
        if (random.nextInt(8) == 0) {
            out.write(0x67);
        }
        if (LockPrefix.isAllowed(row) && random.nextInt(3) == 0) {
            out.write(0xf0);
        }
        if (string && random.nextBoolean()) {
            out.write(random.nextBoolean() ? 0xf3 : 0xf2);
        }
        String[] parts = encoding.split(" ");
        int i = 0;
        while (parts[i].equals("F3") || parts[i].equals("F2") || parts[i].equals("66")) {
            if (parts.length > i + 1 && isHexByte(parts[i + 1])) {
                out.write(Integer.parseInt(parts[i++], 16));
            } else {
                break;
            }
        }
        if (rexW) {
            out.write(0x48 | random.nextInt(8));
        } else if (size == CodeSize.CODE_64 && random.nextBoolean()) {
            out.write(0x40 | random.nextInt(16));
        }
        boolean modRm = false;
        int digit = -1;
        for (; i < parts.length; i++) {
            String part = parts[i];
            if (part.matches("[0-9A-F]{2}(\\+[ri])?")) {
                int opcode = Integer.parseInt(part.substring(0, 2), 16);
                out.write(part.contains("+") ? opcode + random.nextInt(8) : opcode);
            } else if (part.equals("/r")) {
                modRm = true;
            } else if (part.matches("/[0-7]")) {
                modRm = true;
                digit = part.charAt(1) - '0';
            } else if (part.matches("/[0-7]-[0-7]")) {
                modRm = true;
                digit = part.charAt(1) - '0' + random.nextInt(part.charAt(3) - part.charAt(1) + 1);
            }
        }
        boolean absolute = row.operands().stream().anyMatch(o -> o.name().startsWith("O"));
        if (modRm) {
            int reg = digit >= 0 ? digit : random.nextInt(8);
            int mod = random.nextInt(4);
            int rm = random.nextInt(8);
            out.write(mod << 6 | reg << 3 | rm);
            absolute |= size == CodeSize.CODE_32 && mod == 0 && rm == 5;
        }
        byte[] tail = new byte[16];
        random.nextBytes(tail);
        if (absolute) {
            long at = HostCpu.WINDOW_BASE + random.nextInt(HostCpu.WINDOW_SIZE);
            for (int k = 0; k < (size == CodeSize.CODE_64 ? 8 : 4); k++) {
                tail[k] = (byte) (at >>> 8 * k);
            }
        }
        out.writeBytes(tail);
        return out.toByteArray();
    }

    private static boolean isHexByte(String part) {
        return part.matches("[0-9A-F]{2}.*");
    }

    private static long value(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> EDGES[random.nextInt(EDGES.length)];
            case 1 -> random.nextInt(70);
            default -> random.nextLong();
        };
    }

    private static long inWindow(Random random) {
        return HostCpu.WINDOW_BASE
                + switch (random.nextInt(4)) {
                    case 0 -> HostCpu.WINDOW_SIZE - random.nextInt(40);
                    case 1 -> 0x1000 - random.nextInt(24);
                    default -> 0x800 + random.nextInt(0x1000) & ~15;
                };
    }

    private static HostCpu.Program program(
            Instruction in, byte[] bytes, int length, Random random) {
        MachineState before = new MachineState();
        for (int i = 0; i < 16; i++) {
            before.gpr(i, value(random));
        }
        before.gpr(RSP, inWindow(random));
        if (in.row.mnemonic().equals("leave") || in.row.mnemonic().equals("enter")) {
            before.gpr(5, inWindow(random));
        }
        if (in.row.mnemonic().equals("xlat")) {
            before.gpr(3, HostCpu.WINDOW_BASE + random.nextInt(0x1000));
        }
        if (in.row.has(OpcodeRow.REP)) {
            before.gpr(1, random.nextInt(40));
            before.gpr(6, inWindow(random));
            before.gpr(
                    7,
                    random.nextBoolean()
                            ? before.gpr(6) + random.nextInt(9) - 4
                            : inWindow(random));
        }
        if (in.memory && in.base != Instruction.NO_REGISTER) {
            aim(in, before, random);
        }
        long flags = random.nextInt() & (Flags.ARITHMETIC | Flags.DF);
        before.rflags(flags | Flags.FIXED);
        byte[] memory = new byte[HostCpu.WINDOW_SIZE];
        random.nextBytes(memory);
        if (random.nextInt(4) == 0 && in.row.has(OpcodeRow.REP)) {
            Arrays.fill(memory, (byte) random.nextInt());
        }
        byte[] code = Arrays.copyOf(bytes, length);
        CodeSize size = in.code32 ? CodeSize.CODE_32 : CodeSize.CODE_64;
        if (in.code32) {
            cutRegisters(before);
        }
        return new HostCpu.Program(code, 0, before, 0, memory, size);
    }

    /** The upper halves, which 32-bit code does not see, are undefined behind it. */
    private static void cutRegisters(MachineState before) {
        for (int i = 0; i < 8; i++) {
            before.gpr(i, before.gpr(i) & 0xffff_ffffL);
        }
    }

    /**
     * Makes the memory operand lie in the window or at its edge, whatever index and displacement
     * are.
     */
    private static void aim(Instruction in, MachineState before, Random random) {
        boolean bitString =
                in.row.mnemonic().startsWith("bt")
                        && in.row.operands().getLast().name().equals("GV");
        if (in.index != Instruction.NO_REGISTER) {
            before.gpr(in.index, random.nextInt(0x40));
        }
        if (bitString && in.reg != in.index && in.reg != in.base) {
            before.gpr(in.reg, random.nextInt(4000) - 2000);
        }
        aim(in, before, bitString ? HostCpu.WINDOW_BASE + 0x1000 : inWindow(random));
    }

    /** Makes the memory operand lie at {@code at}, unless the base is the index, too. */
    private static void aim(Instruction in, MachineState before, long at) {
        long index = in.index == Instruction.NO_REGISTER ? 0 : before.gpr(in.index) << in.scale;
        if (in.index == in.base) {
            return;
        }
        long base = at - in.displacement - index;
        before.gpr(in.base, in.addressSize == 4 ? base & 0xffff_ffffL : base);
    }

    /** Flags that the manual leaves undefined after this instruction with these operands. */
    long undefinedFlags(boolean faulted) {
        return faulted ? 0 : UndefinedFlags.after(in, program.before().gpr(1));
    }

    /** SHLD and SHRD of 16 bits by more than 16 have no defined result. */
    private boolean isUndefined() {
        boolean doubleShift = row.mnemonic().equals("shld") || row.mnemonic().equals("shrd");
        return doubleShift
                && in.operandSize == 2
                && (UndefinedFlags.count(in, program.before().gpr(1)) & 31) > 16;
    }

    String describe(long seed) {
        return "%s %s [%s] seed %d%n  before: flags %x, registers %s"
                .formatted(
                        row.mnemonic(),
                        row.encoding(),
                        HexFormat.of().formatHex(program.code()),
                        seed,
                        program.before().rflags(),
                        registers());
    }

    private String registers() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            text.append(i)
                    .append('=')
                    .append(Long.toHexString(program.before().gpr(i)))
                    .append(' ');
        }
        return text.toString();
    }
}
