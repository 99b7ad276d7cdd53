package org.xenolith.core.config;

/**
 * How much memory a guest has: {@code 256M}, or {@code 96M..256M} when its balloon may move between
 * the two.
 *
 * @param minBytes what it starts with and never has to go below
 * @param maxBytes at least {@code minBytes}
 */
public record MemoryRange(long minBytes, long maxBytes) {
    private static final String DOTS = "..";

    /**
     * @throws ConfigException when the text is none
     */
    public static MemoryRange parse(String text) throws ConfigException {
        int dots = text.indexOf(DOTS);
        if (dots < 0) {
            long bytes = MemorySize.parse(text).bytes();
            return new MemoryRange(bytes, bytes);
        }
        long min = MemorySize.parse(text.substring(0, dots)).bytes();
        long max = MemorySize.parse(text.substring(dots + DOTS.length())).bytes();
        if (min > max) {
            throw new ConfigException("'" + text + "': the smaller amount comes first");
        }
        return new MemoryRange(min, max);
    }
}
