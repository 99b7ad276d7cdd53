package org.xenolith.cpu;

import org.xenolith.cpu.interp.Block;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.interp.CompatInterpreter;
import org.xenolith.cpu.interp.HiddenSegments;
import org.xenolith.cpu.interp.Interpreter;
import org.xenolith.cpu.interp.TierCounters;
import org.xenolith.cpu.interp.UnitVerifier;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SimdOperands;
import org.xenolith.cpu.x87.FxsaveArea;
import org.xenolith.cpu.x87.X87;

import java.util.Arrays;

/**
 * One virtual CPU in 64-bit or compatibility mode at CPL 3, as a PV guest's kernel and processes
 * see it: registers, flags, FPU and its MMU. Belongs to the thread that runs it; between two calls
 * of {@link #run} all guest-visible state is in here and in memory, nothing on a Java stack.
 *
 * <p>State that instructions touch is public: the interpreter and translated code are its owners.
 */
public final class Cpu {
    /** What {@link #runRoughly} may leave: the longest block fits in. */
    public static final int SLACK = 64;

    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;
    public static final int R8 = 8;
    public static final int R9 = 9;
    public static final int R10 = 10;
    public static final int R11 = 11;
    public static final int R12 = 12;
    public static final int R13 = 13;
    public static final int R14 = 14;
    public static final int R15 = 15;

    /** Always 0: what an address without base or index adds. */
    public static final int ZERO = 16;

    public static final int FS_BASE = 17;
    public static final int GS_BASE = 18;

    /**
     * Linear address of the page that the running block stands in; RIP-relative operands add to it.
     */
    public static final int CODE_BASE = 19;

    /** An address that a preceding micro-operation computed. */
    public static final int SCRATCH = 20;

    /**
     * Bases of the segments that have one in 32-bit code only; in 64-bit mode nothing adds them.
     */
    public static final int ES_BASE = 21;

    public static final int CS_BASE = 22;
    public static final int SS_BASE = 23;
    public static final int DS_BASE = 24;

    /** DR6.BS: the trap is that of TF. */
    public static final int DR6_SINGLE_STEP = 1 << 14;

    /** A power of two, for indices that are masked. */
    private static final int REGISTER_FILE = 32;

    private static final int ENTRY_BITS = 3;

    /** Of 2^32: multiples of it are spread evenly. */
    private static final int GOLDEN_RATIO = 0x9E3779B9;

    /** General registers 0-15, then the constants above that make address formation branch-free. */
    public final long[] r = new long[REGISTER_FILE];

    /** Next instruction, exact whenever {@link #run} has returned; EIP while 32-bit code runs. */
    public long rip;

    // The lazy arithmetic flags: a rule of Flags, its operands and result, and ready bits.
    public int flagRule;
    public long flagA;
    public long flagB;
    public long flagResult;
    public int flagReady;

    /**
     * DF, TF, AC, ID, NT, RF as in RFLAGS; the arithmetic flags are elsewhere, IF and bit 1 are
     * implied.
     */
    public int systemFlags;

    /** 1, or -1 with DF set. */
    public int stringStep = 1;

    /** XMM0-15, low and high quadword interleaved. */
    public final long[] xmm = new long[32];

    public final Mxcsr mxcsr = new Mxcsr();
    public final X87 x87 = new X87();

    /** Work space of the vector instruction that runs. */
    public final SimdOperands simd = new SimdOperands();

    /** Work space of FXSAVE, FNSAVE and their kin: what goes to memory, or came from it. */
    public final byte[] stateImage = new byte[FxsaveArea.SIZE];

    /** Selectors in the order of the encoding: ES, CS, SS, DS, FS, GS. */
    public final int[] selectors = new int[6];

    /** What 32-bit code needs of the segments that are loaded. */
    public final HiddenSegments hidden = new HiddenSegments();

    /** CR0.TS: the next FPU, MMX or SSE instruction raises #NM. */
    public boolean taskSwitched;

    /** CR4.FSGSBASE: RDFSBASE and its sisters are allowed. */
    public boolean fsgsbaseEnabled;

    /**
     * Instructions that may still be executed before {@link #run} returns; counted down at block
     * ends.
     */
    public long budget;

    /**
     * What {@link #budget} must allow for one block to follow another: the longest block, or more
     * than any budget while somebody wants {@link #run} to return. Any thread writes it.
     */
    public volatile long needed = Block.MAX_INSTRUCTIONS;

    /** Translated code is not entered: what it would do is being compared, or watched. */
    public boolean interpretOnly;

    /** Compares units with the interpreter; null when that is not wanted. */
    public final UnitVerifier verifier;

    /** What ran in translated code. */
    public final TierCounters tier = new TierCounters();

    /** MOV SS and POP SS hold off traps until the next instruction is done. */
    public boolean trapShadow;

    /** Entries into blocks that each counted one stands for. */
    public final int entryWeight;

    /**
     * Goes around once in {@link #entryWeight} entries, by steps that no loop of a guest keeps to.
     */
    private int beat;

    private final int beatStep;

    private final Mmu mmu;
    private final Platform platform;
    private final CodeCache code;

    /** What runs 64-bit code. */
    private final Interpreter interpreter64;

    /** What runs 32-bit code; null until there is some. */
    private CompatInterpreter interpreter32;

    /** The one of the two whose mode the processor is in. */
    private Interpreter interpreter;

    private long retired;
    private GuestFault fault;
    private int exitVector;
    private int debugStatus;

    /**
     * @param memory the domain's machine address space
     * @param platform what lies outside registers and memory
     * @param code decoded code, shared by the vCPUs of a domain (and of others)
     */
    public Cpu(MachineMemory memory, Platform platform, CodeCache code) {
        this.platform = platform;
        this.code = code;
        this.mmu = new Mmu(memory, code);
        this.interpreter64 = new Interpreter(this);
        this.interpreter = interpreter64;
        // To count is to fetch the block, which is not needed otherwise.
        boolean sparing = code.isCountingSparing();
        this.entryWeight = sparing ? 1 << ENTRY_BITS : 1;
        this.beatStep = sparing ? GOLDEN_RATIO : 0;
        this.verifier = code.verifyEvery() == 0 ? null : new UnitVerifier(this, code.verifyEvery());
        code.register(this);
        reset();
    }

    /** Whether an entry into a block is to be counted, in place of others that are not. */
    public boolean isEntryCounted() {
        beat += beatStep;
        return beat >>> Integer.SIZE - ENTRY_BITS == 0;
    }

    /** State after power-on as far as a PV guest can see it; the builder sets the rest. */
    public void reset() {
        Arrays.fill(r, 0);
        setRflags(Flags.IF);
        mxcsr.load(Mxcsr.DEFAULT);
        x87.initialise();
    }

    public Mmu mmu() {
        return mmu;
    }

    public Platform platform() {
        return platform;
    }

    public CodeCache code() {
        return code;
    }

    /** Whether instructions run one by one, as TF or an armed breakpoint may trap behind each. */
    public boolean isStepping() {
        return (systemFlags & Flags.TF) != 0 || mmu.breakpoints().isArmed();
    }

    /**
     * Arms the breakpoints that the debug registers describe. SDM vol. 3B, 18.2.
     *
     * @param addresses DR0 to DR3 come first
     */
    public void setBreakpoints(long[] addresses, long dr7) {
        mmu.setBreakpoints(addresses, dr7);
        trapShadow = false;
    }

    /** What the last {@link Exit#DEBUG_TRAP} adds to DR6: B0 to B3, and BS. */
    public int debugStatus() {
        return debugStatus;
    }

    public void setDebugStatus(int status) {
        debugStatus = status;
    }

    /** What runs the code of the mode that the processor is in. */
    public Interpreter interpreter() {
        return interpreter;
    }

    // ---- modes
    // -----------------------------------------------------------------------------------------

    /**
     * Whether the processor is in compatibility mode: 32-bit code runs. What runs in one mode is
     * never what was decoded in the other, and only far transfers and the platform, between two
     * calls of {@link #run}, change it. SDM vol. 3A, 5.2.1.
     */
    public boolean runs32BitCode() {
        return interpreter != interpreter64;
    }

    /** CS names a segment of 64-bit code now. */
    public void run64BitCode() {
        interpreter = interpreter64;
    }

    /**
     * CS names a segment of 32-bit code now, and the selectors are those that it finds: looks up
     * their descriptors. Once more when descriptors may have changed. The upper halves of registers
     * stay until something is written to the register.
     */
    public void run32BitCode() {
        hidden.loadAll(this);
        if (interpreter32 == null) {
            interpreter32 = new CompatInterpreter(this);
        }
        interpreter = interpreter32;
    }

    /** Linear address of the next instruction, between two calls of {@link #run}. */
    public long codeAddress() {
        return runs32BitCode() ? rip + r[CS_BASE] & 0xffff_ffffL : rip;
    }

    /**
     * Takes so much of the budget away; with what is less than {@link #needed} no block follows
     * another. The count of {@link #retired} stays right.
     *
     * @param instructions less than 0 to give them back
     */
    public void setAside(long instructions) {
        retired -= instructions;
        budget -= instructions;
    }

    /** Instructions executed so far. */
    public long retired() {
        return retired - budget;
    }

    /** Takes over the count of another processor that this one continues. */
    public void setRetired(long instructions) {
        retired = instructions;
        budget = 0;
    }

    /**
     * Executes at most {@code instructions} instructions, exactly that many unless something else
     * happens or the processor is kicked. At least one block is executed in any case.
     *
     * @return an {@link Exit} code
     */
    public int run(long instructions) {
        return run(instructions, 0);
    }

    /**
     * As {@link #run}, but may stop up to {@link #SLACK} instructions early: the last ones before a
     * given number are dear, since they have to be executed one by one.
     *
     * @param instructions more than {@link #SLACK}, or nothing is executed
     * @return an {@link Exit} code
     */
    public int runRoughly(long instructions) {
        return run(instructions, SLACK);
    }

    private int run(long instructions, long slack) {
        // retired() must be right at any instant inside: it is the sum so far plus what will have
        // been granted.
        retired += instructions - budget;
        budget = instructions;
        int exit;
        Interpreter ofMode;
        do {
            ofMode = interpreter;
            exit = ofMode.run(slack);
            // A far transfer to code of the other size ends the run of this one.
        } while (ofMode != interpreter && exit == Exit.BUDGET && budget > slack && !isKicked());
        retired -= budget;
        budget = 0;
        return exit;
    }

    /**
     * Lets {@link #run} return with {@link Exit#BUDGET} as soon as the block that runs is done, or
     * the translated unit comes to its next comparison of the budget, until {@link #unkick}; any
     * thread. Costs the loop nothing: it compares the budget with a field instead of a constant.
     */
    public void kick() {
        needed = Long.MAX_VALUE;
    }

    /** Forgets kicks. What they were for must be looked at afterwards, or it may be missed. */
    public void unkick() {
        needed = Block.MAX_INSTRUCTIONS;
    }

    public boolean isKicked() {
        return needed != Block.MAX_INSTRUCTIONS;
    }

    /**
     * Executes one instruction.
     *
     * @return an {@link Exit} code
     */
    public int step() {
        retired += 1 - budget;
        budget = 1;
        int exit = interpreter.step();
        retired -= budget;
        budget = 0;
        return exit;
    }

    /** The fault of the last {@link Exit#FAULT}. */
    public GuestFault fault() {
        return fault;
    }

    public void setFault(GuestFault fault) {
        this.fault = fault;
    }

    /**
     * Asks {@link #run} to return with an {@link Exit} code; the calling operation ends its block.
     */
    public void exit(int code) {
        interpreter.exit(code);
    }

    /** Vector of the last software interrupt or trap exit. */
    public int exitVector() {
        return exitVector;
    }

    public void setExitVector(int vector) {
        this.exitVector = vector;
    }

    /**
     * What every x87, MMX and SSE instruction does first.
     *
     * @throws GuestFault #NM while CR0.TS is set
     */
    public void requireFpu() {
        if (taskSwitched) {
            throw GuestFault.of(Vector.DEVICE_NOT_AVAILABLE);
        }
    }

    // ---- flags
    // -----------------------------------------------------------------------------------------

    /** Leaves a rule for the six arithmetic flags. */
    public void setFlags(int rule, long a, long b, long result) {
        flagRule = rule;
        flagA = a;
        flagB = b;
        flagResult = result;
    }

    public void setLogicFlags(long result) {
        flagRule = Flags.LOGIC;
        flagResult = result;
    }

    /** CF given as 0 or 1, the others as they were. */
    public void setCarry(int carry) {
        flagRule |= Flags.CARRY_READY;
        flagReady = flagReady & ~Flags.CF | carry;
    }

    /** CF and OF given, in place; the others as they were. */
    public void setCarryAndOverflow(int flags) {
        flagRule |= Flags.CARRY_READY | Flags.OVERFLOW_READY;
        flagReady = flagReady & ~(Flags.CF | Flags.OF) | flags;
    }

    /** All six given. */
    public void setArithmeticFlags(int flags) {
        flagRule = Flags.EXPLICIT;
        flagReady = flags & Flags.ARITHMETIC;
    }

    public int carry() {
        return Flags.carry(flagRule, flagA, flagB, flagResult, flagReady);
    }

    public int arithmeticFlags() {
        return Flags.materialize(flagRule, flagA, flagB, flagResult, flagReady);
    }

    public boolean condition(int code) {
        return Flags.condition(code, flagRule, flagA, flagB, flagResult, flagReady);
    }

    /** RFLAGS as PUSHF shows them: IF is always set at CPL 3 under Xen. */
    public long rflags() {
        return arithmeticFlags() | systemFlags | Flags.IF | Flags.FIXED;
    }

    private static final int SYSTEM_FLAGS =
            Flags.DF | Flags.TF | Flags.AC | Flags.ID | Flags.NT | Flags.RF;

    /** Sets RFLAGS; IF, IOPL and VM are not the guest's to change. */
    public void setRflags(long value) {
        setArithmeticFlags((int) value);
        systemFlags = (int) value & SYSTEM_FLAGS;
        stringStep = (systemFlags & Flags.DF) != 0 ? -1 : 1;
    }

    public boolean directionDown() {
        return stringStep < 0;
    }
}
