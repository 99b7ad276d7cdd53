package org.xenolith.core.explain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A file of texts. A line at the margin is a name; two spaces further in, {@code key: text}; what
 * is further in goes on with the text above it. Blank lines separate.
 */
final class TextFile {
    private TextFile() {}

    /**
     * The texts of a kind: by name, then by key, in the order of the file.
     *
     * @throws IllegalStateException if the file is not written as it should be
     */
    static Map<String, Map<String, String>> read(Kind kind) {
        String file = kind.file() + ".txt";
        try (InputStream in = TextFile.class.getResourceAsStream(file)) {
            return parse(file, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Map<String, Map<String, String>> parse(String file, String text) {
        Map<String, Map<String, String>> entries = new LinkedHashMap<>();
        Map<String, String> entry = null;
        String key = null;
        for (String line : text.split("\n")) {
            if (line.isBlank()) {
                continue;
            }
            if (!line.startsWith(" ")) {
                entry = new LinkedHashMap<>();
                key = null;
                if (entries.put(line, entry) != null) {
                    throw new IllegalStateException(file + " has two texts about " + line);
                }
            } else if (entry != null && line.matches("  [a-z]+: .*")) {
                int colon = line.indexOf(':');
                key = line.substring(2, colon);
                entry.put(key, line.substring(colon + 2));
            } else if (key != null && line.startsWith("    ")) {
                entry.merge(key, line.strip(), (before, more) -> before + " " + more);
            } else {
                throw new IllegalStateException(file + ": what is this line? " + line);
            }
        }
        return entries;
    }
}
