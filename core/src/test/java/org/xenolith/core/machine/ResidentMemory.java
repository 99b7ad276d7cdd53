package org.xenolith.core.machine;

import org.xenolith.cpu.mmu.Ram;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the host holds in memory for this process, by its own account. */
public final class ResidentMemory {
    private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) ");

    private ResidentMemory() {}

    /** KiB of the guests' pool: {@code /proc/self/smaps}. */
    public static long ofPoolKib() throws IOException {
        long pool = Ram.SEGMENT.address();
        boolean inPool = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            Matcher mapping = MAPPING.matcher(line);
            if (mapping.lookingAt()) {
                inPool =
                        Long.parseUnsignedLong(mapping.group(1), 16) <= pool
                                && Long.parseUnsignedLong(mapping.group(2), 16) > pool;
            } else if (inPool && line.startsWith("Rss:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IllegalStateException("the pool is in none of the process's mappings");
    }

    /** KiB of all: {@code VmRSS} of {@code /proc/self/status}. */
    public static long ofProcessKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}
