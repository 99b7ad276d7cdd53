package org.xenolith.core.watch;

/** Addresses and frame numbers as text: they do not fit a JSON number. */
final class Hex {
    private Hex() {}

    static String of(long value) {
        return "0x" + Long.toHexString(value);
    }
}
