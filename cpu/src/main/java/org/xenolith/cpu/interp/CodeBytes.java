package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

/** Code bytes of one page that were decoded, to be compared with memory later. */
final class CodeBytes {
    /** First byte and byte behind the last: of the only stretch, or of the first. */
    private final char from;

    private final char to;

    /**
     * Pairs of first byte and byte behind the last, one for each stretch between jumps; null for a
     * single one, as of nineteen blocks in twenty. A LAMP guest has 140,000 blocks.
     */
    private final int[] ranges;

    /** The bytes of all ranges, one range after the other. */
    private final byte[] bytes;

    private CodeBytes(int[] ranges, byte[] bytes) {
        this.from = (char) ranges[0];
        this.to = (char) ranges[1];
        this.ranges = ranges.length == 2 ? null : ranges;
        this.bytes = bytes;
    }

    /**
     * @param ranges it is kept
     * @param page the whole page, copied once; what was decoded came from there
     */
    static CodeBytes of(int[] ranges, byte[] page) {
        int length = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            length += ranges[i + 1] - ranges[i];
        }
        byte[] bytes = new byte[length];
        int k = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            System.arraycopy(page, ranges[i], bytes, k, ranges[i + 1] - ranges[i]);
            k += ranges[i + 1] - ranges[i];
        }
        return new CodeBytes(ranges, bytes);
    }

    /** For an instruction that is compared elsewhere: touches the range, matches anything. */
    static CodeBytes unchecked(int from, int to) {
        return new CodeBytes(new int[] {from, to}, null);
    }

    private int count() {
        return ranges == null ? 1 : ranges.length / 2;
    }

    private int from(int i) {
        return ranges == null ? from : ranges[2 * i];
    }

    private int to(int i) {
        return ranges == null ? to : ranges[2 * i + 1];
    }

    /** Whether bytes {@code first} to {@code end} (exclusive) of the page are among them. */
    boolean overlaps(int first, int end) {
        for (int i = 0; i < count(); i++) {
            if (first < to(i) && end > from(i)) {
                return true;
            }
        }
        return false;
    }

    /** The byte of the page at an offset that is in one of the ranges. */
    byte at(int offset) {
        int k = 0;
        int i = 0;
        while (offset < from(i) || offset >= to(i)) {
            k += to(i) - from(i);
            i++;
        }
        return bytes[k + offset - from(i)];
    }

    /** Whether the frame at {@code hostBase} still holds the bytes that were decoded. */
    boolean matches(long hostBase) {
        if (bytes == null) {
            return true;
        }
        int k = 0;
        for (int i = 0; i < count(); i++) {
            int length = to(i) - from(i);
            if (!Ram.holds(hostBase + from(i), bytes, k, length)) {
                return false;
            }
            k += length;
        }
        return true;
    }
}
