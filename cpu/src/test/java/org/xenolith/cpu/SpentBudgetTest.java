package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What HotSpot does with units whose budget did not end in them while it watched. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class SpentBudgetTest {
    private static final String UNIT = "org.xenolith.cpu.translate.Unit";

    private static List<String> output() throws IOException, InterruptedException {
        Process jvm =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-Xbatch",
                                "-XX:+PrintCompilation",
                                "-Xlog:deoptimization=debug",
                                "-cp",
                                System.getProperty("java.class.path"),
                                SpentBudgets.class.getName())
                        .redirectErrorStream(true)
                        .start();
        List<String> output =
                new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .toList();
        assertThat(jvm.waitFor()).as(String.join("\n", output)).isZero();
        return output;
    }

    /** Once, for the handler that nothing had come to, and not for each comparison. */
    @Test
    void aUnitIsThrownAwayOnceAtMostWhenItsBudgetEndsWhereItNeverDid() throws Exception {
        List<String> output = output();
        int warm = output.indexOf("warm");
        assertThat(output.subList(0, warm))
                .as("the unit is compiled by C2")
                .anyMatch(line -> line.matches("\\s*\\d+\\s+\\d+ .* 4 +" + UNIT + "/.*::run .*"));
        List<String> then =
                output.subList(warm, output.size()).stream()
                        .filter(line -> line.contains(UNIT))
                        .toList();
        assertThat(then).noneMatch(line -> line.contains("unstable_if"));
        assertThat(then)
                .filteredOn(line -> line.matches("\\s*\\d+\\s+\\d+ .* 4 .*made not entrant.*"))
                .hasSizeLessThanOrEqualTo(1);
    }
}
