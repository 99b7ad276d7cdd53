package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** docs/control.md says what the socket does. */
final class ControlDocumentTest {
    private static final Pattern VERB_ROW = Pattern.compile("(?m)^\\| `([a-z-]+)` \\| .*\\|$");

    @Test
    void everyVerbStandsInTheDocumentAndNoOther() throws IOException {
        String text = Files.readString(Path.of("..", "docs", "control.md"));
        String verbs = text.substring(text.indexOf("| verb |"), text.indexOf("## Guests"));
        List<String> documented =
                VERB_ROW.matcher(verbs).results().map((MatchResult row) -> row.group(1)).toList();
        List<String> known = new ArrayList<>(HostVerbs.NAMES);
        known.add("console"); // the server's own, as the next: they take over the connection
        known.add("trace");
        assertThat(documented).containsExactlyInAnyOrderElementsOf(known);
    }
}
