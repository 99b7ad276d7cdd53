package org.xenolith.devices.console;

/** Text from a guest, made fit for a terminal: nothing in it can steer one. */
public final class Escaped {
    private Escaped() {}

    /**
     * The text with everything but printable ASCII as a backslash, x or u, and its number in
     * hexadecimal.
     */
    public static String of(String text) {
        int i = 0;
        while (i < text.length() && isPlain(text.charAt(i))) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        StringBuilder escaped = new StringBuilder(text.substring(0, i));
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isPlain(c)) {
                escaped.append(c);
            } else if (c == '\\') {
                escaped.append("\\\\");
            } else {
                escaped.append('\\').append(c < 0x100 ? 'x' : 'u');
                escaped.append((c < 0x100 ? "%02x" : "%04x").formatted((int) c));
            }
        }
        return escaped.toString();
    }

    private static boolean isPlain(char c) {
        return c >= ' ' && c < 0x7f && c != '\\';
    }
}
