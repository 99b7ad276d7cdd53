package org.xenolith.core.image;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * The cpio "newc" format: a header of hexadecimal fields, the name, the data, each padded to four
 * bytes; an entry called TRAILER!!! ends an archive.
 *
 * @see <a href="https://docs.kernel.org/driver-api/early-userspace/buffer-format.html">initramfs
 *     buffer format</a>
 */
final class Cpio {
    static final String TRAILER = "TRAILER!!!";

    /** {@code c_mode}: the file types of {@code stat}. */
    static final int TYPE_MASK = 0170000;

    static final int REGULAR = 0100000, DIRECTORY = 0040000, SYMLINK = 0120000;
    static final int CHARACTER_DEVICE = 0020000;

    static final int HEADER_BYTES = 110, FIELD_DIGITS = 8, FIELDS = 13;

    private static final byte[] MAGIC = "070701".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] MAGIC_WITH_CRC = "070702".getBytes(StandardCharsets.US_ASCII);
    private static final int NAME_LIMIT = 4096; // PATH_MAX, as the kernel checks it

    /** The fields behind the magic, in their order. */
    enum Field {
        INO,
        MODE,
        UID,
        GID,
        NLINK,
        MTIME,
        FILESIZE,
        DEVMAJOR,
        DEVMINOR,
        RDEVMAJOR,
        RDEVMINOR,
        NAMESIZE,
        CHECK
    }

    /** One entry as the archive describes it. */
    record Entry(String path, int mode, int rdevMajor, int rdevMinor, long size) {
        boolean isRegular() {
            return (mode & TYPE_MASK) == REGULAR;
        }
    }

    private Cpio() {}

    static boolean recognises(byte[] bytes) {
        return startsWith(bytes, MAGIC) || startsWith(bytes, MAGIC_WITH_CRC);
    }

    private static boolean startsWith(byte[] bytes, byte[] magic) {
        return bytes.length >= magic.length
                && Arrays.equals(bytes, 0, magic.length, magic, 0, magic.length);
    }

    static long padding(long length) {
        return -length & 3;
    }

    /** Reads one archive, entry by entry; the stream is left behind the trailer's entry. */
    static final class Reader {
        private final InputStream in;
        private long remaining;
        private long position;

        Reader(InputStream in) {
            this.in = in;
        }

        /** The next entry, its data unread as yet; empty behind the trailer. */
        Optional<Entry> next() throws IOException {
            skip(remaining);
            skip(padding(position));
            byte[] header = read(HEADER_BYTES);
            if (!recognises(header)) {
                throw new ImageException("corrupt cpio archive: no entry at byte " + position);
            }
            int nameSize = field(header, Field.NAMESIZE);
            if (nameSize <= 0 || nameSize > NAME_LIMIT) {
                throw new ImageException("corrupt cpio archive: a name of " + nameSize + " bytes");
            }
            byte[] name = read(nameSize);
            skip(padding(position));
            String path = new String(name, 0, nameSize - 1, StandardCharsets.UTF_8);
            remaining = Integer.toUnsignedLong(field(header, Field.FILESIZE));
            if (path.equals(TRAILER)) {
                skip(remaining);
                skip(padding(position));
                return Optional.empty();
            }
            return Optional.of(
                    new Entry(
                            path,
                            field(header, Field.MODE),
                            field(header, Field.RDEVMAJOR),
                            field(header, Field.RDEVMINOR),
                            remaining));
        }

        /** The data of the entry that {@link #next} gave last. */
        byte[] data() throws IOException {
            byte[] data = read((int) Math.min(Integer.MAX_VALUE - 8, remaining));
            remaining -= data.length;
            return data;
        }

        private byte[] read(int count) throws IOException {
            byte[] bytes = in.readNBytes(count);
            position += bytes.length;
            if (bytes.length < count) {
                throw new EOFException("it ends at byte " + position);
            }
            return bytes;
        }

        private void skip(long count) throws IOException {
            in.skipNBytes(count);
            position += count;
        }

        private static int field(byte[] header, Field field) throws ImageException {
            int start = MAGIC.length + field.ordinal() * FIELD_DIGITS;
            String digits = new String(header, start, FIELD_DIGITS, StandardCharsets.ISO_8859_1);
            try {
                return Integer.parseUnsignedInt(digits, 16);
            } catch (NumberFormatException e) {
                throw new ImageException(
                        "corrupt cpio archive: a header without hexadecimal digits", e);
            }
        }
    }

    /** The header, name and padding of an entry; data and its padding follow. */
    static byte[] header(int inode, int links, Entry entry) {
        byte[] name = entry.path.getBytes(StandardCharsets.UTF_8);
        int[] fields = new int[FIELDS];
        fields[Field.INO.ordinal()] = inode;
        fields[Field.MODE.ordinal()] = entry.mode;
        fields[Field.NLINK.ordinal()] = links;
        fields[Field.FILESIZE.ordinal()] = Math.toIntExact(entry.size);
        fields[Field.RDEVMAJOR.ordinal()] = entry.rdevMajor;
        fields[Field.RDEVMINOR.ordinal()] = entry.rdevMinor;
        fields[Field.NAMESIZE.ordinal()] = name.length + 1;
        int length = HEADER_BYTES + name.length + 1;
        byte[] header = new byte[length + (int) padding(length)];
        System.arraycopy(MAGIC, 0, header, 0, MAGIC.length);
        for (int i = 0; i < FIELDS; i++) {
            byte[] digits = "%08x".formatted(fields[i]).getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(digits, 0, header, MAGIC.length + i * FIELD_DIGITS, FIELD_DIGITS);
        }
        System.arraycopy(name, 0, header, HEADER_BYTES, name.length);
        return header;
    }
}
