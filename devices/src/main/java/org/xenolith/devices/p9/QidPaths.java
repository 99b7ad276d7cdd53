package org.xenolith.devices.p9;

import java.util.HashMap;
import java.util.Map;

/**
 * One number of 64 bits for each file of a folder that may span mounts. A client takes it for the
 * inode's number, so files of the folder's own file system keep theirs. Those of others have the
 * mount's place in the list of devices above them; inodes too large for that are hashed into the
 * upper half. Not thread-safe.
 */
final class QidPaths {
    private static final int INODE_BITS = 48;
    private static final int MAX_DEVICES = 1 << 15;

    /** Odd, from the golden ratio: spreads neighbours. */
    private static final long SPREAD = 0x9e3779b97f4a7c15L;

    private final long rootDevice;
    private final Map<Long, Integer> devices = new HashMap<>();

    /**
     * @param rootDevice device of the folder itself
     */
    QidPaths(long rootDevice) {
        this.rootDevice = rootDevice;
    }

    long of(long device, long inode) {
        boolean fits = inode >>> INODE_BITS == 0;
        if (fits && device == rootDevice) {
            return inode;
        }
        int index = fits ? index(device) : 0;
        if (index > 0) {
            return (long) index << INODE_BITS | inode;
        }
        long mixed = (inode * SPREAD ^ device) * SPREAD;
        return mixed ^ mixed >>> Integer.SIZE | Long.MIN_VALUE;
    }

    /** From 1; 0 when there are too many. */
    private int index(long device) {
        Integer known = devices.get(device);
        if (known != null) {
            return known;
        }
        int index = devices.size() + 1;
        if (index >= MAX_DEVICES) {
            return 0;
        }
        devices.put(device, index);
        return index;
    }
}
