package org.xenolith.cpu.translate;

import org.xenolith.cpu.mmu.SlotAccess;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The methods of {@link SlotAccess}, by the names of the fields that lead units to them: in {@link
 * Accessors} to those that all units share, in a unit with {@link OwnSlots} to its copy.
 */
enum SlotAccessor {
    SLOT_LOAD_8("load8", int.class),
    SLOT_LOAD_16("load16", int.class),
    SLOT_LOAD_32("load32", int.class),
    SLOT_LOAD_64("load64", long.class),
    SLOT_WRITABLE_8("writable8", long.class),
    SLOT_WRITABLE_16("writable16", long.class),
    SLOT_WRITABLE_32("writable32", long.class),
    SLOT_WRITABLE_64("writable64", long.class);

    private final String method;
    private final MethodType type;

    SlotAccessor(String method, Class<?> result) {
        this.method = method;
        this.type = MethodType.methodType(result, long[].class, long.class, long.class, int.class);
    }

    MethodHandle shared() {
        return find(MethodHandles.lookup(), SlotAccess.class);
    }

    /**
     * @param copy of the class, see {@link org.xenolith.cpu.mmu.SlotAccessCopy}
     */
    MethodHandle in(MethodHandles.Lookup copy) {
        return find(copy, copy.lookupClass());
    }

    private MethodHandle find(MethodHandles.Lookup lookup, Class<?> accessors) {
        try {
            return lookup.findStatic(accessors, method, type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("SlotAccess has no " + method, e);
        }
    }
}
