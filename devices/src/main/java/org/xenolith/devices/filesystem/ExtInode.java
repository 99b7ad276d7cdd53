package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** A file of an ext file system: where its bytes are, and what they mean if it is a directory. */
final class ExtInode implements Node {
    // Offsets in the inode.
    private static final int I_MODE = 0x0;
    private static final int I_SIZE_LO = 0x4;
    private static final int I_FLAGS = 0x20;
    private static final int I_BLOCK = 0x28;
    private static final int I_BLOCK_BYTES = 60;
    private static final int I_SIZE_HIGH = 0x6c;

    // i_mode
    private static final int S_IFMT = 0xf000;
    private static final int S_IFDIR = 0x4000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFLNK = 0xa000;

    // i_flags
    private static final int ENCRYPT_FL = 0x800;
    private static final int EXTENTS_FL = 0x80000;
    private static final int INLINE_DATA_FL = 0x10000000;

    /** Some 100,000 files; the largest directories of a Linux distribution take some 100 KiB. */
    private static final int MAX_DIRECTORY_BYTES = 4 << 20;

    // Offsets in a directory entry.
    private static final int REC_LEN = 4;
    private static final int NAME_LEN = 6;
    private static final int NAME = 8;

    /** In front of the entries of an inline directory: the inode of the parent. */
    private static final int INLINE_PARENT_BYTES = 4;

    private final ExtFileSystem fileSystem;
    private final ByteBuffer inode;
    private final long sizeBytes;

    /** Content that lies in the inode itself, or null. */
    private final ByteBuffer inline;

    ExtInode(ExtFileSystem fileSystem, ByteBuffer inode) throws IOException {
        this.fileSystem = fileSystem;
        this.inode = inode;
        boolean has64BitSize = kind() == Kind.FILE || kind() == Kind.DIRECTORY;
        this.sizeBytes =
                (inode.getInt(I_SIZE_LO) & 0xffffffffL)
                        | (has64BitSize ? (long) inode.getInt(I_SIZE_HIGH) << 32 : 0);
        fileSystem.require(sizeBytes >= 0, "a file has a negative size");
        this.inline = inlineContent();
    }

    private ByteBuffer inlineContent() throws IOException {
        if (has(INLINE_DATA_FL)) {
            return ExtInlineData.read(fileSystem, inode, sizeBytes);
        }
        boolean isFastSymlink =
                kind() == Kind.SYMLINK && sizeBytes < I_BLOCK_BYTES && !has(EXTENTS_FL);
        return isFastSymlink ? inode.slice(I_BLOCK, I_BLOCK_BYTES) : null;
    }

    @Override
    public Kind kind() {
        return switch (inode.getShort(I_MODE) & S_IFMT) {
            case S_IFREG -> Kind.FILE;
            case S_IFDIR -> Kind.DIRECTORY;
            case S_IFLNK -> Kind.SYMLINK;
            default -> Kind.OTHER;
        };
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    private boolean has(int flag) {
        return (inode.getInt(I_FLAGS) & flag) != 0;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        if (has(ENCRYPT_FL)) {
            throw new UnreadableFileSystem("A file on " + fileSystem.volume() + " is encrypted");
        }
        if (inline != null) {
            into.put(inline.slice((int) offset, into.remaining()));
            return;
        }
        ExtBlockMap map =
                new ExtBlockMap(fileSystem, inode.slice(I_BLOCK, I_BLOCK_BYTES), has(EXTENTS_FL));
        int blockBytes = fileSystem.blockBytes();
        while (into.hasRemaining()) {
            ExtBlockMap.Run run = map.find(offset / blockBytes);
            int inRun = (int) (offset % blockBytes);
            int count = (int) Math.min(into.remaining(), run.blocks() * blockBytes - inRun);
            ByteBuffer piece = into.slice(into.position(), count);
            if (run.isHole()) {
                piece.put(new byte[count]);
            } else {
                fileSystem.readBlocks(run.firstBlock(), inRun, piece);
            }
            into.position(into.position() + count);
            offset += count;
        }
    }

    @Override
    public Map<String, Reference> children() throws IOException {
        fileSystem.require(sizeBytes <= MAX_DIRECTORY_BYTES, "a directory is too large");
        Map<String, Reference> children = new LinkedHashMap<>();
        ByteBuffer content = ByteBuffer.allocate((int) sizeBytes);
        read(0, content);
        content.clear().order(ByteOrder.LITTLE_ENDIAN);
        if (inline != null) {
            // Two blocks: what is in the inode proper, and what is among its attributes.
            int first = Math.min(I_BLOCK_BYTES, content.capacity());
            readEntries(content, Math.min(INLINE_PARENT_BYTES, first), first, children);
            readEntries(content, first, content.capacity(), children);
            return children;
        }
        // The nodes of a hash tree look like blocks without entries, so no tree has to be walked.
        for (int block = 0; block < content.capacity(); block += fileSystem.blockBytes()) {
            int end = Math.min(block + fileSystem.blockBytes(), content.capacity());
            readEntries(content, block, end, children);
        }
        return children;
    }

    private void readEntries(ByteBuffer content, int start, int end, Map<String, Reference> into)
            throws IOException {
        for (int at = start; at + NAME <= end; ) {
            int length = content.getShort(at + REC_LEN) & 0xffff;
            if (length == 0xffff || length == 0) {
                length = end - at; // a block of 64 KiB does not fit into 16 bits
            }
            int nameLength = content.get(at + NAME_LEN) & 0xff;
            fileSystem.require(
                    length >= NAME && length <= end - at && nameLength <= length - NAME,
                    "an entry leaves its directory");
            long number = content.getInt(at) & 0xffffffffL;
            if (number != 0 && nameLength != 0) {
                byte[] name = new byte[nameLength];
                content.get(at + NAME, name);
                add(new String(name, StandardCharsets.UTF_8), number, into);
            }
            at += length;
        }
    }

    private void add(String name, long number, Map<String, Reference> into) {
        if (!name.equals(".") && !name.equals("..")) {
            into.put(name, () -> fileSystem.inode(number));
        }
    }
}
