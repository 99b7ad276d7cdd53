package org.xenolith.core.config;

import org.xenolith.devices.console.Escaped;

import java.util.regex.Pattern;

/**
 * What a guest may be called: something that verbs tell from an id and from {@code PID/NAME}, that
 * stands in a line and in a column, and that can be a name in a network.
 */
public final class GuestName {
    private static final int MAX_LENGTH = 63; // as a label of DNS

    private static final Pattern RULE =
            Pattern.compile("(?!\\d+$)[A-Za-z0-9][A-Za-z0-9_.-]{0," + (MAX_LENGTH - 1) + "}");

    /** For what has no usable name of its own. */
    private static final String OTHERWISE = "guest";

    private GuestName() {}

    /**
     * Returns the name if it is one.
     *
     * @throws ConfigException that says what a name is, whatever characters this one has
     */
    public static String check(String name) throws ConfigException {
        String wrong = wrong(name);
        if (!wrong.isEmpty()) {
            throw new ConfigException(wrong);
        }
        return name;
    }

    /** The same for a name in a file. */
    static String check(String source, int line, String name) throws ConfigException {
        String wrong = wrong(name);
        if (!wrong.isEmpty()) {
            throw new ConfigException(source, line, wrong);
        }
        return name;
    }

    private static String wrong(String name) {
        return RULE.matcher(name).matches()
                ? ""
                : "'%s' is no name: use up to %d letters, digits, '-', '_' and '.', a letter or digit first, not digits alone"
                        .formatted(Escaped.of(name), MAX_LENGTH);
    }

    /** A name for a guest that nobody has named, after a file of its own. */
    public static String from(String file) {
        if (RULE.matcher(file).matches()) {
            return file;
        }
        String fit = file.replaceAll("[^A-Za-z0-9_.-]", "-").replaceFirst("^[_.-]+", "");
        if (fit.isEmpty()) {
            return OTHERWISE;
        }
        String name = fit.matches("\\d+") ? OTHERWISE + "-" + fit : fit;
        return name.length() > MAX_LENGTH ? from(name.substring(0, MAX_LENGTH)) : name;
    }
}
