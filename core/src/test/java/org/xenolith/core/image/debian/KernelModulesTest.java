package org.xenolith.core.image.debian;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

class KernelModulesTest {
    private static final Pattern LINE = Pattern.compile("(?m)^(kernel/\\S+\\.ko):(.*)$");

    @Test
    void eachModuleStandsInFrontOfWhatItNeedsItself() throws IOException {
        String archive =
                Files.readString(DebianInput.lampInitrdOrSkip(), StandardCharsets.ISO_8859_1);
        Matcher lines = LINE.matcher(archive);
        Map<String, List<String>> needs = new HashMap<>();
        while (lines.find()) {
            needs.put(
                    lines.group(1),
                    lines.group(2).isBlank()
                            ? List.of()
                            : new ArrayList<>(List.of(lines.group(2).strip().split(" "))));
        }
        assertThat(needs).anySatisfy((name, list) -> assertThat(list).hasSizeGreaterThan(2));
        needs.forEach(
                (name, list) -> {
                    for (int i = 0; i < list.size(); i++) {
                        assertThat(list.subList(i, list.size()))
                                .as("after %s in the line of %s", list.get(i), name)
                                .containsAll(needs.get(list.get(i)));
                    }
                });
    }
}
