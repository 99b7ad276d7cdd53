package org.xenolith.devices.filesystem;

import java.util.Comparator;

/**
 * Orders file names with versions in them as {@code sort -V} does: numbers count as numbers, "~"
 * comes before everything, and an extension like ".old" counts only if the rest is equal.
 *
 * @see <a
 *     href="https://www.gnu.org/software/coreutils/manual/html_node/Version-sort-ordering-rules.html">
 *     GNU coreutils, "Version sort ordering"</a>
 */
final class KernelVersions implements Comparator<String> {
    static final Comparator<String> ORDER = new KernelVersions();

    private static final int END = 0;

    private KernelVersions() {}

    @Override
    public int compare(String a, String b) {
        int order = compareRuns(a.substring(0, stemLength(a)), b.substring(0, stemLength(b)));
        order = order != 0 ? order : compareRuns(a, b);
        return order != 0 ? order : a.compareTo(b);
    }

    /** The length without extensions: dots, each followed by a letter and letters or digits. */
    private static int stemLength(String name) {
        int stem = name.length();
        for (int at = name.length() - 1; at > 0; at--) {
            char character = name.charAt(at);
            if (character == '.') {
                boolean extension = at + 1 < name.length() && isLetter(name.charAt(at + 1));
                if (!extension) {
                    return stem;
                }
                stem = at;
            } else if (!isLetter(character) && !isDigit(character)) {
                return stem;
            }
        }
        return stem;
    }

    private static boolean isLetter(char character) {
        return character >= 'A' && character <= 'Z'
                || character >= 'a' && character <= 'z'
                || character == '~';
    }

    private static boolean isDigit(char character) {
        return character >= '0' && character <= '9';
    }

    /** Runs of other characters and runs of digits take turns. */
    private static int compareRuns(String a, String b) {
        int i = 0;
        int j = 0;
        while (i < a.length() || j < b.length()) {
            while (i < a.length() && !isDigit(a.charAt(i))
                    || j < b.length() && !isDigit(b.charAt(j))) {
                int order = Integer.compare(rank(a, i++), rank(b, j++));
                if (order != 0) {
                    return order;
                }
            }
            int endOfA = endOfDigits(a, i);
            int endOfB = endOfDigits(b, j);
            int order = compareNumbers(a.substring(i, endOfA), b.substring(j, endOfB));
            if (order != 0) {
                return order;
            }
            i = endOfA;
            j = endOfB;
        }
        return 0;
    }

    /** "~" before the end, before digits, before letters, before everything else. */
    private static int rank(String text, int at) {
        if (at >= text.length()) {
            return END;
        }
        char character = text.charAt(at);
        if (isDigit(character)) {
            return END;
        }
        if (character == '~') {
            return -1;
        }
        return isLetter(character) ? character : character + Character.MAX_VALUE;
    }

    private static int endOfDigits(String text, int from) {
        int end = from;
        while (end < text.length() && isDigit(text.charAt(end))) {
            end++;
        }
        return end;
    }

    private static int compareNumbers(String a, String b) {
        String left = a.replaceFirst("^0+", "");
        String right = b.replaceFirst("^0+", "");
        int order = Integer.compare(left.length(), right.length());
        return order != 0 ? order : left.compareTo(right);
    }
}
