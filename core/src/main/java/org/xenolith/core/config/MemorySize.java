package org.xenolith.core.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory as QEMU and xl write it: a number of mebibytes, or a number with one of the
 * units B, K, M, G, T (powers of 1024).
 */
public record MemorySize(long bytes) {
    private static final Pattern SYNTAX =
            Pattern.compile("(?:size=)?(\\d{1,15}(?:\\.\\d{1,6})?)([BKMGT]?)(?:I?B)?");
    private static final String UNITS = "BKMGT";
    private static final int PAGE_SIZE = 4096;

    /**
     * @throws ConfigException when the text is none
     */
    public static MemorySize parse(String text) throws ConfigException {
        Matcher matcher =
                SYNTAX.matcher(text.strip().toUpperCase(Locale.ROOT).replace("SIZE", "size"));
        if (!matcher.matches()) {
            throw new ConfigException(
                    "'" + text + "' is no amount of memory: write 256M, 1G or 262144K");
        }
        String unit = matcher.group(2).isEmpty() ? "M" : matcher.group(2);
        double bytes = Double.parseDouble(matcher.group(1)) * (1L << 10 * UNITS.indexOf(unit));
        if (bytes < PAGE_SIZE || bytes > 1L << 46) {
            throw new ConfigException(
                    "'" + text + "' is no amount of memory that a guest can have");
        }
        return new MemorySize((long) bytes / PAGE_SIZE * PAGE_SIZE);
    }
}
