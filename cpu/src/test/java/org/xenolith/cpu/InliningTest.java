package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * What HotSpot says when it compiles hot units: C2 stops inlining once 8,000 bytes of bytecode or
 * 18,000 nodes have gone into a method, and C1 gives up on methods with too many values. A unit
 * that suffers that is slow for no reason that a guest's program shows.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class InliningTest {
    /** A line for a compilation: milliseconds, number, flags, level, method, size. */
    private static final Pattern COMPILATION =
            Pattern.compile("\\s*\\d+\\s+\\d+ .*::.* bytes\\).*");

    private static final Pattern UNIT_BY_C2 =
            Pattern.compile(
                    "\\s*\\d+\\s+\\d+ .* 4 +org\\.xenolith\\.cpu\\.translate\\.Unit/.*::run .*");

    private static List<String> output;

    @BeforeAll
    static void runHotUnits() throws IOException, InterruptedException {
        Process jvm =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                // One compilation after the other: their lines do not mix.
                                "-Xbatch",
                                "-XX:+UnlockDiagnosticVMOptions",
                                "-XX:+PrintCompilation",
                                "-XX:+PrintInlining",
                                "-cp",
                                System.getProperty("java.class.path"),
                                HotUnits.class.getName())
                        .redirectErrorStream(true)
                        .start();
        output =
                new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .toList();
        assertThat(jvm.waitFor()).as(String.join("\n", output)).isZero();
    }

    @Test
    void nothingIsTooLargeToBeInlinedIntoAHotUnit() {
        List<String> ofUnits = new ArrayList<>();
        int compiled = 0;
        boolean unit = false;
        for (String line : output) {
            if (COMPILATION.matcher(line).matches()) {
                unit = UNIT_BY_C2.matcher(line).matches();
                compiled += unit ? 1 : 0;
            } else if (unit) {
                ofUnits.add(line);
            }
        }
        assertThat(compiled).as("units compiled by C2").isGreaterThan(2);
        assertThat(ofUnits).anyMatch(line -> line.contains("TlbAccess") && line.contains("inline"));
        assertThat(ofUnits)
                .filteredOn(line -> line.contains("SlotAccess::host"))
                .isNotEmpty()
                .allMatch(line -> line.contains("inline"))
                .noneMatch(line -> line.contains("failed to inline"));
        assertThat(ofUnits)
                .noneMatch(line -> line.contains("DesiredMethodLimit"))
                .noneMatch(line -> line.contains("NodeCountInliningCutoff"));
    }

    @Test
    void noCompilerGivesUpOnAHotUnit() {
        assertThat(output)
                .filteredOn(line -> line.contains("translate.Unit/"))
                .noneMatch(line -> line.contains("COMPILE SKIPPED"));
    }
}
