package org.xenolith.cpu.oracle;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The user-mode registers of an x86-64 processor: general registers in encoding order (RAX, RCX,
 * RDX, RBX, RSP, RBP, RSI, RDI, R8..R15), RIP, RFLAGS, and the FXSAVE64 image with x87, MMX, XMM
 * and MXCSR. The bytes are the {@code struct state} of host-cpu.c.
 */
public final class MachineState {
    public static final int RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7;

    static final int SIZE = 16 * 8 + 8 + 8 + 512;
    private static final int GPR = 0, RIP = 128, RFLAGS = 136, FX = 144;

    /** FXSAVE64 layout. SDM vol. 1, table 10-2. */
    private static final int FX_FCW = FX, FX_FTW = FX + 4, FX_MXCSR = FX + 24;

    private static final int FX_MXCSR_MASK = FX + 28, FX_ST = FX + 32, FX_XMM = FX + 160;

    private static final int MXCSR_WRITABLE = 0xffff;

    private final ByteBuffer bytes;

    /** All registers 0, RFLAGS 2, x87 and MXCSR as after reset, and the MMX registers valid. */
    public MachineState() {
        this(ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN));
        rflags(2);
        bytes.putShort(FX_FCW, (short) 0x37f);
        bytes.put(FX_FTW, (byte) 0xff);
        bytes.putInt(FX_MXCSR_MASK, MXCSR_WRITABLE);
        mxcsr(0x1f80);
        for (int i = 0; i < 8; i++) {
            mm(i, 0);
        }
    }

    private MachineState(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    static MachineState readFrom(ByteBuffer reply) {
        byte[] copy = new byte[SIZE];
        reply.get(copy);
        return new MachineState(ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN));
    }

    void writeTo(ByteBuffer request) {
        request.put(bytes.array());
    }

    public MachineState copy() {
        return new MachineState(
                ByteBuffer.wrap(bytes.array().clone()).order(ByteOrder.LITTLE_ENDIAN));
    }

    public long gpr(int register) {
        return bytes.getLong(GPR + 8 * register);
    }

    public MachineState gpr(int register, long value) {
        bytes.putLong(GPR + 8 * register, value);
        return this;
    }

    /** Address of the next instruction; ignored in a request. */
    public long rip() {
        return bytes.getLong(RIP);
    }

    public long rflags() {
        return bytes.getLong(RFLAGS);
    }

    /** Of a request only CF, PF, AF, ZF, SF, DF, OF and AC are loaded. */
    public MachineState rflags(long value) {
        bytes.putLong(RFLAGS, value);
        return this;
    }

    public int mxcsr() {
        return bytes.getInt(FX_MXCSR);
    }

    public MachineState mxcsr(int value) {
        bytes.putInt(FX_MXCSR, value & MXCSR_WRITABLE);
        return this;
    }

    public long xmmLow(int register) {
        return bytes.getLong(FX_XMM + 16 * register);
    }

    public long xmmHigh(int register) {
        return bytes.getLong(FX_XMM + 16 * register + 8);
    }

    public MachineState xmm(int register, long low, long high) {
        bytes.putLong(FX_XMM + 16 * register, low);
        bytes.putLong(FX_XMM + 16 * register + 8, high);
        return this;
    }

    public long mm(int register) {
        return bytes.getLong(FX_ST + 16 * register);
    }

    /** Also sets the exponent to ones, as every MMX write does. */
    public MachineState mm(int register, long value) {
        bytes.putLong(FX_ST + 16 * register, value);
        bytes.putShort(FX_ST + 16 * register + 8, (short) -1);
        return this;
    }

    /** One byte of the FXSAVE64 image, for what has no accessor of its own. */
    public int fxByte(int offset) {
        return Byte.toUnsignedInt(bytes.get(FX + offset));
    }

    public MachineState fxByte(int offset, int value) {
        bytes.put(FX + offset, (byte) value);
        return this;
    }
}
