package org.xenolith.devices.filesystem;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Splits a grub.cfg into commands and their words, with variables replaced by what they are now.
 */
final class GrubLexer {
    /** Values may contain values: what is built of them must not grow without end. */
    private static final int MAX_WORD = 16 << 10;

    /** Characters of all words, values included; a file of grub-mkconfig has some ten thousand. */
    private static final int MAX_WORDS = 4 << 20;

    private final String text;
    private final Map<String, String> variables;
    private int at;
    private int appended;

    private List<String> words = new ArrayList<>();
    private final StringBuilder word = new StringBuilder();

    /** Whether a word has begun; it may be empty, in quotes. */
    private boolean inWord;

    GrubLexer(String text, Map<String, String> variables) {
        this.text = text;
        this.variables = variables;
    }

    /** Words up to the end of the line, a semicolon or a brace; null at the end of the file. */
    List<String> nextCommand() {
        words = new ArrayList<>();
        while (at < text.length()) {
            char character = text.charAt(at++);
            switch (character) {
                case ' ', '\t', '\r' -> {
                    endWord();
                    if (words.size() == 1 && words.getFirst().equals("else")) {
                        return words; // a command may follow on the same line
                    }
                }
                case '\n', ';' -> {
                    endWord();
                    if (endsCommand()) {
                        return words;
                    }
                }
                case '#' -> {
                    if (inWord) {
                        append(character);
                    } else {
                        skipLine();
                    }
                }
                case '{' -> {
                    endWord();
                    if (!words.isEmpty()) {
                        return words;
                    }
                }
                case '}' -> {
                    endWord();
                    if (words.isEmpty()) {
                        words.add("}");
                    } else {
                        at--; // the command before it ends here
                    }
                    return words;
                }
                default -> readWord(character);
            }
        }
        endWord();
        return words.isEmpty() ? null : words;
    }

    /** "then" and "do" stand where a command does, and are none. */
    private boolean endsCommand() {
        if (words.size() == 1
                && (words.getFirst().equals("then") || words.getFirst().equals("do"))) {
            words.clear();
        } else if (words.size() > 1 && words.getFirst().equals("then")) {
            words.removeFirst();
        }
        return !words.isEmpty();
    }

    private void readWord(char character) {
        // A variable without a value and without quotes around it is no word at all.
        inWord |= character != '$';
        switch (character) {
            case '\'' -> {
                int end = text.indexOf('\'', at);
                end = end < 0 ? text.length() : end;
                append(text.substring(at, end));
                at = Math.min(end + 1, text.length());
            }
            case '"' -> readQuoted();
            case '\\' -> {
                if (at < text.length() && text.charAt(at++) != '\n') {
                    append(text.charAt(at - 1));
                }
            }
            case '$' -> {
                String value = variable();
                inWord |= !value.isEmpty();
                append(value);
            }
            default -> append(character);
        }
    }

    private void readQuoted() {
        while (at < text.length()) {
            char character = text.charAt(at++);
            switch (character) {
                case '"' -> {
                    return;
                }
                case '\\' -> {
                    boolean escapes = at < text.length() && "\"\\$".indexOf(text.charAt(at)) >= 0;
                    append(escapes ? text.charAt(at++) : character);
                }
                case '$' -> append(variable());
                default -> append(character);
            }
        }
    }

    /** Behind a dollar sign. A variable without a value is empty, but for one that titles need. */
    private String variable() {
        boolean braced = at < text.length() && text.charAt(at) == '{';
        int start = braced ? at + 1 : at;
        int end = start;
        while (end < text.length()
                && (Character.isLetterOrDigit(text.charAt(end)) || text.charAt(end) == '_')) {
            end++;
        }
        at = braced && end < text.length() ? end + 1 : end;
        String name = text.substring(start, end);
        boolean isOption = name.equals("menuentry_id_option");
        return isOption ? "$" + name : variables.getOrDefault(name, "");
    }

    private void append(char character) {
        append(String.valueOf(character));
    }

    private void append(String characters) {
        appended += characters.length();
        if (appended > MAX_WORDS) {
            throw new IllegalArgumentException("its variables make it too long");
        }
        if (word.length() + characters.length() <= MAX_WORD) {
            word.append(characters);
        }
    }

    private void endWord() {
        if (inWord) {
            words.add(word.toString());
            word.setLength(0);
            inWord = false;
        }
    }

    private void skipLine() {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
    }
}
