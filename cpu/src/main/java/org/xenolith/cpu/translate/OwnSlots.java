package org.xenolith.cpu.translate;

import org.xenolith.cpu.mmu.SlotAccess;
import org.xenolith.cpu.mmu.SlotAccessCopy;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;

/**
 * Units with a copy of {@link SlotAccess} for themselves. HotSpot counts the branches of a method,
 * whoever calls it: once a few programs have walked much memory, C2 takes a slot that holds another
 * page for something usual, and writes what is then to be done between the instructions of each
 * access, in every unit. A copy has counts of its own.
 *
 * <p>The copy comes as class data, and static fields of the unit lead to it, since the JVM's
 * compilers know the value of such a field once the class is initialised.
 */
final class OwnSlots {
    /**
     * Accesses from which on a copy is made. It has to be compiled, too: in a boot of Debian one
     * unit of three has accesses in slots, one of twenty has so many.
     */
    private static final int FEWEST = 16;

    private static final ClassDesc HANDLES = ConstantDescs.CD_MethodHandle.arrayType();
    private static final ClassDesc METHOD_HANDLES = UnitCode.desc(MethodHandles.class);
    private static final MethodTypeDesc LOOKUP =
            MethodTypeDesc.of(ConstantDescs.CD_MethodHandles_Lookup);
    private static final MethodTypeDesc CLASS_DATA =
            MethodTypeDesc.of(
                    ConstantDescs.CD_Object,
                    ConstantDescs.CD_MethodHandles_Lookup,
                    ConstantDescs.CD_String,
                    ConstantDescs.CD_Class);

    private OwnSlots() {}

    static boolean areWorthIt(int accesses) {
        return accesses >= FEWEST;
    }

    /** Writes the fields and what initialises them from the class data. */
    static void write(ClassBuilder type, ClassDesc unit) {
        for (SlotAccessor accessor : SlotAccessor.values()) {
            type.withField(
                    accessor.name(),
                    ConstantDescs.CD_MethodHandle,
                    ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_FINAL);
        }
        type.withMethodBody(
                ConstantDescs.CLASS_INIT_NAME,
                ConstantDescs.MTD_void,
                ClassFile.ACC_STATIC,
                code -> initialise(code, unit));
    }

    private static void initialise(CodeBuilder code, ClassDesc unit) {
        code.invokestatic(METHOD_HANDLES, "lookup", LOOKUP)
                .loadConstant(ConstantDescs.DEFAULT_NAME)
                .loadConstant(HANDLES)
                .invokestatic(METHOD_HANDLES, "classData", CLASS_DATA)
                .checkcast(HANDLES)
                .astore(0);
        for (SlotAccessor accessor : SlotAccessor.values()) {
            code.aload(0)
                    .loadConstant(accessor.ordinal())
                    .aaload()
                    .putstatic(unit, accessor.name(), ConstantDescs.CD_MethodHandle);
        }
        code.return_();
    }

    /** Whether a unit's class file wants a copy. */
    static boolean areIn(byte[] classFile) {
        return !ClassFile.of().parse(classFile).fields().isEmpty();
    }

    /** A fresh copy, as class data. */
    static MethodHandle[] create() {
        MethodHandles.Lookup copy = SlotAccessCopy.create();
        return Arrays.stream(SlotAccessor.values())
                .map(accessor -> accessor.in(copy))
                .toArray(MethodHandle[]::new);
    }
}
