package org.xenolith.core.image;

import org.xenolith.devices.console.Escaped;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds and reads the table of symbols that a Linux kernel carries in itself ({@code
 * CONFIG_KALLSYMS}), in a stripped vmlinux. The table has no header: it is recognised by its parts,
 * which stand one after the other, each on a boundary of 8 bytes.
 *
 * <pre>
 * before 6.4   offsets, base, count, names, markers, [order,] token table, token index
 * since        count, names, markers, token table, token index, offsets, base, order
 * </pre>
 *
 * A name is a length and that many tokens; a token stands for a piece of text; a marker is the
 * place of each 256th name; the order is three bytes for each symbol, and of no use here. Offsets
 * are 32 bits wide; negative ones are relative to the base and others stand for per-CPU variables,
 * unless all are relative ({@code scripts/kallsyms.c}).
 */
final class Kallsyms {
    private static final int TOKENS = 256;
    private static final int NAMES_PER_MARKER = 256;
    private static final int ALIGNMENT = 8;

    /** A length with this bit has a second byte. */
    private static final int LONG_NAME = 0x80;

    /** The lowest address of a kernel's image. */
    private static final long KERNEL_BASE = 0xffff_ffff_8000_0000L;

    /** The shortest and longest token tables that are worth a look. */
    private static final int MAX_TOKEN_BYTES = 16 << 10;

    /** Markers and order of as many symbols as are read: a wrong guess ends soon. */
    private static final int MAX_BEFORE_TOKENS = 4 * ElfImage.MAX_SYMBOLS;

    /** Bytes of a name, its length included, on the average of any 256. */
    private static final int MAX_NAME = 128;

    /** A name as scripts/kallsyms.c allows it, KSYM_NAME_LEN, with its type. */
    private static final int MAX_TEXT = 512;

    /** Steps of a search: Debian's kernel takes 92,000. */
    private static final int MAX_STEPS = 50_000_000;

    /** A file may be made so that each of its words could be the beginning of a table. */
    private static final class SearchedLongEnough extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final byte[] file;
    private int steps;
    private int tokenTable;
    private int tokenIndex;
    private int markers;
    private int markerCount;
    private int names;
    private int count;

    private Kallsyms(byte[] file) {
        this.file = file;
    }

    /**
     * The functions of the kernel in a file.
     *
     * @return empty when it has no such table, or one that is laid out in another way
     */
    static List<ElfImage.Symbol> find(byte[] file) {
        try {
            return search(file);
        } catch (IndexOutOfBoundsException e) {
            return List.of(); // what looked like a table leads out of the file
        } catch (SearchedLongEnough e) {
            return List.of();
        }
    }

    private static List<ElfImage.Symbol> search(byte[] file) {
        Kallsyms table = new Kallsyms(file);
        for (int at = table.nextDigits(0); at >= 0; at = table.nextDigits(at + 1)) {
            if (table.findTokens(at) && table.findMarkers()) {
                return table.read();
            }
        }
        return List.of();
    }

    // ---- tokens ----

    /** The tokens of the digits are the digits: ten short strings in a row. */
    private int nextDigits(int from) {
        for (int at = from; at + 20 < file.length; at++) {
            if (file[at] == '0' && isDigits(at)) {
                return at;
            }
        }
        return -1;
    }

    private boolean isDigits(int at) {
        for (int digit = 0; digit < 10; digit++) {
            if (file[at + 2 * digit] != '0' + digit || file[at + 2 * digit + 1] != 0) {
                return false;
            }
        }
        return true;
    }

    /** The index follows the table; with it, the digits tell where the table begins. */
    private boolean findTokens(int digits) {
        int limit = Math.min(digits + MAX_TOKEN_BYTES, file.length - 2 * TOKENS);
        for (int at = aligned(digits); at < limit; at += ALIGNMENT) {
            step();
            if (isIndex(at)) {
                tokenIndex = at;
                tokenTable = digits - LittleEndian.shortAt(file, at + 2 * '0');
                return tokenTable > 0 && tokenTable % ALIGNMENT == 0;
            }
        }
        return false;
    }

    private boolean isIndex(int at) {
        if (LittleEndian.shortAt(file, at) != 0) {
            return false;
        }
        for (int i = 1; i < TOKENS; i++) {
            int step =
                    LittleEndian.shortAt(file, at + 2 * i)
                            - LittleEndian.shortAt(file, at + 2 * i - 2);
            if (step < 2 || step > 1024) {
                return false;
            }
        }
        return true;
    }

    private void step() {
        if (++steps > MAX_STEPS) {
            throw new SearchedLongEnough();
        }
    }

    private static int aligned(int at) {
        return at + ALIGNMENT - 1 & -ALIGNMENT;
    }

    // ---- markers and names ----

    /** A zero and words that rise by what 256 names take; names and their count go before them. */
    private boolean findMarkers() {
        int first = Math.max(ALIGNMENT, tokenTable - MAX_BEFORE_TOKENS);
        for (int at = tokenTable - ALIGNMENT; at >= first; at -= ALIGNMENT) {
            step();
            if (LittleEndian.intAt(file, at) == 0 && isNextMarker(at)) {
                markers = at;
                int most = markersFrom(at);
                // What follows the last may look like one more.
                for (markerCount = most; markerCount > Math.max(1, most - 2); markerCount--) {
                    if (findNames()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private boolean isNextMarker(int at) {
        long step =
                LittleEndian.unsignedIntAt(file, at + Integer.BYTES)
                        - LittleEndian.unsignedIntAt(file, at);
        return step >= NAMES_PER_MARKER && step <= NAMES_PER_MARKER * MAX_NAME;
    }

    private int markersFrom(int start) {
        int found = 1;
        for (int at = start; at < tokenTable - ALIGNMENT && isNextMarker(at); at += Integer.BYTES) {
            step();
            found++;
        }
        return found;
    }

    private int marker(int index) {
        return LittleEndian.intAt(file, markers + index * Integer.BYTES);
    }

    /** The count stands before the names, and the names end close before the markers. */
    private boolean findNames() {
        int last = markers - marker(markerCount - 1);
        int first = Math.max(2 * ALIGNMENT, last - NAMES_PER_MARKER * MAX_NAME);
        for (int at = last & -ALIGNMENT; at >= first; at -= ALIGNMENT) {
            step();
            int claimed = LittleEndian.intAt(file, at - ALIGNMENT);
            if (claimed > (markerCount - 1) * NAMES_PER_MARKER
                    && claimed <= markerCount * NAMES_PER_MARKER
                    && claimed <= ElfImage.MAX_SYMBOLS
                    && marksFit(at, claimed)) {
                names = at;
                count = claimed;
                return true;
            }
        }
        return false;
    }

    private boolean marksFit(int start, int claimed) {
        int at = start;
        for (int i = 0; i < claimed; i++) {
            step();
            boolean marked = i % NAMES_PER_MARKER == 0;
            if (at >= markers || marked && at - start != marker(i / NAMES_PER_MARKER)) {
                return false;
            }
            at = next(at);
        }
        return at <= markers && markers - at < ALIGNMENT;
    }

    private int length(int at) {
        int length = file[at] & 0xff;
        return (length & LONG_NAME) == 0 ? length : length & 0x7f | (file[at + 1] & 0xff) << 7;
    }

    private int next(int at) {
        return at + ((file[at] & LONG_NAME) == 0 ? 1 : 2) + length(at);
    }

    // ---- symbols ----

    private List<ElfImage.Symbol> read() {
        int offsets = offsets();
        if (offsets < 0) {
            return List.of();
        }
        long base = base(offsets);
        boolean perCpu = mostAreNegative(offsets);
        List<ElfImage.Symbol> symbols = new ArrayList<>(count);
        int at = names;
        long left = ElfImage.MAX_SYMBOL_TEXT;
        for (int i = 0; i < count && left > 0; i++, at = next(at)) {
            String name = text(at);
            int offset = LittleEndian.intAt(file, offsets + i * Integer.BYTES);
            long vaddr = perCpu ? base - 1 - offset : base + Integer.toUnsignedLong(offset);
            if (!name.isEmpty()
                    && "tTwW".indexOf(name.charAt(0)) >= 0
                    && !(perCpu && offset >= 0)) {
                symbols.add(new ElfImage.Symbol(name.substring(1), vaddr, 0));
                left -= name.length();
            }
        }
        return symbols;
    }

    /** Before the count, or behind the token index: where the base makes sense. */
    private int offsets() {
        int bytes = aligned(count * Integer.BYTES);
        int before = names - 2 * ALIGNMENT - bytes;
        int behind = tokenIndex + 2 * TOKENS;
        if (before > 0 && isBase(names - 2 * ALIGNMENT)) {
            return before;
        }
        return behind + bytes + ALIGNMENT <= file.length && isBase(behind + bytes) ? behind : -1;
    }

    private boolean isBase(int at) {
        return Long.compareUnsigned(LittleEndian.longAt(file, at), KERNEL_BASE) >= 0
                && LittleEndian.longAt(file, at) % 4096 == 0;
    }

    private long base(int offsets) {
        return LittleEndian.longAt(file, offsets + aligned(count * Integer.BYTES));
    }

    private boolean mostAreNegative(int offsets) {
        int negative = 0;
        for (int i = 0; i < count; i++) {
            negative += LittleEndian.intAt(file, offsets + i * Integer.BYTES) < 0 ? 1 : 0;
        }
        return negative > count / 2;
    }

    /** The type's letter and the name. */
    private String text(int at) {
        StringBuilder name = new StringBuilder();
        int length = length(at);
        int first = next(at) - length;
        for (int i = 0; i < length; i++) {
            int token =
                    tokenTable
                            + LittleEndian.shortAt(file, tokenIndex + 2 * (file[first + i] & 0xff));
            for (int end = token; file[end] != 0 && name.length() < MAX_TEXT; end++) {
                name.append((char) (file[end] & 0xff));
            }
        }
        return Escaped.of(name.toString());
    }
}
