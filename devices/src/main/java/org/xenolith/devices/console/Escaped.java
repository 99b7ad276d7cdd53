package org.xenolith.devices.console;

/** Text from a guest, or from a file, made fit for a terminal: nothing in it can steer one. */
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
                escape(c, escaped);
            }
        }
        return escaped.toString();
    }

    /**
     * The text with what steers a terminal so written: control characters, and those that turn the
     * direction of writing or are not seen. Lines, tabs and letters of all scripts stay: it is for
     * sentences with what a user of this host wrote, in files that may come from others.
     */
    public static String sentence(String text) {
        if (text.chars().allMatch(Escaped::isShown)) {
            return text;
        }
        StringBuilder escaped = new StringBuilder();
        for (char c : text.toCharArray()) {
            if (isShown(c)) {
                escaped.append(c);
            } else {
                escape(c, escaped);
            }
        }
        return escaped.toString();
    }

    private static boolean isShown(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL -> c == '\n' || c == '\t';
            case Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    private static void escape(char c, StringBuilder to) {
        to.append('\\').append(c < 0x100 ? 'x' : 'u');
        to.append((c < 0x100 ? "%02x" : "%04x").formatted((int) c));
    }

    private static boolean isPlain(char c) {
        return c >= ' ' && c < 0x7f && c != '\\';
    }
}
