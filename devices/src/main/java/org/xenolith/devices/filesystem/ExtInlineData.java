package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Small content that lies in the inode: 60 bytes in place of the block map, the rest in the
 * extended attribute "system.data" behind the fixed fields.
 */
final class ExtInlineData {
    private static final int I_BLOCK = 0x28;
    private static final int I_BLOCK_BYTES = 60;
    private static final int I_EXTRA_ISIZE = 0x80;
    private static final int FIXED_BYTES = 128;
    private static final int XATTR_MAGIC = 0xea020000;

    // Offsets in an attribute's entry.
    private static final int E_NAME_LEN = 0;
    private static final int E_NAME_INDEX = 1;
    private static final int E_VALUE_OFFS = 2;
    private static final int E_VALUE_SIZE = 8;
    private static final int E_NAME = 16;
    private static final int INDEX_SYSTEM = 7;
    private static final String DATA = "data";

    private ExtInlineData() {}

    static ByteBuffer read(ExtFileSystem fileSystem, ByteBuffer inode, long sizeBytes)
            throws IOException {
        fileSystem.require(sizeBytes <= inode.capacity(), "an inode holds more than it can");
        ByteBuffer content = ByteBuffer.allocate(I_BLOCK_BYTES + inode.capacity());
        content.put(inode.slice(I_BLOCK, I_BLOCK_BYTES));
        if (sizeBytes > I_BLOCK_BYTES) {
            putAttribute(fileSystem, inode, content);
        }
        return content.clear();
    }

    private static void putAttribute(ExtFileSystem fileSystem, ByteBuffer inode, ByteBuffer content)
            throws IOException {
        int end = inode.capacity();
        int header = FIXED_BYTES + (end > FIXED_BYTES ? inode.getShort(I_EXTRA_ISIZE) & 0xffff : 0);
        fileSystem.require(
                header <= end - Integer.BYTES && inode.getInt(header) == XATTR_MAGIC,
                "an inode lacks the rest of its content");
        int first = header + Integer.BYTES;
        for (int at = first; at + E_NAME <= end && inode.getInt(at) != 0; ) {
            int nameLength = inode.get(at + E_NAME_LEN) & 0xff;
            int value = first + (inode.getShort(at + E_VALUE_OFFS) & 0xffff);
            int size = inode.getInt(at + E_VALUE_SIZE);
            fileSystem.require(nameLength <= end - at - E_NAME, "an attribute leaves its inode");
            if (inode.get(at + E_NAME_INDEX) == INDEX_SYSTEM
                    && name(inode, at, nameLength).equals(DATA)) {
                fileSystem.require(
                        size >= 0 && value <= end && size <= end - value,
                        "an attribute leaves its inode");
                content.put(inode.slice(value, size));
                return;
            }
            at += E_NAME + Math.ceilDiv(nameLength, Integer.BYTES) * Integer.BYTES;
        }
    }

    private static String name(ByteBuffer inode, int at, int length) {
        byte[] name = new byte[length];
        inode.get(at + E_NAME, name);
        return new String(name, StandardCharsets.US_ASCII);
    }
}
