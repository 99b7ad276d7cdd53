package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.semantics.Flags;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which instructions can be translated, and how: an entry for each mnemonic, and conditions on its
 * operands. What has no entry ends a region; the interpreter executes it.
 */
final class Translations {
    /** What an instruction does to the flow of control. */
    enum Flow {
        STRAIGHT,
        JUMP,
        BRANCH,
        /** To an address that is computed. */
        COMPUTED,
        CALL,
        RETURN
    }

    /** What an instruction does with the six arithmetic flags. */
    enum FlagUse {
        NONE,
        READS,
        /** Reads them, but not by a condition. */
        READS_ALL,
        /** Sets all six, whatever they were. */
        OVERWRITES,
        /** Keeps some of those before. */
        CHANGES,
        READS_AND_OVERWRITES
    }

    /** Where an instruction may miss the TLB. */
    enum Memory {
        NEVER,
        OPERAND,
        ALWAYS
    }

    /** Writes the code of an instruction, all its effects but those on RIP. */
    @FunctionalInterface
    interface Emitter {
        void emit(UnitCode unit, GuestInstruction i);
    }

    /** Whether an encoding of the mnemonic can be translated. */
    @FunctionalInterface
    interface Condition {
        boolean allows(Binding b);
    }

    /**
     * @param rule of {@link Flags} that the instruction leaves, if that is always the same
     */
    record Entry(
            Flow flow,
            FlagUse flags,
            int rule,
            Memory memory,
            Condition condition,
            Emitter emitter) {
        boolean mayMiss(GuestInstruction i) {
            return memory == Memory.ALWAYS || memory == Memory.OPERAND && i.in.memory;
        }
    }

    static final String[] CONDITIONS = {
        "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"
    };

    private static final int NO_RULE = FlagEmitter.UNKNOWN;
    private static final Map<String, Entry> ENTRIES = new HashMap<>();
    private static final Entry SHL_BY_CONSTANT = byConstant(FlagUse.OVERWRITES, Flags.SHL);
    private static final Entry SHR_BY_CONSTANT = byConstant(FlagUse.OVERWRITES, Flags.SHR);
    private static final Entry SAR_BY_CONSTANT = byConstant(FlagUse.OVERWRITES, Flags.SAR);
    private static final Entry ROTATE_BY_CONSTANT = byConstant(FlagUse.CHANGES, NO_RULE);

    static {
        arithmetic();
        moves();
        ENTRIES.putAll(StatusFlags.entries());
        ENTRIES.putAll(Strings.entries());
        control();
    }

    private Translations() {}

    /** How to translate an instruction, or null. */
    static Entry find(Instruction in, int start) {
        Binding b = new Binding(in, start);
        if (in.lock || in.memory && in.row.mnemonic().equals("xchg")) {
            return Locked.find(b);
        }
        if (in.row.has(OpcodeRow.PRIVILEGED)) {
            return null;
        }
        if (in.row.has(OpcodeRow.SIMD)) {
            return Vectors.find(b);
        }
        Entry entry = ENTRIES.get(in.row.mnemonic());
        return entry == null || !entry.condition.allows(b) ? null : refine(entry, b);
    }

    /** Mnemonics of the tables that may be translated, vector instructions aside. */
    static Set<String> mnemonics() {
        Set<String> known = new TreeSet<>();
        for (OpcodeRow row : OpcodeTable.rows()) {
            if (ENTRIES.containsKey(row.mnemonic())) {
                known.add(row.mnemonic());
            }
        }
        return known;
    }

    static boolean any(Binding b) {
        return true;
    }

    private static void put(
            List<String> mnemonics,
            FlagUse flags,
            int rule,
            Memory memory,
            Condition condition,
            Emitter emitter) {
        Entry entry = new Entry(Flow.STRAIGHT, flags, rule, memory, condition, emitter);
        mnemonics.forEach(mnemonic -> ENTRIES.put(mnemonic, entry));
    }

    private static void put(String mnemonic, FlagUse flags, int rule, Emitter emitter) {
        put(List.of(mnemonic), flags, rule, Memory.OPERAND, Translations::any, emitter);
    }

    // ---- arithmetic

    private static void arithmetic() {
        put("add", FlagUse.OVERWRITES, Flags.ADD, Arithmetic::add);
        put("sub", FlagUse.OVERWRITES, Flags.SUB, Arithmetic::sub);
        put("cmp", FlagUse.OVERWRITES, Flags.SUB, Arithmetic::cmp);
        put("and", FlagUse.OVERWRITES, Flags.LOGIC, Arithmetic::and);
        put("or", FlagUse.OVERWRITES, Flags.LOGIC, Arithmetic::or);
        put("xor", FlagUse.OVERWRITES, Flags.LOGIC, Arithmetic::xor);
        put("test", FlagUse.OVERWRITES, Flags.LOGIC, Arithmetic::test);
        put("adc", FlagUse.READS_AND_OVERWRITES, NO_RULE, Arithmetic::adc);
        put("sbb", FlagUse.READS_AND_OVERWRITES, NO_RULE, Arithmetic::sbb);
        put("inc", FlagUse.CHANGES, Flags.INC, Arithmetic::inc);
        put("dec", FlagUse.CHANGES, Flags.DEC, Arithmetic::dec);
        put("neg", FlagUse.OVERWRITES, Flags.SUB, Arithmetic::neg);
        put("not", FlagUse.NONE, NO_RULE, Arithmetic::not);
        for (String shift : List.of("shl", "shr", "sar", "rol", "ror")) {
            put(
                    List.of(shift),
                    FlagUse.CHANGES,
                    NO_RULE,
                    Memory.OPERAND,
                    Translations::any,
                    Shifts::byCl);
        }
        put("imul", FlagUse.OVERWRITES, Flags.PRODUCT, ProductEmitter::imul);
        put("mul", FlagUse.OVERWRITES, Flags.PRODUCT, ProductEmitter::mul);
        put(
                List.of("div", "idiv"),
                FlagUse.NONE,
                NO_RULE,
                Memory.ALWAYS,
                Translations::any,
                ProductEmitter::divide);
        put("shld", FlagUse.CHANGES, NO_RULE, RareArithmetic::doubleShift);
        put("shrd", FlagUse.CHANGES, NO_RULE, RareArithmetic::doubleShift);
        put("popcnt", FlagUse.OVERWRITES, NO_RULE, RareArithmetic::populationCount);
        put("crc32", FlagUse.NONE, NO_RULE, RareArithmetic::checksum);
        put(
                List.of("bt"),
                FlagUse.CHANGES,
                NO_RULE,
                Memory.OPERAND,
                BitTests::hasPlainAddress,
                BitTests::test);
        put(
                List.of("bts", "btr", "btc"),
                FlagUse.CHANGES,
                NO_RULE,
                Memory.OPERAND,
                BitTests::hasPlainAddress,
                BitTests::change);
        put("bsf", FlagUse.CHANGES, NO_RULE, BitTests::scan);
        put("bsr", FlagUse.CHANGES, NO_RULE, BitTests::scan);
        put("xadd", FlagUse.OVERWRITES, Flags.ADD, Exchanges::xadd);
        put("cmpxchg", FlagUse.OVERWRITES, Flags.SUB, Exchanges::cmpxchg);
        put("cmpxchg16b", FlagUse.CHANGES, NO_RULE, Exchanges::cmpxchg16b);
    }

    // ---- moves

    private static void moves() {
        put(
                List.of("mov"),
                FlagUse.NONE,
                NO_RULE,
                Memory.OPERAND,
                Translations::isPlainMove,
                Moves::mov);
        put("movzx", FlagUse.NONE, NO_RULE, Moves::movzx);
        put("movsx", FlagUse.NONE, NO_RULE, Moves::movsx);
        put("movsxd", FlagUse.NONE, NO_RULE, Moves::movsxd);
        put(List.of("lea"), FlagUse.NONE, NO_RULE, Memory.NEVER, Translations::any, Moves::lea);
        put("xchg", FlagUse.NONE, NO_RULE, Moves::xchg);
        put("movbe", FlagUse.NONE, NO_RULE, Moves::movbe);
        put("stmxcsr", FlagUse.NONE, NO_RULE, Scalars::storeStatus);
        put("movnti", FlagUse.NONE, NO_RULE, Moves::movnti);
        put(
                List.of("bswap"),
                FlagUse.NONE,
                NO_RULE,
                Memory.NEVER,
                b -> b.bits() >= 32,
                Moves::bswap);
        put("cbw", FlagUse.NONE, NO_RULE, Moves::extendAccumulator);
        put("cwd", FlagUse.NONE, NO_RULE, Moves::signIntoRdx);
        put("cwde", FlagUse.NONE, NO_RULE, Moves::extendAccumulator);
        put("cdqe", FlagUse.NONE, NO_RULE, Moves::extendAccumulator);
        put("cdq", FlagUse.NONE, NO_RULE, Moves::signIntoRdx);
        put("cqo", FlagUse.NONE, NO_RULE, Moves::signIntoRdx);
        put(
                List.of("push"),
                FlagUse.NONE,
                NO_RULE,
                Memory.ALWAYS,
                b -> b.bits() == 64 && isGeneral(b),
                Stack::push);
        put(
                List.of("pop"),
                FlagUse.NONE,
                NO_RULE,
                Memory.ALWAYS,
                b -> b.bits() == 64 && !b.in.memory && isGeneral(b),
                Stack::pop);
        put(
                List.of("leave"),
                FlagUse.NONE,
                NO_RULE,
                Memory.ALWAYS,
                b -> b.bits() == 64,
                Stack::leave);
        put(
                List.of("nop"),
                FlagUse.NONE,
                NO_RULE,
                Memory.NEVER,
                Translations::any,
                (unit, i) -> {});
        put(
                List.of("endbr64", "endbr32"),
                FlagUse.NONE,
                NO_RULE,
                Memory.NEVER,
                Translations::any,
                (unit, i) -> {});
        put(
                List.of(
                        "prefetch",
                        "prefetchw",
                        "prefetchwt1",
                        "prefetchnta",
                        "prefetcht0",
                        "prefetcht1",
                        "prefetcht2"),
                FlagUse.NONE,
                NO_RULE,
                Memory.NEVER,
                Translations::any,
                (unit, i) -> {});
        put(
                List.of("mfence", "lfence", "sfence"),
                FlagUse.NONE,
                NO_RULE,
                Memory.NEVER,
                Translations::any,
                Moves::fence);
        for (String condition : CONDITIONS) {
            put("set" + condition, FlagUse.READS, NO_RULE, Moves::set);
            put("cmov" + condition, FlagUse.READS, NO_RULE, Moves::cmov);
        }
    }

    private static boolean isGeneral(Binding b) {
        return b.operand(0) != Operand.FS && b.operand(0) != Operand.GS;
    }

    /** Whether no special register is written; reading a selector is simple, too. */
    private static boolean isPlainMove(Binding b) {
        return switch (b.operand(0)) {
            case SW, CD, DD -> false;
            default -> b.operand(1) != Operand.CD && b.operand(1) != Operand.DD;
        };
    }

    // ---- control

    private static void control() {
        Emitter nothing = (unit, i) -> {};
        for (String condition : CONDITIONS) {
            putFlow("j" + condition, Flow.BRANCH, FlagUse.READS, Translations::any, nothing);
        }
        putFlow("jmp", Flow.JUMP, FlagUse.NONE, Translations::any, nothing);
        putFlow("call", Flow.CALL, FlagUse.NONE, b -> b.bits() == 64, Stack::call);
        putFlow("ret", Flow.RETURN, FlagUse.NONE, b -> b.bits() == 64, Stack::ret);
    }

    private static void putFlow(
            String mnemonic, Flow flow, FlagUse flags, Condition condition, Emitter emitter) {
        Memory memory = flow == Flow.CALL || flow == Flow.RETURN ? Memory.ALWAYS : Memory.NEVER;
        ENTRIES.put(mnemonic, new Entry(flow, flags, NO_RULE, memory, condition, emitter));
    }

    private static final Entry INDIRECT_JUMP =
            new Entry(
                    Flow.COMPUTED,
                    FlagUse.NONE,
                    NO_RULE,
                    Memory.ALWAYS,
                    Translations::any,
                    Stack::jump);

    /** The entry for these operands, where the mnemonic has several. */
    private static Entry refine(Entry entry, Binding b) {
        return switch (b.in.row.mnemonic()) {
            case "jmp" -> b.operand(0) == Operand.EV ? INDIRECT_JUMP : entry;
            case "shl" -> byCount(entry, SHL_BY_CONSTANT, b);
            case "shr" -> byCount(entry, SHR_BY_CONSTANT, b);
            case "sar" -> byCount(entry, SAR_BY_CONSTANT, b);
            case "rol", "ror" -> byCount(entry, ROTATE_BY_CONSTANT, b);
            default -> entry;
        };
    }

    private static Entry byConstant(FlagUse flags, int rule) {
        return new Entry(
                Flow.STRAIGHT, flags, rule, Memory.OPERAND, Translations::any, Shifts::byConstant);
    }

    /** Null for a constant count of 0, which nobody writes. */
    private static Entry byCount(Entry byCl, Entry byConstant, Binding b) {
        if (b.operand(1) == Operand.CL) {
            return byCl;
        }
        return Shifts.constantCount(b) == 0 ? null : byConstant;
    }
}
