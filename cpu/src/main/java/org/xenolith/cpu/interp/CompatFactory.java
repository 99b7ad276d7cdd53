package org.xenolith.cpu.interp;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.Operand;
import org.xenolith.cpu.semantics.Decimal;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Binds the instructions of 32-bit code that are not those of 64-bit mode with narrower operands:
 * what uses the stack, EIP or segments, and what 64-bit mode does not have. All others are {@link
 * OpFactory}'s, behind a {@link CompatAddress} where they have a memory operand.
 */
final class CompatFactory {
    @FunctionalInterface
    private interface Binder {
        Op bind(Binding b);
    }

    private static final Map<String, Binder> BINDERS = new HashMap<>();

    private static final Set<String> STRINGS =
            Set.of("movs", "stos", "lods", "cmps", "scas", "ins", "outs");

    static {
        stack();
        control();
        others();
    }

    private CompatFactory() {}

    /** The operation of an instruction with a row; null where there is none. */
    static Op bind(Binding b) {
        if (CompatAddress.isNeeded(b)) {
            return CompatAddress.wrap(b);
        }
        String mnemonic = b.in.row.mnemonic();
        Binder binder = BINDERS.get(mnemonic);
        Op op = binder == null ? null : binder.bind(b);
        if (op != null) {
            return op;
        }
        if (isConditionalJump(b) && Branch.cutsTarget(b.in)) {
            return CompatControlOps.CutBranch.conditional(b);
        }
        op = OpFactory.bindAnyMode(b);
        return STRINGS.contains(mnemonic) ? CompatString.wrap(op, b) : op;
    }

    /** Whether instructions of that name are bound here, in all or some forms. */
    static boolean binds(String mnemonic) {
        return BINDERS.containsKey(mnemonic);
    }

    private static boolean isConditionalJump(Binding b) {
        return b.operandCount() == 1
                && (b.operand(0) == Operand.JB || b.operand(0) == Operand.JZ)
                && b.in.row.mnemonic().startsWith("j");
    }

    private static void put(Binder binder, String... mnemonics) {
        for (String mnemonic : mnemonics) {
            BINDERS.put(mnemonic, binder);
        }
    }

    private static void stack() {
        put(CompatStackOps::push, "push");
        put(CompatStackOps::pop, "pop");
        put(CompatStackOps.PushFlags::new, "pushf");
        put(CompatStackOps.PopFlags::new, "popf");
        put(CompatStackOps.PushAll::new, "pusha");
        put(CompatStackOps.PopAll::new, "popa");
        put(CompatStackOps.Enter::new, "enter");
        put(CompatStackOps.Leave::new, "leave");
    }

    private static void control() {
        put(CompatFactory::jump, "jmp");
        put(CompatFactory::call, "call");
        put(CompatControlOps.Return::new, "ret");
        put(
                b -> CompatControlOps.Loop.isNeeded(b) ? new CompatControlOps.Loop(b) : null,
                "loop",
                "loope",
                "loopne",
                "jrcxz");
        put(b -> new CompatControlOps.Far(true, b), "callf");
        put(b -> new CompatControlOps.Far(false, b), "jmpf");
        put(b -> new CompatControlOps.FarReturn(false, b), "retf");
        put(b -> new CompatControlOps.FarReturn(true, b), "iret");
        put(b -> new CompatControlOps.Overflow(), "into");
        put(CompatControlOps.Bound::new, "bound");
        // CPUID offers neither of them to 32-bit code.
        put(b -> new ControlOps.Fault(GuestFault.of(Vector.INVALID_OPCODE)), "syscall", "sysenter");
    }

    private static Op jump(Binding b) {
        if (b.operand(0) == Operand.EV) {
            return new CompatControlOps.Indirect(false, b);
        }
        return Branch.cutsTarget(b.in) ? CompatControlOps.CutBranch.jump(b) : null;
    }

    private static Op call(Binding b) {
        if (b.operand(0) == Operand.EV) {
            return new CompatControlOps.Indirect(true, b);
        }
        return Branch.cutsTarget(b.in)
                ? CompatControlOps.CutBranch.call(b)
                : new CompatControlOps.Call(b);
    }

    private static void others() {
        for (Decimal.Kind kind : Decimal.Kind.values()) {
            put(b -> new CompatOps.DecimalAdjust(kind, b), kind.name().toLowerCase(Locale.ROOT));
        }
        put(CompatOps.AdjustRpl::new, "arpl");
        put(CompatOps.TableLookup::new, "xlat");
        put(b -> new SegmentOps.LoadFarPointer(Segments.ES, b), "les");
        put(b -> new SegmentOps.LoadFarPointer(Segments.DS, b), "lds");
        put(b -> new SystemOps.StoreSystemValue(b, 6, false), "sgdt", "sidt");
    }
}
