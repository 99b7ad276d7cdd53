package org.xenolith.core.config;

import java.util.List;

/** A value of an xl.cfg file and the line it stands on, from 1. */
sealed interface XlValue {
    int line();

    /** A string in quotes, or a number as it was written. */
    record Scalar(int line, String text, boolean quoted) implements XlValue {}

    record Items(int line, List<XlValue> items) implements XlValue {}

    /** For messages. */
    default String text() {
        return switch (this) {
            case Scalar scalar -> scalar.text;
            case Items _ -> "a list";
        };
    }

    /** The items of a list; a scalar counts as a list of one, as in xl. */
    default List<XlValue> items() {
        return switch (this) {
            case Scalar scalar -> List.of(scalar);
            case Items list -> list.items;
        };
    }

    default String string(String source) throws ConfigException {
        return switch (this) {
            case Scalar scalar -> scalar.text;
            case Items _ ->
                    throw new ConfigException(source, line(), "a list where a text belongs");
        };
    }

    default long number(String source) throws ConfigException {
        String text = string(source);
        try {
            long number = Long.decode(text.strip());
            if (number >= 0 && number <= Integer.MAX_VALUE) {
                return number;
            }
        } catch (NumberFormatException notOne) {
            // Said below.
        }
        throw new ConfigException(source, line(), "'" + text + "' is no number that fits here");
    }
}
