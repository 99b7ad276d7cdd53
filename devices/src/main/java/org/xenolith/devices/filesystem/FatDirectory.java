package org.xenolith.devices.filesystem;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Entries of a FAT directory: 8.3 names, and the long names in front of them. */
final class FatDirectory {
    private static final int ENTRY_BYTES = 32;

    // Offsets in an entry.
    private static final int ATTRIBUTES = 11;
    private static final int CASE = 12;
    private static final int FIRST_CLUSTER_HIGH = 20;
    private static final int FIRST_CLUSTER_LOW = 26;
    private static final int FILE_SIZE = 28;

    private static final int END = 0;
    private static final int DELETED = 0xe5;

    /** Stands for a first character of 0xe5, which would mark the entry as deleted. */
    private static final int REALLY_E5 = 0x05;

    private static final int ATTR_VOLUME_ID = 0x08;
    private static final int ATTR_DIRECTORY = 0x10;
    private static final int ATTR_LONG_NAME = 0x0f;

    // Windows NT's bits for names that are all lower case.
    private static final int LOWER_BASE = 0x08;
    private static final int LOWER_EXTENSION = 0x10;

    // An entry of a long name.
    private static final int LAST_LONG_ENTRY = 0x40;
    private static final int CHECKSUM = 13;
    private static final int[] CHARACTERS = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    private static final int MAX_LONG_ENTRIES = 20;

    private final FatFileSystem fileSystem;
    private final ByteBuffer entries;
    private final Map<String, Node.Reference> children = new LinkedHashMap<>();

    /**
     * Characters of the long name that is being read, from its end; its entries come last first.
     */
    private final StringBuilder longName = new StringBuilder();

    private int longNameChecksum = -1;
    private int nextLongEntry;

    private FatDirectory(FatFileSystem fileSystem, ByteBuffer entries) {
        this.fileSystem = fileSystem;
        this.entries = entries;
    }

    static Map<String, Node.Reference> parse(FatFileSystem fileSystem, ByteBuffer entries) {
        FatDirectory directory = new FatDirectory(fileSystem, entries);
        directory.parse();
        return directory.children;
    }

    private void parse() {
        for (int at = 0; at + ENTRY_BYTES <= entries.limit(); at += ENTRY_BYTES) {
            int first = entries.get(at) & 0xff;
            int attributes = entries.get(at + ATTRIBUTES) & 0x3f;
            if (first == END) {
                return;
            }
            if (first != DELETED && attributes == ATTR_LONG_NAME) {
                addLongEntry(at, first);
                continue;
            }
            if (first != DELETED && (attributes & ATTR_VOLUME_ID) == 0) {
                addEntry(at, (attributes & ATTR_DIRECTORY) != 0);
            }
            forgetLongName();
        }
    }

    private void addLongEntry(int at, int order) {
        int number = order & ~LAST_LONG_ENTRY;
        int checksum = entries.get(at + CHECKSUM) & 0xff;
        if ((order & LAST_LONG_ENTRY) != 0) {
            forgetLongName();
            nextLongEntry = number;
            longNameChecksum = checksum;
        }
        if (number == 0
                || number > MAX_LONG_ENTRIES
                || number != nextLongEntry
                || checksum != longNameChecksum) {
            forgetLongName();
            return;
        }
        StringBuilder part = new StringBuilder();
        for (int offset : CHARACTERS) {
            char character = (char) entries.getShort(at + offset);
            if (character == 0) {
                break;
            }
            part.append(character);
        }
        longName.insert(0, part);
        nextLongEntry--;
    }

    private void forgetLongName() {
        longName.setLength(0);
        longNameChecksum = -1;
        nextLongEntry = 0;
    }

    private void addEntry(int at, boolean isDirectory) {
        boolean belongs = nextLongEntry == 0 && longNameChecksum == checksumOfShortName(at);
        String name = belongs ? longName.toString() : shortName(at);
        if (name.equals(".") || name.equals("..")) {
            return;
        }
        long cluster =
                (entries.getShort(at + FIRST_CLUSTER_HIGH) & 0xffffL) << 16
                        | entries.getShort(at + FIRST_CLUSTER_LOW) & 0xffffL;
        long sizeBytes = entries.getInt(at + FILE_SIZE) & 0xffffffffL;
        children.put(
                name,
                () ->
                        isDirectory
                                ? FatNode.directory(fileSystem, cluster)
                                : FatNode.file(fileSystem, cluster, sizeBytes));
    }

    private String shortName(int at) {
        int letterCase = entries.get(at + CASE);
        String base = text(at, 8, (letterCase & LOWER_BASE) != 0);
        String extension = text(at + 8, 3, (letterCase & LOWER_EXTENSION) != 0);
        return extension.isEmpty() ? base : base + "." + extension;
    }

    private String text(int at, int length, boolean lower) {
        byte[] bytes = new byte[length];
        entries.get(at, bytes);
        if (bytes[0] == REALLY_E5) {
            bytes[0] = (byte) DELETED;
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1).stripTrailing();
        return lower ? text.toLowerCase(Locale.ROOT) : text;
    }

    private int checksumOfShortName(int at) {
        int sum = 0;
        for (int i = 0; i < ATTRIBUTES; i++) {
            sum = ((sum & 1) << 7) + (sum >>> 1) + (entries.get(at + i) & 0xff) & 0xff;
        }
        return sum;
    }
}
