package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.mmu.Ram;

/**
 * What a guest may have in its descriptor tables: code and data segments only. SDM vol. 3A, 3.4.5.
 */
final class Descriptors {
    static final int SIZE = 8;

    private static final long DPL_3 = 3L << 45;
    private static final long TYPE = 0xfL << 40;

    private Descriptors() {}

    /** Whether the entry is harmless: absent, a code or data segment, or of type 0. */
    static boolean isAllowed(long descriptor) {
        return !SegmentDescriptor.isPresent(descriptor)
                || SegmentDescriptor.isCodeOrData(descriptor)
                || (descriptor & TYPE) == 0;
    }

    /** A present code or data segment is given privilege level 3: nothing of a guest runs above. */
    static long atGuestPrivilege(long descriptor) {
        return SegmentDescriptor.isPresent(descriptor) && SegmentDescriptor.isCodeOrData(descriptor)
                ? descriptor | DPL_3
                : descriptor;
    }

    /**
     * Checks a page of descriptors and lowers their privilege in place; 0 or a negative error
     * number.
     */
    static int validate(long hostBase) {
        for (int at = 0; at < Ram.PAGE_SIZE; at += SIZE) {
            if (!isAllowed(Ram.getLong(hostBase + at))) {
                return -EINVAL;
            }
        }
        for (int at = 0; at < Ram.PAGE_SIZE; at += SIZE) {
            long descriptor = Ram.getLong(hostBase + at);
            long lowered = atGuestPrivilege(descriptor);
            if (lowered != descriptor) {
                Ram.putLong(hostBase + at, lowered);
            }
        }
        return 0;
    }
}
