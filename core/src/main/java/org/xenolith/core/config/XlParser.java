package org.xenolith.core.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the grammar of xl.cfg(5): lines of {@code key = value} and {@code key += value}, strings in
 * single, double or three quotes, numbers, lists in brackets over several lines, comments from
 * {@code #} to the end of a line.
 */
final class XlParser {
    private static final char END = '\0';
    private static final int MAX_DEPTH = 8;

    private final String source;
    private final String text;
    private int at;
    private int line = 1;

    XlParser(String source, String text) {
        this.source = source;
        this.text = text;
    }

    /** Values by key; of a key that stands twice the later one, as in xl. */
    Map<String, XlValue> parse() throws ConfigException {
        Map<String, XlValue> values = new LinkedHashMap<>();
        skip(true);
        while (peek() != END) {
            String key = word();
            skip(false);
            boolean adds = accept('+');
            expect('=');
            XlValue value = value(0);
            values.merge(key, value, adds ? XlParser::sum : (_, later) -> later);
            endOfStatement();
            skip(true);
        }
        return values;
    }

    private static XlValue sum(XlValue earlier, XlValue later) {
        if (earlier instanceof XlValue.Scalar a && later instanceof XlValue.Scalar b) {
            return new XlValue.Scalar(b.line(), a.text() + b.text(), true);
        }
        List<XlValue> all = new ArrayList<>(earlier.items());
        all.addAll(later.items());
        return new XlValue.Items(later.line(), all);
    }

    private XlValue value(int depth) throws ConfigException {
        skip(false);
        int startLine = line;
        char c = peek();
        if (c == '[') {
            return list(depth);
        }
        if (c == '"' || c == '\'') {
            return new XlValue.Scalar(startLine, quoted(c), true);
        }
        if (Character.isLetterOrDigit(c) || c == '-') {
            return new XlValue.Scalar(startLine, word(), false);
        }
        throw bad(c == END || c == '\n' ? "a value is missing" : "'" + c + "' starts no value");
    }

    private XlValue list(int depth) throws ConfigException {
        if (depth == MAX_DEPTH) {
            throw bad("lists are nested too deeply");
        }
        int startLine = line;
        expect('[');
        List<XlValue> items = new ArrayList<>();
        skip(true);
        while (peek() != ']') {
            items.add(value(depth + 1));
            skip(true);
            if (peek() != ']') {
                expect(',');
                skip(true);
            }
        }
        expect(']');
        return new XlValue.Items(startLine, items);
    }

    private String quoted(char quote) throws ConfigException {
        String three = String.valueOf(quote).repeat(3);
        String end = text.startsWith(three, at) ? three : String.valueOf(quote);
        int from = at + end.length();
        int to = text.indexOf(end, from);
        String inside = to < 0 ? "" : text.substring(from, to);
        if (to < 0 || end.length() == 1 && inside.indexOf('\n') >= 0) {
            throw bad("a text has no closing " + end);
        }
        if (inside.indexOf(END) >= 0) {
            throw bad(ConfigException.NUL_INSIDE);
        }
        line += (int) inside.chars().filter(c -> c == '\n').count();
        at = to + end.length();
        return inside;
    }

    private String word() throws ConfigException {
        int from = at;
        while (Character.isLetterOrDigit(peek()) || peek() == '_' || peek() == '-') {
            at++;
        }
        if (from == at) {
            throw bad("'" + peek() + "' starts no key");
        }
        return text.substring(from, at);
    }

    private void endOfStatement() throws ConfigException {
        skip(false);
        if (peek() != END && peek() != '\n' && peek() != ';') {
            throw bad("'" + peek() + "' follows the value");
        }
        accept(';');
    }

    /** Skips blanks and comments, and ends of lines too where they mean nothing. */
    private void skip(boolean lines) {
        while (true) {
            char c = peek();
            if (c == '#') {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (c == ' ' || c == '\t' || c == '\r' || lines && (c == '\n' || c == ';')) {
                line += c == '\n' ? 1 : 0;
                at++;
            } else {
                return;
            }
        }
    }

    private char peek() {
        return at < text.length() ? text.charAt(at) : END;
    }

    private boolean accept(char wanted) {
        if (peek() == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char wanted) throws ConfigException {
        if (!accept(wanted)) {
            throw bad("a '" + wanted + "' is missing");
        }
    }

    private ConfigException bad(String why) {
        return new ConfigException(source, line, why);
    }
}
