package org.xenolith.core.mm;

/**
 * The word that {@link FrameTable} keeps of what a frame is used as and where it comes from, as
 * Xen's {@code type_info} and {@code count_info} do in asm-x86/mm.h.
 *
 * <pre>
 * bits  0-21  uses of the frame's type
 *      22-24  {@link FrameType}
 *         25  pinned
 *      26-30  where the frame comes from
 *         31  the VMM keeps its host address
 * </pre>
 *
 * <p>Pure functions of a word: whoever stores what they answer holds {@link FrameTable#lock}.
 */
final class FrameInfo {
    /** The largest number of uses that a word can count. */
    static final int MAX_USES = (1 << 22) - 1;

    static final int PINNED = 1 << 25;

    /** The domain has the frame in its reservation; holds one reference. */
    static final int ALLOCATED = 1 << 26;

    /** Lent by the hypervisor: the guest may map it but not give it back. */
    static final int XEN_OWNED = 1 << 27;

    /** The guest may not map it by number. */
    static final int PRIVATE = 1 << 28;

    /** A granted frame of another domain. */
    static final int GRANTED = 1 << 29;

    static final int GRANTED_READ_ONLY = 1 << 30;

    /** The VMM keeps its host address, as that of a vcpu_info or a console's ring. */
    static final int HELD = 1 << 31;

    private static final int TYPE_SHIFT = 22;
    private static final int TYPE_MASK = 7;

    private FrameInfo() {}

    /** The {@link FrameType} now, or the last one when there are no {@link #uses}. */
    static int type(int info) {
        return info >>> TYPE_SHIFT & TYPE_MASK;
    }

    /** How many uses of its type a frame has, 0 to {@link #MAX_USES}. */
    static int uses(int info) {
        return info & MAX_USES;
    }

    /** Whether a frame is in use as a type. */
    static boolean isUsedAs(int info, int type) {
        return type(info) == type && uses(info) != 0;
    }

    /** The word with another type and number of uses, and the same flags. */
    static int withType(int info, int type, int uses) {
        return info & ~(MAX_USES | TYPE_MASK << TYPE_SHIFT) | type << TYPE_SHIFT | uses;
    }
}
