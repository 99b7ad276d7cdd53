package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.ASID;
import static org.xenolith.cpu.translate.Locals.BASE;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.TLB;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.mmu.SlotAccess;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The loads and stores of a unit, through {@link Accessors}. A store first finds out where in host
 * memory it goes, which may miss, and puts the value there after all that may miss. An accessor is
 * pushed in front of its arguments, so most accesses come in two halves, between which others push
 * an address or a value.
 */
final class MemoryAccesses {
    static final ClassDesc ACCESSORS = UnitCode.desc(Accessors.class);

    private static final long LOW_32 = 0xffff_ffffL;

    private static final MethodTypeDesc LOAD_INT = lookUp(ConstantDescs.CD_int);
    private static final MethodTypeDesc LOAD_LONG = lookUp(ConstantDescs.CD_long);
    private static final MethodTypeDesc SLOT_INT = inSlot(ConstantDescs.CD_int);
    private static final MethodTypeDesc SLOT_LONG = inSlot(ConstantDescs.CD_long);

    private final UnitCode unit;
    private final CodeBuilder out;
    private final ClassDesc slotAccessors;

    /** Memory operands use slots of the TLB, see {@link SlotAccess}. */
    private boolean usesSlots;

    /**
     * @param slotAccessors the class whose fields lead to {@link SlotAccess}
     */
    MemoryAccesses(UnitCode unit, ClassDesc slotAccessors) {
        this.unit = unit;
        this.out = unit.out;
        this.slotAccessors = slotAccessors;
    }

    private static MethodTypeDesc lookUp(ClassDesc result) {
        return MethodTypeDesc.of(
                result, UnitCode.LONG_ARRAY, ConstantDescs.CD_long, ConstantDescs.CD_long);
    }

    private static MethodTypeDesc inSlot(ClassDesc result) {
        return lookUp(result).insertParameterTypes(3, ConstantDescs.CD_int);
    }

    /**
     * @param slots whether memory operands of the block that begins use slots
     */
    void startBlock(boolean slots) {
        usesSlots = slots;
    }

    // ---- addresses

    /** Pushes the linear address of the memory operand, the segment's base included. */
    void pushAddress(GuestInstruction i) {
        pushOffset(i);
        int segment = i.in.segment;
        if (segment != Instruction.NO_REGISTER) {
            unit.pushLong(segment);
            out.ladd();
        }
    }

    /** Pushes the memory operand's address within its segment. */
    void pushOffset(GuestInstruction i) {
        Instruction in = i.in;
        long displacement = in.displacement + (in.ripRelative ? i.end : 0);
        boolean empty = true;
        if (in.ripRelative) {
            out.lload(BASE);
            empty = false;
        } else if (in.base != Instruction.NO_REGISTER) {
            unit.pushLong(in.base);
            empty = false;
        }
        if (in.index != Instruction.NO_REGISTER) {
            unit.pushLong(in.index);
            if (in.scale != 0) {
                out.loadConstant(in.scale).lshl();
            }
            if (!empty) {
                out.ladd();
            }
            empty = false;
        }
        if (displacement != 0 || empty) {
            out.loadConstant(displacement);
            if (!empty) {
                out.ladd();
            }
        }
        if (in.addressSize == 4) {
            out.loadConstant(LOW_32).land();
        }
    }

    // ---- accesses

    /** Loads the memory operand. */
    void load(GuestInstruction i, int bits) {
        if (!usesSlots) {
            pushLoad(bits);
            pushAddress(i);
            loadThere(bits);
        } else {
            pushSlotAccessor("LOAD_", bits);
            pushTlb();
            pushAddress(i);
            out.loadConstant(Slots.forLoad(i));
            invokeAccessor(bits == 64 ? SLOT_LONG : SLOT_INT);
        }
    }

    /** Pushes what methods take that look up an address. */
    void pushTlb() {
        out.aload(TLB).lload(ASID);
    }

    private void pushAccessor(String kind, int bits) {
        out.getstatic(ACCESSORS, kind + bits, ConstantDescs.CD_MethodHandle);
    }

    private void pushSlotAccessor(String kind, int bits) {
        out.getstatic(slotAccessors, "SLOT_" + kind + bits, ConstantDescs.CD_MethodHandle);
    }

    private void invokeAccessor(MethodTypeDesc type) {
        out.invokevirtual(ConstantDescs.CD_MethodHandle, "invokeExact", type);
    }

    /** First half of a load: the address is to be pushed behind it, then {@link #loadThere}. */
    void pushLoad(int bits) {
        pushAccessor("LOAD_", bits);
        pushTlb();
    }

    void loadThere(int bits) {
        invokeAccessor(bits == 64 ? LOAD_LONG : LOAD_INT);
    }

    /** First half of {@link #writableThere}; the address is to be pushed behind it. */
    void pushWritable(int bits) {
        pushAccessor("WRITABLE_", bits);
        pushTlb();
    }

    /** Pushes where in host memory a store to the address goes. */
    void writableThere(int bits) {
        invokeAccessor(LOAD_LONG);
    }

    /**
     * First half of {@link #updatableThere}; the address is to be pushed behind it.
     *
     * @param bits may be 128, too
     */
    void pushUpdatable(int bits) {
        pushAccessor("UPDATABLE_", bits);
        pushTlb();
    }

    /** As {@link #writableThere} for a locked instruction, whose operand must be aligned. */
    void updatableThere(int bits) {
        invokeAccessor(LOAD_LONG);
    }

    /**
     * Finds out where in host memory a store to the memory operand goes; see {@link Locals#HOST}.
     */
    void writable(GuestInstruction i, int bits) {
        if (!usesSlots) {
            pushWritable(bits);
            pushAddress(i);
            writableThere(bits);
        } else {
            pushSlotAccessor("WRITABLE_", bits);
            pushTlb();
            pushAddress(i);
            out.loadConstant(Slots.forStore(i));
            invokeAccessor(SLOT_LONG);
        }
        out.lstore(HOST);
    }

    /** Pushes what is at {@link Locals#HOST}. */
    void getHost(int bits) {
        pushGet(bits);
        get(bits);
    }

    /** First half of {@link #get}: pushes {@link Locals#HOST}, to which something may be added. */
    void pushGet(int bits) {
        pushAccessor("GET_", bits);
        out.lload(HOST);
    }

    /** Pushes what is at a host address. */
    void get(int bits) {
        invokeAccessor(MethodTypeDesc.of(type(bits), ConstantDescs.CD_long));
    }

    /** First half of a store to {@link Locals#HOST}: the value is to be pushed behind it. */
    void pushPut(int bits) {
        pushPut(bits, HOST);
    }

    /** First half of a store to a host address in a local variable. */
    void pushPut(int bits, int host) {
        pushAccessor("PUT_", bits);
        out.lload(host);
    }

    /** Stores. */
    void put(int bits) {
        invokeAccessor(MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long, type(bits)));
    }

    private static ClassDesc type(int bits) {
        return bits == 64 ? ConstantDescs.CD_long : ConstantDescs.CD_int;
    }
}
