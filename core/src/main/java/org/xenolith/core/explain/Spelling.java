package org.xenolith.core.explain;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Which names look like one that is none. */
public final class Spelling {
    private static final int SUGGESTIONS = 3;

    /** Of so many letters one may be wrong. */
    private static final int LETTERS_PER_SLIP = 3;

    private Spelling() {}

    /**
     * The names that somebody may have meant, the nearest first; none when none is near.
     *
     * @param names any number
     */
    public static List<String> nearest(String written, Collection<String> names) {
        Stream<String> near = names.stream().filter(name -> isNear(written, name));
        return near.sorted(Comparator.comparingInt(name -> distance(written, name)))
                .limit(SUGGESTIONS)
                .toList();
    }

    /** Whether a few slips make the one of the other: one in three letters. */
    static boolean isNear(String written, String name) {
        return distance(written, name) <= slips(written);
    }

    static int slips(String written) {
        return Math.max(1, written.length() / LETTERS_PER_SLIP);
    }

    /** Letters to insert, delete or exchange: Levenshtein's distance. */
    static int distance(String from, String to) {
        int[] row = new int[to.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[to.length()];
    }
}
