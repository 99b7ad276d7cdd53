package org.xenolith.devices.p9;

import org.xenolith.devices.libc.FileCalls;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Answers Treaddir. It holds no position: each request names the host's own cookie of the entry
 * after which to go on, so entries that come and go meanwhile displace no others.
 */
final class DirectoryLister {
    /** {@code struct linux_dirent64}. */
    private static final int D_INO = 0, D_OFF = 8, D_RECLEN = 16, D_TYPE = 18, D_NAME = 19;

    /** The host refuses a buffer with no room for a name of 255 bytes. */
    private static final int SMALLEST_BUFFER = 512;

    private static final int LARGEST_BUFFER = 32 << 10;

    /** Of an entry in the answer: {@code qid[13] offset[8] type[1] len[2]}. */
    private static final int ENTRY = 24;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final byte[] buffer = new byte[LARGEST_BUFFER];
    private final MemorySegment entries = MemorySegment.ofArray(buffer);
    private final QidPaths paths;

    DirectoryLister(QidPaths paths) {
        this.paths = paths;
    }

    /**
     * Writes as many entries as fit.
     *
     * @param folder open
     * @param cookie of the last entry that the client has, 0 for the first
     * @param limit bytes of entries, within the answer's room
     * @param root the inode shown for the parent, or 0 to show the parent's own
     * @throws P9Error when not even one entry fits, which would look like the end
     */
    void list(HostFile folder, long cookie, int limit, long root, AnswerWriter answer) {
        long device = folder.status().device();
        int first = answer.position();
        FileCalls.lseek(folder.descriptor(), cookie, FileCalls.SEEK_SET);
        while (true) {
            int left = limit - (answer.position() - first);
            int size = Math.clamp(left, SMALLEST_BUFFER, LARGEST_BUFFER);
            int filled = (int) FileCalls.getdents64(folder.descriptor(), buffer, size);
            if (filled <= 0) {
                return;
            }
            if (!write(filled, limit, first, device, root, answer)) {
                if (answer.position() == first) {
                    throw new P9Error(Errno.EINVAL);
                }
                return;
            }
        }
    }

    private boolean write(
            int filled, int limit, int first, long device, long root, AnswerWriter answer) {
        for (int at = 0; at < filled; ) {
            int reclen = Short.toUnsignedInt(entries.get(SHORT, at + D_RECLEN));
            int length = nameLength(at, reclen);
            if (answer.position() - first + ENTRY + length > limit) {
                return false;
            }
            boolean parent =
                    length == 2 && buffer[at + D_NAME] == '.' && buffer[at + D_NAME + 1] == '.';
            long inode = parent && root != 0 ? root : entries.get(LONG, at + D_INO);
            int type = buffer[at + D_TYPE];
            answer.qid(Qid.ofEntry(type, paths.of(device, inode)))
                    .u64(entries.get(LONG, at + D_OFF))
                    .u8(type)
                    .bytes(buffer, at + D_NAME, length);
            at += reclen;
        }
        return true;
    }

    private int nameLength(int at, int reclen) {
        int end = at + D_NAME;
        while (end < at + reclen && buffer[end] != 0) {
            end++;
        }
        return end - at - D_NAME;
    }
}
