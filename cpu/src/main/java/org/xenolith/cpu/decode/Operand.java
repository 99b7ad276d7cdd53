package org.xenolith.cpu.decode;

/**
 * Operand codes of the opcode tables. First letter: where the operand is; second: how wide it is.
 * SDM vol. 2, appendix A.2.
 */
public enum Operand {
    /**
     * ModRM.rm, register or memory: byte, word, doubleword, 16/32/64 by operand size, 32/64 by
     * REX.W, quadword.
     */
    EB,
    EW,
    ED,
    EV,
    EY,
    EQ,
    /** ModRM.reg, general register. */
    GB,
    GW,
    GD,
    GV,
    GY,
    /**
     * ModRM.rm that must be memory; MP far pointer, MA two bounds of the operand size, MX 128 bit,
     * M any or none.
     */
    M,
    MB,
    MW,
    MD,
    MQ,
    MV,
    MY,
    MX,
    MP,
    MA,
    /** ModRM.rm that must be a register. */
    RD,
    RQ,
    RV,
    RY,
    /** Register in the low three opcode bits. */
    ZB,
    ZV,
    ZQ,
    /**
     * Immediate: byte, byte sign-extended, word, word or doubleword sign-extended, full operand
     * size, constant 1.
     */
    IB,
    IBS,
    IW,
    IZ,
    IV,
    ONE,
    /** Branch displacement relative to the next instruction. */
    JB,
    JZ,
    /** Far pointer in the instruction: offset in {@code immediate}, selector in the second. */
    AP,
    /** Absolute offset in the instruction (moffs). */
    OB,
    OV,
    /** Fixed registers; RAX is AX, EAX or RAX by operand size. */
    AL,
    CL,
    DX,
    RAX,
    /** String source [RSI], string destination [RDI]. */
    XB,
    XV,
    YB,
    YV,
    /** Segment, control and debug register in ModRM.reg; the others named by the opcode. */
    SW,
    CD,
    DD,
    ES,
    CS,
    SS,
    DS,
    FS,
    GS,
    /** MMX register in ModRM.reg, MMX register or memory, MMX register in rm. */
    PQ,
    QD,
    QQ,
    NQ,
    /**
     * XMM register in ModRM.reg; XMM register or memory (SS, SD, 16, 32, 64, 128 bit); XMM register
     * in rm.
     */
    VX,
    VSS,
    VSD,
    VD,
    VQ,
    WX,
    WSS,
    WSD,
    WW,
    WD,
    WQ,
    UX,
    UQ,
    /** Implicit XMM0. */
    XMM0
}
