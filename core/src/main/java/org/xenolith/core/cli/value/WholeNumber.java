package org.xenolith.core.cli.value;

import picocli.CommandLine.TypeConversionException;

/** A number on the command line; Picocli's own converter speaks of Java's types. */
public final class WholeNumber {
    private WholeNumber() {}

    /**
     * @throws TypeConversionException when it is no {@code int}
     */
    public static int parse(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            String why = text.strip().matches("[+-]?\\d+") ? "too large a number" : "not a number";
            throw new TypeConversionException("'" + text + "' is " + why);
        }
    }
}
