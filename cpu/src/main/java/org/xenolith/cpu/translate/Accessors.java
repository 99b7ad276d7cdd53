package org.xenolith.cpu.translate;

import org.xenolith.cpu.mmu.SlotAccess;
import org.xenolith.cpu.mmu.TlbAccess;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The methods of {@link TlbAccess}, {@link SlotAccess} and {@link Budget} as units call them:
 * through constant method handles, by name.
 *
 * <p>A checked access to native memory takes some 700 of C2's nodes while it is parsed, of which
 * few are left in the end. After 18,000 nodes or 8,000 bytes C2 inlines no more ordinary calls, so
 * that from the twenty-sixth access on each was a call of a method. Calls through method handles it
 * then puts off until it has cleaned up, and inlines them all.
 */
final class Accessors {
    static final MethodHandle LOAD_8 = load("load8", int.class);
    static final MethodHandle LOAD_16 = load("load16", int.class);
    static final MethodHandle LOAD_32 = load("load32", int.class);
    static final MethodHandle LOAD_64 = load("load64", long.class);

    static final MethodHandle WRITABLE_8 = load("writable8", long.class);
    static final MethodHandle WRITABLE_16 = load("writable16", long.class);
    static final MethodHandle WRITABLE_32 = load("writable32", long.class);
    static final MethodHandle WRITABLE_64 = load("writable64", long.class);

    static final MethodHandle SLOT_LOAD_8 = SlotAccessor.SLOT_LOAD_8.shared();
    static final MethodHandle SLOT_LOAD_16 = SlotAccessor.SLOT_LOAD_16.shared();
    static final MethodHandle SLOT_LOAD_32 = SlotAccessor.SLOT_LOAD_32.shared();
    static final MethodHandle SLOT_LOAD_64 = SlotAccessor.SLOT_LOAD_64.shared();

    static final MethodHandle SLOT_WRITABLE_8 = SlotAccessor.SLOT_WRITABLE_8.shared();
    static final MethodHandle SLOT_WRITABLE_16 = SlotAccessor.SLOT_WRITABLE_16.shared();
    static final MethodHandle SLOT_WRITABLE_32 = SlotAccessor.SLOT_WRITABLE_32.shared();
    static final MethodHandle SLOT_WRITABLE_64 = SlotAccessor.SLOT_WRITABLE_64.shared();

    static final MethodHandle UPDATABLE_8 = load("updatable8", long.class);
    static final MethodHandle UPDATABLE_16 = load("updatable16", long.class);
    static final MethodHandle UPDATABLE_32 = load("updatable32", long.class);
    static final MethodHandle UPDATABLE_64 = load("updatable64", long.class);
    static final MethodHandle UPDATABLE_128 = load("updatable128", long.class);

    static final MethodHandle GET_8 = find("get8", int.class, long.class);
    static final MethodHandle GET_16 = find("get16", int.class, long.class);
    static final MethodHandle GET_32 = find("get32", int.class, long.class);
    static final MethodHandle GET_64 = find("get64", long.class, long.class);

    static final MethodHandle PUT_8 = find("put8", void.class, long.class, int.class);
    static final MethodHandle PUT_16 = find("put16", void.class, long.class, int.class);
    static final MethodHandle PUT_32 = find("put32", void.class, long.class, int.class);
    static final MethodHandle PUT_64 = find("put64", void.class, long.class, long.class);

    static final MethodHandle REQUIRE_BUDGET =
            find(
                    Budget.class,
                    "require",
                    MethodType.methodType(void.class, long.class, long.class));

    private Accessors() {}

    private static MethodHandle load(String name, Class<?> result) {
        return find(name, result, long[].class, long.class, long.class);
    }

    private static MethodHandle find(String name, Class<?> result, Class<?>... parameters) {
        return find(TlbAccess.class, name, MethodType.methodType(result, parameters));
    }

    private static MethodHandle find(Class<?> accessors, String name, MethodType type) {
        try {
            return MethodHandles.lookup().findStatic(accessors, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
