package org.xenolith.cpu.semantics.simd;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.oracle.HostCpu;
import org.xenolith.cpu.oracle.HostCpu.Outcome;
import org.xenolith.cpu.oracle.HostCpu.Program;
import org.xenolith.cpu.oracle.MachineState;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** One row with operand values, to be run by our semantics and by the host's processor. */
final class SimdCase {
    /** OF, SF, ZF, AF, PF, CF. */
    private static final int STATUS_FLAGS = 0x8d5;

    private static final HexFormat HEX = HexFormat.of();
    private static final int REG = 1, RM = 2;
    private static final int MEMORY_OFFSET = 0x40, MEMORY_LENGTH = 16;

    final SimdRow row;
    final boolean memory;

    /** Operand size: 2 with a 66 prefix, 8 with REX.W, else 4. */
    final int operandBytes;

    long aLow, aHigh, bLow, bHigh, xmm0Low, xmm0High, rax, rdx;
    int imm, mxcsr;

    /** Where the memory operand lies, in bytes from {@link HostCpu#WINDOW_BASE}. */
    int memoryOffset = MEMORY_OFFSET;

    SimdCase(SimdRow row, boolean memory, int operandBytes) {
        this.row = row;
        this.memory = memory;
        this.operandBytes = operandBytes;
    }

    /** Whether ModRM.rm is a register in some form of the row, or memory. */
    static boolean allowsRegister(SimdRow row) {
        return row.operands().stream().noneMatch(operand -> operand.startsWith("M"));
    }

    static boolean allowsMemory(SimdRow row) {
        return row.operands().stream().anyMatch(operand -> "WQEM".indexOf(operand.charAt(0)) >= 0);
    }

    static boolean allowsOperandSize(SimdRow row, int bytes) {
        return switch (bytes) {
            case 2 -> row.operands().contains("EV");
            case 4 -> !row.encoding().contains("REX.W");
            default ->
                    row.operands().stream().anyMatch(code -> code.matches("[EG][YV]"))
                                    && !row.mnemonic().matches("movd|pinsrd|pextrd")
                            || row.mnemonic().startsWith("pcmpestr");
        };
    }

    private boolean wide() {
        return operandBytes == 8;
    }

    private String operand(int number) {
        return row.operands().size() > number ? row.operands().get(number) : "-";
    }

    private static boolean isRm(String operand) {
        return "WQEMUNR".indexOf(operand.charAt(0)) >= 0;
    }

    private static boolean isMemory(String operand) {
        return "WQEM".indexOf(operand.charAt(0)) >= 0;
    }

    private static boolean isGeneral(String operand) {
        return "EGR".indexOf(operand.charAt(0)) >= 0;
    }

    private boolean storesToMemory() {
        return memory && isMemory(operand(0));
    }

    /** Bytes of a vector, memory or general operand. */
    private int width(String operand) {
        return switch (operand) {
            case "VX", "WX", "MX", "UX" -> 16;
            case "VQ", "WQ", "MQ", "UQ", "VSD", "WSD", "PQ", "QQ", "NQ" -> 8;
            case "WSS", "VSS", "WD", "QD", "ED", "MD", "GD", "RD" -> 4;
            case "EY", "GY" -> wide() ? 8 : 4;
            case "EV", "GV" -> operandBytes;
            case "WW", "MW" -> 2;
            case "MB", "EB" -> 1;
            default -> throw new IllegalArgumentException("operand code " + operand);
        };
    }

    private byte[] code() {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        boolean rexPlaced = false;
        int reg = REG;
        if (operandBytes == 2) {
            code.write(0x66);
        }
        for (String token : row.encoding().split(" ")) {
            if (token.equals("NP") || token.equals("REX.W") || token.equals("ib")) {
                continue;
            }
            if (token.startsWith("/")) {
                reg = token.equals("/r") ? REG : token.charAt(1) - '0';
                code.write(memory ? reg << 3 | MachineState.RDI : 0xc0 | reg << 3 | RM);
                continue;
            }
            boolean prefix = token.equals("66") || token.equals("F2") || token.equals("F3");
            if (wide() && !rexPlaced && (!prefix || code.size() > 0)) {
                code.write(0x48);
                rexPlaced = true;
            }
            code.write(Integer.parseInt(token, 16));
        }
        if (row.operands().contains("IB")) {
            code.write(imm);
        }
        return code.toByteArray();
    }

    private void putRegister(MachineState state, String operand, long low, long high) {
        int register = isRm(operand) ? RM : REG;
        switch (operand.charAt(0)) {
            case 'V', 'W', 'U' -> state.xmm(register, low, high);
            case 'P', 'Q', 'N' -> state.mm(register, low);
            case 'G', 'E', 'R' -> state.gpr(register, low);
            default -> {}
        }
    }

    Program program() {
        MachineState state =
                new MachineState()
                        .mxcsr(mxcsr)
                        .xmm(0, xmm0Low, xmm0High)
                        .gpr(MachineState.RAX, rax)
                        .gpr(MachineState.RDX, rdx)
                        .gpr(MachineState.RDI, HostCpu.WINDOW_BASE + memoryOffset)
                        .rflags(STATUS_FLAGS);
        byte[] bytes = new byte[Math.min(MEMORY_LENGTH, HostCpu.WINDOW_SIZE - memoryOffset)];
        if (memory && !storesToMemory()) {
            byte[] source = new byte[MEMORY_LENGTH];
            ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN).putLong(bLow).putLong(bHigh);
            System.arraycopy(source, 0, bytes, 0, bytes.length);
        }
        if (!row.operands().isEmpty() && !storesToMemory()) {
            putRegister(state, operand(0), aLow, aHigh);
        }
        if (row.operands().size() > 1 && !operand(1).equals("IB")) {
            if (!(memory && isMemory(operand(1)))) {
                putRegister(state, operand(1), bLow, bHigh);
            }
        }
        return new Program(code(), state, memoryOffset, bytes);
    }

    private static long mask(int bytes) {
        return bytes >= 8 ? -1 : bytes <= 0 ? 0 : (1L << 8 * bytes) - 1;
    }

    /** What our semantics say, in words that can be compared with {@link #describe}. */
    String expected() {
        SimdOperands o = new SimdOperands();
        o.aLow = aLow;
        o.aHigh = aHigh;
        boolean narrow = memory && isMemory(operand(1)) || isGeneral(operand(1));
        int width = narrow ? width(operand(1)) : 16;
        o.bLow = bLow & mask(width);
        o.bHigh = bHigh & mask(width - 8);
        o.imm = imm;
        o.memory = memory;
        o.wide = wide();
        o.xmm0Low = xmm0Low;
        o.xmm0High = xmm0High;
        o.rax = rax;
        o.rdx = rdx;
        Mxcsr m = new Mxcsr();
        m.load(mxcsr);
        row.semantics().execute(o, m);
        try {
            m.commit();
        } catch (GuestFault fault) {
            return fault(fault.vector(), m.value());
        }
        int flags = row.semantics().setsFlags() ? o.flags : STATUS_FLAGS;
        String result =
                switch (row.semantics().destination()) {
                    case FIRST_OPERAND -> describe(o.low, o.high);
                    case NOTHING -> "-";
                    case MEMORY_AT_RDI ->
                            vector(aLow & o.low, operand(0).equals("PQ") ? 0 : aHigh & o.high);
                    case RCX, XMM0 -> vector(o.low, o.high);
                };
        return end(result, m.value(), flags);
    }

    private String describe(long low, long high) {
        int width = width(operand(0));
        if (!storesToMemory()) {
            width = "VWU".indexOf(operand(0).charAt(0)) >= 0 ? 16 : 8;
            width = operand(0).equals("GV") && operandBytes == 2 ? 2 : width;
        }
        return vector(low & mask(width), high & mask(width - 8));
    }

    private static String fault(int vector, int mxcsr) {
        return "vector " + vector + " mxcsr " + HEX.toHexDigits((short) mxcsr);
    }

    private static String end(String result, int mxcsr, int flags) {
        return "result "
                + result
                + " mxcsr "
                + HEX.toHexDigits((short) mxcsr)
                + " flags "
                + HEX.toHexDigits((short) flags);
    }

    private static String vector(long low, long high) {
        return HEX.toHexDigits(high) + ":" + HEX.toHexDigits(low);
    }

    /** What the host's processor did. */
    String describe(Outcome outcome) {
        MachineState after = outcome.after();
        if (outcome.faulted()) {
            return fault(outcome.vector(), after.mxcsr());
        }
        ByteBuffer bytes = ByteBuffer.wrap(outcome.memory()).order(ByteOrder.LITTLE_ENDIAN);
        String result =
                switch (row.semantics().destination()) {
                    case FIRST_OPERAND -> describeFirstOperand(after, bytes);
                    case NOTHING -> "-";
                    case MEMORY_AT_RDI -> vector(bytes.getLong(0), bytes.getLong(8));
                    case RCX -> vector(after.gpr(MachineState.RCX), 0);
                    case XMM0 -> vector(after.xmmLow(0), after.xmmHigh(0));
                };
        return end(result, after.mxcsr(), (int) after.rflags() & STATUS_FLAGS);
    }

    private String describeFirstOperand(MachineState after, ByteBuffer bytes) {
        if (storesToMemory()) {
            return describe(bytes.getLong(0), bytes.getLong(8));
        }
        int register = isRm(operand(0)) ? RM : REG;
        return switch (operand(0).charAt(0)) {
            case 'V', 'W', 'U' -> describe(after.xmmLow(register), after.xmmHigh(register));
            case 'P', 'Q', 'N' -> describe(after.mm(register), 0);
            default -> describe(after.gpr(register), 0);
        };
    }

    @Override
    public String toString() {
        byte[] code = code();
        return "%s%s code %s a=%s b=%s imm=%02x mxcsr=%04x xmm0=%s"
                .formatted(
                        row.key(),
                        memory ? " from memory" : "",
                        HEX.withDelimiter(" ").formatHex(code),
                        vector(aLow, aHigh),
                        vector(bLow, bHigh),
                        imm,
                        mxcsr,
                        vector(xmm0Low, xmm0High));
    }
}
