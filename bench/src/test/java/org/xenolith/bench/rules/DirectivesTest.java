package org.xenolith.bench.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** HotSpot ignores a compiler directive for a method that does not exist, and says nothing. */
final class DirectivesTest {
    /** A method in an "inline" list of HotSpot's directives: sign, class, name. */
    private static final Pattern INLINED = Pattern.compile("\"[-+]([\\w/]+)\\.(\\w+)\"");

    @Test
    void methodsThatTheLauncherNamesExist() throws IOException {
        Matcher named = INLINED.matcher(Files.readString(Modules.root().resolve("vmm")));
        int count = 0;
        while (named.find()) {
            assertThat(methods(named.group(1))).as(named.group(1)).contains(named.group(2));
            count++;
        }

        assertThat(count).isPositive();
    }

    private static List<String> methods(String internalName) {
        return Modules.classes().values().stream()
                .flatMap(List::stream)
                .filter(model -> model.thisClass().asInternalName().equals(internalName))
                .flatMap(model -> model.methods().stream())
                .map(method -> method.methodName().stringValue())
                .toList();
    }
}
