package org.xenolith.core.xenstore;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The payload of a request: strings that end with a zero byte, then perhaps a rest that does not.
 *
 * @param strings the terminated strings
 * @param payload all of it
 */
record Arguments(List<String> strings, byte[] payload) {
    static Arguments of(byte[] payload) {
        List<String> strings = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < payload.length; i++) {
            if (payload[i] == 0) {
                strings.add(new String(payload, start, i - start, StandardCharsets.ISO_8859_1));
                start = i + 1;
            }
        }
        return new Arguments(strings, payload);
    }

    /** The string that is all of the payload. */
    String single() {
        if (strings.size() != 1 || strings.getFirst().length() + 1 != payload.length) {
            throw malformed();
        }
        return strings.getFirst();
    }

    /** Exactly two strings. */
    List<String> pair() {
        if (strings.size() != 2) {
            throw malformed();
        }
        return strings;
    }

    /** The first of at least {@code count} strings. */
    String firstOf(int count) {
        if (strings.size() < count) {
            throw malformed();
        }
        return strings.getFirst();
    }

    /** What follows the first string, which exists. */
    byte[] afterFirst() {
        return Arrays.copyOfRange(payload, strings.getFirst().length() + 1, payload.length);
    }

    static int decimal(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException _) {
            throw malformed();
        }
    }

    private static XenstoreException malformed() {
        return new XenstoreException(XenstoreError.EINVAL, "malformed request");
    }
}
