package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.simd.Semantics;
import org.xenolith.cpu.semantics.simd.SimdOperands;

/**
 * Any row of MMX and SSE: operands are fetched and written by their codes, the rest is the row's
 * semantics.
 */
final class GeneralSimd extends MemoryOp {
    private final Semantics semantics;
    private final SimdPlace first;
    private final SimdPlace second;
    private final int firstBytes;
    private final int secondBytes;
    private final boolean firstMemory;
    private final boolean secondMemory;
    private final boolean aligned;
    private final boolean mmx;
    private final boolean emms;
    private final Semantics.Destination destination;
    private final boolean setsFlags;
    private final boolean wide;
    private final long addressMask;
    private final long linearMask;
    private final int reg;
    private final int rm;
    private final int immediate;

    GeneralSimd(Semantics semantics, Binding b) {
        super(b);
        this.semantics = semantics;
        Operand one = b.operandCount() > 0 ? b.operand(0) : Operand.IB;
        Operand two = b.operandCount() > 1 ? b.operand(1) : Operand.IB;
        first = SimdPlace.of(one);
        second = SimdPlace.of(two);
        firstMemory = SimdPlace.isMemory(b, 0);
        secondMemory = SimdPlace.isMemory(b, 1);
        firstBytes = SimdPlace.memoryBytes(b, one);
        secondBytes = SimdPlace.memoryBytes(b, two);
        aligned = !XmmOp.allowsUnaligned(b.in.row.mnemonic());
        emms = b.in.row.mnemonic().equals("emms");
        mmx = isMmx(first) && !firstMemory || isMmx(second) && !secondMemory;
        destination = semantics.destination();
        setsFlags = semantics.setsFlags();
        wide = (b.in.rex & 8) != 0;
        addressMask = Registers.addressMask(b.in.addressSize);
        linearMask = b.in.code32 ? Registers.LOW_32 : -1;
        reg = b.in.reg;
        rm = b.in.rm;
        immediate = (int) b.in.immediate & 0xff;
    }

    private static boolean isMmx(SimdPlace place) {
        return place == SimdPlace.MMX_REG || place == SimdPlace.MMX_RM;
    }

    @Override
    public Op execute(Cpu cpu) {
        cpu.requireFpu();
        if (emms) {
            cpu.x87.checkPending();
            cpu.x87.emms();
            return next;
        }
        SimdOperands o = cpu.simd;
        if (mmx) {
            cpu.x87.checkPending();
        }
        long vaddr = firstMemory || secondMemory ? operandAddress(cpu) : 0;
        fetchFirst(cpu, o);
        fetchSecond(cpu, o, vaddr);
        o.imm = immediate;
        o.memory = secondMemory;
        o.wide = wide;
        o.xmm0Low = cpu.xmm[0];
        o.xmm0High = cpu.xmm[1];
        o.rax = wide ? cpu.r[Cpu.RAX] : (int) cpu.r[Cpu.RAX];
        o.rdx = wide ? cpu.r[Cpu.RDX] : (int) cpu.r[Cpu.RDX];
        semantics.execute(o, cpu.mxcsr);
        cpu.mxcsr.commit();
        if (firstMemory) {
            storeFirst(cpu.mmu(), o, vaddr);
        }
        if (destination == Semantics.Destination.MEMORY_AT_RDI) {
            storeMasked(cpu, o);
        }
        if (mmx) {
            cpu.x87.enterMmx();
        }
        writeRegister(cpu, o);
        if (setsFlags) {
            cpu.setArithmeticFlags(o.flags);
        }
        return next;
    }

    private void writeRegister(Cpu cpu, SimdOperands o) {
        switch (destination) {
            case FIRST_OPERAND -> {
                if (!firstMemory) {
                    writeFirst(cpu, o);
                }
            }
            case RCX -> cpu.r[Cpu.RCX] = o.low;
            case XMM0 -> setXmm(cpu, 0, o);
            case MEMORY_AT_RDI, NOTHING -> {}
        }
    }

    private long operandAddress(Cpu cpu) {
        long vaddr = vaddr(cpu.r);
        if (aligned && (firstMemory ? firstBytes : secondBytes) == 16) {
            XmmOp.requireAligned(vaddr);
        }
        return vaddr;
    }

    private void fetchFirst(Cpu cpu, SimdOperands o) {
        o.aHigh = 0;
        switch (first) {
            case XMM_REG -> {
                o.aLow = cpu.xmm[reg * 2];
                o.aHigh = cpu.xmm[reg * 2 + 1];
            }
            case XMM_RM -> {
                o.aLow = cpu.xmm[rm * 2];
                o.aHigh = cpu.xmm[rm * 2 + 1];
            }
            case MMX_REG -> o.aLow = cpu.x87.mm(reg & 7);
            case MMX_RM -> o.aLow = cpu.x87.mm(rm & 7);
            case GENERAL_REG -> o.aLow = cpu.r[reg];
            case GENERAL_RM -> o.aLow = cpu.r[rm];
            case NOWHERE -> o.aLow = 0;
        }
    }

    private void fetchSecond(Cpu cpu, SimdOperands o, long vaddr) {
        o.bHigh = 0;
        if (secondMemory) {
            loadSecond(cpu.mmu(), o, vaddr);
            return;
        }
        switch (second) {
            case XMM_REG -> {
                o.bLow = cpu.xmm[reg * 2];
                o.bHigh = cpu.xmm[reg * 2 + 1];
            }
            case XMM_RM -> {
                o.bLow = cpu.xmm[rm * 2];
                o.bHigh = cpu.xmm[rm * 2 + 1];
            }
            case MMX_REG -> o.bLow = cpu.x87.mm(reg & 7);
            case MMX_RM -> o.bLow = cpu.x87.mm(rm & 7);
            case GENERAL_REG -> o.bLow = cpu.r[reg];
            case GENERAL_RM -> o.bLow = cpu.r[rm];
            case NOWHERE -> o.bLow = 0;
        }
    }

    private void loadSecond(Mmu mmu, SimdOperands o, long vaddr) {
        if (secondBytes == 16) {
            o.bLow = mmu.read64(vaddr);
            o.bHigh = mmu.read64(vaddr + 8);
        } else {
            int bits = secondBytes * 8;
            o.bLow = Registers.zeroExtend(Loads.load(mmu, vaddr, bits), bits);
        }
    }

    private void storeFirst(Mmu mmu, SimdOperands o, long vaddr) {
        if (firstBytes == 16) {
            XmmOp.store128(mmu, vaddr, o.low, o.high);
        } else {
            Loads.store(mmu, vaddr, firstBytes * 8, o.low);
        }
    }

    private void storeMasked(Cpu cpu, SimdOperands o) {
        Mmu mmu = cpu.mmu();
        long offset = cpu.r[Cpu.RDI] & addressMask;
        long vaddr = offset + cpu.r[segment] & linearMask;
        int bytes = mmx ? 8 : 16;
        for (int i = 0; i < bytes; i++) {
            if (maskByte(o, i) != 0) {
                mmu.checkWritable(vaddr + i);
            }
        }
        for (int i = 0; i < bytes; i++) {
            if (maskByte(o, i) != 0) {
                mmu.write8(vaddr + i, (int) ((i < 8 ? o.aLow : o.aHigh) >>> (i & 7) * 8));
            }
        }
    }

    private static int maskByte(SimdOperands o, int i) {
        return (int) ((i < 8 ? o.low : o.high) >>> (i & 7) * 8) & 0xff;
    }

    private void writeFirst(Cpu cpu, SimdOperands o) {
        switch (first) {
            case XMM_REG -> setXmm(cpu, reg, o);
            case XMM_RM -> setXmm(cpu, rm, o);
            case MMX_REG -> cpu.x87.setMm(reg & 7, o.low);
            case MMX_RM -> cpu.x87.setMm(rm & 7, o.low);
            case GENERAL_REG -> cpu.r[reg] = o.low;
            case GENERAL_RM -> cpu.r[rm] = o.low;
            case NOWHERE -> {}
        }
    }

    private static void setXmm(Cpu cpu, int number, SimdOperands o) {
        cpu.xmm[number * 2] = o.low;
        cpu.xmm[number * 2 + 1] = o.high;
    }
}
