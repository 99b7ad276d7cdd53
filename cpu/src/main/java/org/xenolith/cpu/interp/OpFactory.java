package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Binds decoded instructions to operations: one entry for each mnemonic of the opcode tables. */
final class OpFactory {
    @FunctionalInterface
    private interface Binder {
        Op bind(Binding b);
    }

    /** Two-operand arithmetic in all its forms. */
    private interface AluFactory {
        Op create(OperandForm form, int bits, Binding b);
    }

    private static final String[] CONDITIONS = {
        "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"
    };

    private static final Map<String, Binder> BINDERS = new HashMap<>();

    /** By row; null where the mnemonic is unknown here. */
    private static final Binder[] BY_ROW;

    static {
        arithmetic();
        moves();
        control();
        strings();
        system();
        hints();
        BY_ROW = byRow();
    }

    private OpFactory() {}

    /** The operation of an instruction; one that raises #UD when there is none. */
    static Op bind(Binding b) {
        OpcodeRow row = b.in.row;
        if (row == null) {
            boolean tooLong = b.in.length > Decoder.MAX_LENGTH;
            return fault(tooLong ? Vector.GENERAL_PROTECTION : Vector.INVALID_OPCODE);
        }
        if (b.in.code32) {
            return CompatFactory.bind(b);
        }
        return FormedAddress.isNeeded(b) ? FormedAddress.wrap(b) : bindAnyMode(b);
    }

    /** As {@link #bind}, where code of both sizes has the same, and its address is formed. */
    static Op bindAnyMode(Binding b) {
        long move = RegisterMove.of(b);
        if (move != RegisterMove.NONE) {
            return new Pairs.OneMove(move);
        }
        Binder binder = BY_ROW[b.in.row.id()];
        Op op = binder == null ? null : binder.bind(b);
        return op != null ? op : fault(Vector.INVALID_OPCODE);
    }

    /** Mnemonics of the tables that nothing here executes: they raise #UD. */
    static Set<String> unboundMnemonics() {
        Set<String> unbound = new TreeSet<>();
        for (OpcodeRow row : OpcodeTable.rows()) {
            boolean inAnyMode = BY_ROW[row.id()] != null;
            boolean in64BitMode = inAnyMode || !row.existsIn(CodeSize.CODE_64);
            boolean in32BitCode =
                    inAnyMode
                            || !row.existsIn(CodeSize.CODE_32)
                            || CompatFactory.binds(row.mnemonic());
            if (!in64BitMode || !in32BitCode) {
                unbound.add(row.mnemonic());
            }
        }
        return unbound;
    }

    private static Binder[] byRow() {
        List<OpcodeRow> rows = OpcodeTable.rows();
        Binder[] binders = new Binder[rows.size()];
        for (OpcodeRow row : rows) {
            binders[row.id()] =
                    row.has(OpcodeRow.SIMD) ? SimdOps::create : BINDERS.get(row.mnemonic());
        }
        return binders;
    }

    private static Op fault(int vector) {
        return new ControlOps.Fault(GuestFault.of(vector));
    }

    private static void put(Binder binder, String... mnemonics) {
        for (String mnemonic : mnemonics) {
            BINDERS.put(mnemonic, binder);
        }
    }

    private static int bits(Binding b) {
        return OperandForm.isByte(b, 0) ? 8 : b.bits();
    }

    // ---- arithmetic
    // --------------------------------------------------------------------------------------

    private static void alu(String mnemonic, AluFactory factory, AtomicOps.Kind locked) {
        put(
                b ->
                        b.in.lock
                                ? new AtomicOps.Locked(locked, b)
                                : factory.create(OperandForm.of(b), bits(b), b),
                mnemonic);
    }

    private static void unary(String mnemonic, UnaryOps.Kind kind) {
        put(
                b -> b.in.lock ? new AtomicOps.LockedUnary(kind, b) : UnaryOps.create(kind, b),
                mnemonic);
    }

    private static void arithmetic() {
        alu("add", AddOps::create, AtomicOps.Kind.ADD);
        alu("or", OrOps::create, AtomicOps.Kind.OR);
        alu("adc", AdcOps::create, AtomicOps.Kind.ADC);
        alu("sbb", SbbOps::create, AtomicOps.Kind.SBB);
        alu("and", AndOps::create, AtomicOps.Kind.AND);
        alu("sub", SubOps::create, AtomicOps.Kind.SUB);
        alu("xor", XorOps::create, AtomicOps.Kind.XOR);
        put(b -> CmpOps.create(OperandForm.of(b), bits(b), b), "cmp");
        put(b -> TestOps.create(OperandForm.of(b), bits(b), b), "test");
        unary("inc", UnaryOps.Kind.INC);
        unary("dec", UnaryOps.Kind.DEC);
        unary("neg", UnaryOps.Kind.NEG);
        unary("not", UnaryOps.Kind.NOT);
        for (ShiftOps.Kind kind : ShiftOps.Kind.values()) {
            put(b -> ShiftOps.create(kind, b), kind.name().toLowerCase(Locale.ROOT));
        }
        put(b -> new ShiftOps.DoubleShift(true, b), "shld");
        put(b -> new ShiftOps.DoubleShift(false, b), "shrd");
        put(b -> new MultiplyOps.Wide(false, b), "mul");
        put(
                b ->
                        b.operandCount() == 1
                                ? new MultiplyOps.Wide(true, b)
                                : new MultiplyOps.Imul(b),
                "imul");
        put(b -> new MultiplyOps.Divide(false, b), "div");
        put(b -> new MultiplyOps.Divide(true, b), "idiv");
        put(b -> new BitOps.BitTest(BitOps.Kind.TEST, b), "bt");
        put(b -> new BitOps.BitTest(BitOps.Kind.SET, b), "bts");
        put(b -> new BitOps.BitTest(BitOps.Kind.RESET, b), "btr");
        put(b -> new BitOps.BitTest(BitOps.Kind.COMPLEMENT, b), "btc");
        put(b -> new BitOps.Scan(true, b), "bsf");
        put(b -> new BitOps.Scan(false, b), "bsr");
        put(BitOps.PopulationCount::new, "popcnt");
        put(BitOps.Checksum::new, "crc32");
        put(AtomicOps.CompareExchange::new, "cmpxchg");
        put(AtomicOps.CompareExchange8::new, "cmpxchg8b");
        put(AtomicOps.CompareExchange16::new, "cmpxchg16b");
        put(AtomicOps.ExchangeAdd::new, "xadd");
    }

    // ---- moves
    // -------------------------------------------------------------------------------------------

    private static void moves() {
        put(OpFactory::mov, "mov");
        put(b -> ExtendOps.move(b, sourceBits(b), false), "movzx");
        put(b -> ExtendOps.move(b, sourceBits(b), true), "movsx");
        put(b -> ExtendOps.move(b, 32, true), "movsxd");
        put(MoveOps::lea, "lea");
        put(
                b -> b.in.memory ? new AtomicOps.Exchange(b) : new MoveOps.ExchangeRegisters(b),
                "xchg");
        put(MoveOps.ByteSwap::new, "bswap");
        put(ExtendOps.ExtendAccumulator::new, "cbw", "cwde", "cdqe");
        put(ExtendOps.SignIntoRdx::new, "cwd", "cdq", "cqo");
        put(MoveOps.TableLookup::new, "xlat");
        put(MoveOps::movnti, "movnti");
        put(MoveOps.MoveSwapped::new, "movbe");
        for (int i = 0; i < CONDITIONS.length; i++) {
            int condition = i;
            put(b -> ConditionOps.branch(condition, b), "j" + CONDITIONS[i]);
            put(b -> ConditionOps.move(condition, b), "cmov" + CONDITIONS[i]);
            put(MoveOps.SetCondition::new, "set" + CONDITIONS[i]);
        }
        put(StackOps::push, "push");
        put(StackOps::pop, "pop");
        put(StackOps.PushFlags::new, "pushf");
        put(StackOps.PopFlags::new, "popf");
        put(StackOps.Enter::new, "enter");
        put(StackOps.Leave::new, "leave");
        put(b -> new FlagOps.LoadIntoAh(), "lahf");
        put(b -> new FlagOps.StoreFromAh(), "sahf");
        put(b -> FlagOps.Carry.clear(), "clc");
        put(b -> FlagOps.Carry.set(), "stc");
        put(b -> FlagOps.Carry.complement(), "cmc");
        put(b -> new FlagOps.Direction(false), "cld");
        put(b -> new FlagOps.Direction(true), "std");
    }

    private static int sourceBits(Binding b) {
        return b.operand(1) == Operand.EB ? 8 : 16;
    }

    private static Op mov(Binding b) {
        Operand first = b.operand(0);
        Operand second = b.operand(1);
        if (first == Operand.SW) {
            return new SegmentOps.LoadSegment(b);
        }
        if (second == Operand.SW) {
            return new SegmentOps.StoreSegment(b);
        }
        if (first == Operand.CD || first == Operand.DD) {
            return new SystemOps.ControlRegister(first == Operand.DD, true, b);
        }
        if (second == Operand.CD || second == Operand.DD) {
            return new SystemOps.ControlRegister(second == Operand.DD, false, b);
        }
        return MoveOps.mov(b);
    }

    // ---- control
    // -----------------------------------------------------------------------------------------

    private static void control() {
        put(
                b ->
                        b.operand(0) == Operand.EV
                                ? new ControlOps.Indirect(false, b)
                                : new ControlOps.Jump(b),
                "jmp");
        put(
                b ->
                        b.operand(0) == Operand.EV
                                ? new ControlOps.Indirect(true, b)
                                : new ControlOps.Call(b),
                "call");
        put(ControlOps.Return::new, "ret");
        put(ControlOps.Loop::new, "loop", "loope", "loopne", "jrcxz");
        put(b -> new ControlOps.FarIndirect(true, b), "callf");
        put(b -> new ControlOps.FarIndirect(false, b), "jmpf");
        put(ControlOps.FarReturn::new, "retf");
        put(ControlOps.InterruptReturn::new, "iret");
        put(b -> new ControlOps.SoftwareInterrupt(Vector.BREAKPOINT), "int3");
        put(b -> new ControlOps.SoftwareInterrupt(Vector.DEBUG), "int1");
        put(b -> new ControlOps.SoftwareInterrupt((int) b.in.immediate & 0xff), "int");
        put(b -> new ControlOps.SystemCall(), "syscall");
        put(b -> fault(Vector.INVALID_OPCODE), "ud0", "ud1", "ud2", "sysenter");
    }

    private static void strings() {
        put(StringOps.Move::new, "movs");
        put(StringOps.Store::new, "stos");
        put(StringOps.Load::new, "lods");
        put(StringOps.Compare::new, "cmps");
        put(StringOps.Scan::new, "scas");
        put(b -> new StringOps.Port(false, b), "ins");
        put(b -> new StringOps.Port(true, b), "outs");
    }

    // ---- system
    // ------------------------------------------------------------------------------------------

    private static void system() {
        put(b -> port(b, false), "in");
        put(b -> port(b, true), "out");
        put(b -> new SystemOps.Cpuid(), "cpuid");
        put(b -> new SystemOps.TimeStamp(false), "rdtsc");
        put(b -> new SystemOps.TimeStamp(true), "rdtscp");
        put(b -> new SystemOps.ReadMsr(), "rdmsr");
        put(b -> new SystemOps.WriteMsr(), "wrmsr");
        put(b -> new SystemOps.ClearTaskSwitched(), "clts");
        // At IOPL 0 these would fault; the kernel has raised its IOPL, and for Xen they are
        // no-operations then.
        put(b -> new SystemOps.SetInterrupts(false), "cli");
        put(b -> new SystemOps.SetInterrupts(true), "sti");
        put(b -> new SystemOps.FlushCaches(), "wbinvd");
        put(
                b -> fault(Vector.GENERAL_PROTECTION),
                "hlt",
                "lldt",
                "ltr",
                "lgdt",
                "lidt",
                "lmsw",
                "invlpg",
                "swapgs",
                "sysret",
                "sysexit",
                "invd",
                "rdpmc");
        put(b -> fault(Vector.INVALID_OPCODE), "monitor", "mwait");
        put(b -> new SystemOps.StoreSystemValue(b, 2, false), "sldt", "str");
        put(b -> new SystemOps.StoreSystemValue(b, 2, true), "smsw");
        put(b -> new SystemOps.StoreSystemValue(b, 10, false), "sgdt", "sidt");
        put(b -> new SegmentOps.DescriptorQuery(false, b), "lar");
        put(b -> new SegmentOps.DescriptorQuery(true, b), "lsl");
        put(b -> new SegmentOps.Verify(false, b), "verr");
        put(b -> new SegmentOps.Verify(true, b), "verw");
        put(b -> new SegmentOps.LoadFarPointer(Segments.SS, b), "lss");
        put(b -> new SegmentOps.LoadFarPointer(Segments.FS, b), "lfs");
        put(b -> new SegmentOps.LoadFarPointer(Segments.GS, b), "lgs");
        put(b -> new SegmentOps.SegmentBase(false, Cpu.FS_BASE, b), "rdfsbase");
        put(b -> new SegmentOps.SegmentBase(false, Cpu.GS_BASE, b), "rdgsbase");
        put(b -> new SegmentOps.SegmentBase(true, Cpu.FS_BASE, b), "wrfsbase");
        put(b -> new SegmentOps.SegmentBase(true, Cpu.GS_BASE, b), "wrgsbase");
        put(SystemOps.Random::new, "rdrand");
        for (int esc = 0; esc < 8; esc++) {
            put(FpuOps::escape, "esc" + esc);
        }
        put(b -> new FpuOps.Wait(), "fwait");
        put(b -> new FpuOps.ExtendedState(false, b), "fxsave", "fxsave64");
        put(b -> new FpuOps.ExtendedState(true, b), "fxrstor", "fxrstor64");
        put(b -> new FpuOps.ControlStatus(true, b), "ldmxcsr");
        put(b -> new FpuOps.ControlStatus(false, b), "stmxcsr");
    }

    private static Op port(Binding b, boolean out) {
        Operand data = b.operand(out ? 1 : 0);
        Operand port = b.operand(out ? 0 : 1);
        int bits = data == Operand.AL ? 8 : Math.min(b.bits(), 32);
        return new SystemOps.Port(out, bits, port == Operand.DX ? -1 : (int) b.in.immediate & 0xff);
    }

    private static void hints() {
        put(b -> new SystemOps.Fence(), "mfence", "lfence", "sfence");
        put(b -> new SystemOps.Pause(), "pause");
        put(SystemOps.FlushLine::new, "clflush");
        put(
                b -> new SystemOps.Nop(),
                "nop",
                "prefetch",
                "prefetchw",
                "prefetchwt1",
                "prefetchnta",
                "prefetcht0",
                "prefetcht1",
                "prefetcht2",
                "endbr64",
                "endbr32");
    }
}
