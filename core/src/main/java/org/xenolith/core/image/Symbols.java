package org.xenolith.core.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;

/**
 * Names of a kernel's functions by address: from the symbol table of its ELF file, or from the
 * table that Linux carries in itself. Read at the first look. Thread-safe.
 */
public final class Symbols {
    /** Of a kernel that says nothing. */
    public static final Symbols NONE = new Symbols(List::of);

    /** How far behind the last symbol an address may still belong to it. */
    private static final long MAX_FUNCTION = 64 << 10;

    private static final int CACHED = 4096;

    /** A text that was looked up before. */
    private record Found(long vaddr, String text) {}

    private final Supplier<List<ElfImage.Symbol>> source;
    private final Found[] cache = new Found[CACHED];
    private volatile Table table;

    /** Sorted addresses and their names. */
    private record Table(long[] vaddrs, String[] names) {}

    private Symbols(Supplier<List<ElfImage.Symbol>> source) {
        this.source = source;
    }

    /** Of a kernel's file. */
    public static Symbols of(ElfImage elf) {
        return new Symbols(
                () -> {
                    List<ElfImage.Symbol> symbols = elf.symbols();
                    return symbols.isEmpty() ? Kallsyms.find(bytes(elf)) : symbols;
                });
    }

    /** Of these, in any order. */
    public static Symbols of(List<ElfImage.Symbol> symbols) {
        return new Symbols(() -> symbols);
    }

    private static byte[] bytes(ElfImage elf) {
        MemorySegment file = elf.contents();
        return file.toArray(ValueLayout.JAVA_BYTE);
    }

    /** Whether the kernel says any name at all. */
    public boolean areKnown() {
        return table().vaddrs.length > 0;
    }

    /** Whether a place as {@link #at} gives it is a stub that others call to make hypercalls. */
    public static boolean isHypercallStub(String place) {
        return place.startsWith("xen_hypercall") || place.startsWith("hypercall_page");
    }

    /**
     * {@code function+0x12}, or just the name at its start; empty for what is no known function.
     */
    public String at(long vaddr) {
        int slot = (int) (vaddr ^ vaddr >>> 12) & CACHED - 1;
        Found found = cache[slot];
        if (found == null || found.vaddr != vaddr) {
            found = new Found(vaddr, find(vaddr));
            cache[slot] = found;
        }
        return found.text;
    }

    private String find(long vaddr) {
        Table all = table();
        int low = 0;
        int high = all.vaddrs.length - 1;
        while (low <= high) {
            int middle = low + high >>> 1;
            if (Long.compareUnsigned(all.vaddrs[middle], vaddr) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        if (high < 0 || vaddr - all.vaddrs[high] >= MAX_FUNCTION) {
            return "";
        }
        long offset = vaddr - all.vaddrs[high];
        return offset == 0 ? all.names[high] : all.names[high] + "+0x" + Long.toHexString(offset);
    }

    private Table table() {
        Table known = table;
        if (known == null) {
            synchronized (this) {
                known = table == null ? read() : table;
                table = known;
            }
        }
        return known;
    }

    private Table read() {
        List<ElfImage.Symbol> sorted =
                source.get().stream()
                        .sorted(Comparator.comparing(ElfImage.Symbol::vaddr, Long::compareUnsigned))
                        .toList();
        long[] vaddrs = sorted.stream().mapToLong(ElfImage.Symbol::vaddr).toArray();
        String[] names = sorted.stream().map(ElfImage.Symbol::name).toArray(String[]::new);
        return new Table(vaddrs, names);
    }
}
