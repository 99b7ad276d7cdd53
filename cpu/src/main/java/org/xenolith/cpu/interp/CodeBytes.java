package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

/** Code bytes of one page that were decoded, to be compared with memory later. */
final class CodeBytes {
    /** Pairs of first byte and byte behind the last, one for each stretch between jumps. */
    private final int[] ranges;

    /** The bytes of all ranges, one range after the other. */
    private final byte[] bytes;

    private CodeBytes(int[] ranges, byte[] bytes) {
        this.ranges = ranges;
        this.bytes = bytes;
    }

    /**
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

    /** Whether bytes {@code from} to {@code to} (exclusive) of the page are among them. */
    boolean overlaps(int from, int to) {
        for (int i = 0; i < ranges.length; i += 2) {
            if (from < ranges[i + 1] && to > ranges[i]) {
                return true;
            }
        }
        return false;
    }

    /** The byte of the page at an offset that is in one of the ranges. */
    byte at(int offset) {
        int k = 0;
        int i = 0;
        while (offset < ranges[i] || offset >= ranges[i + 1]) {
            k += ranges[i + 1] - ranges[i];
            i += 2;
        }
        return bytes[k + offset - ranges[i]];
    }

    /** Whether the frame at {@code hostBase} still holds the bytes that were decoded. */
    boolean matches(long hostBase) {
        if (bytes == null) {
            return true;
        }
        int k = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            int length = ranges[i + 1] - ranges[i];
            if (!Ram.holds(hostBase + ranges[i], bytes, k, length)) {
                return false;
            }
            k += length;
        }
        return true;
    }
}
