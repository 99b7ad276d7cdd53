package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.EPERM;

import org.xenolith.cpu.mmu.Pte;

/**
 * What a present entry of a page table takes of the frame that it names, and gives back: an L1
 * entry a reference, and a use as writable if it is; an upper entry a reference, and a use as a
 * table of the level below. Xen's {@code get_page_from_l1e} and its like.
 *
 * <p>Locking: all methods are called with {@link FrameTable#lock} held; none takes another. They
 * answer 0 or a negative error number, or {@link PageTypes#NOT_SETTLED}; one that fails has taken
 * nothing.
 */
final class EntryReferences {
    /** The frame number of all ones: what a guest computes from a page that is not there. */
    private static final long INVALID_MFN = Pte.mfn(Pte.FRAME_MASK);

    private final PageTypes types;
    private final FrameTable frames;

    EntryReferences(PageTypes types) {
        this.types = types;
        this.frames = types.frames();
    }

    /** Takes what a present L1 entry refers to. The numbers are those of get_page_from_l1e. */
    int getL1(long entry) {
        if (!EntryRules.isAllowedInL1(entry)) {
            return -EINVAL;
        }
        long mfn = Pte.mfn(entry);
        if (GrantWindow.contains(mfn)) {
            return -EBUSY; // another domain's: only its grant maps it
        }
        if (!frames.get(mfn)) {
            return errorOfNoFrame(mfn);
        }
        if (isWritable(entry) && types.getType(mfn, FrameType.WRITABLE, TlbShootdown.NONE) != 0) {
            // Never the last one: the frame is allocated or mapped.
            frames.put(mfn, TlbShootdown.NONE);
            return -EBUSY;
        }
        return 0;
    }

    private int errorOfNoFrame(long mfn) {
        if (mfn < frames.limitMfn()) {
            return -EBUSY; // somebody else's, or nobody's
        }
        // No RAM at all: a device, if we were allowed.
        return mfn == INVALID_MFN ? -EINVAL : -EPERM;
    }

    /** Gives back what {@link #getL1} took. */
    void putL1(long entry, TlbShootdown tlb) {
        long mfn = Pte.mfn(entry);
        if (isWritable(entry)) {
            types.putType(mfn, tlb);
        }
        frames.put(mfn, tlb);
    }

    private static boolean isWritable(long entry) {
        return (entry & Pte.WRITABLE) != 0;
    }

    /**
     * Takes the table that a present entry of a table of {@code level} 2 to 4 refers to, which is
     * validated when this is its first use.
     */
    int getUpper(int level, long entry, TlbShootdown tlb) {
        return EntryRules.isAllowedInUpper(entry)
                ? types.getPageAndType(Pte.mfn(entry), level - 1, tlb)
                : -EINVAL;
    }

    /** Gives back what {@link #getUpper} took. */
    void putUpper(long entry, TlbShootdown tlb) {
        types.putPageAndType(Pte.mfn(entry), tlb);
    }
}
