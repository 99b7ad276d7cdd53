package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.ShutdownTime;
import org.xenolith.devices.console.ConsoleLog;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code vmm up} as a process: signals, exit status, and the other commands beside it. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class UpProcessBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path folder;

    private final ConsoleLog shown = new ConsoleLog();
    private Process up;
    private Thread reader;

    private ProcessBuilder vmm(String... arguments) {
        // A build in a shell's background runs with SIGINT ignored, and a JVM would keep to that.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xshare:auto"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add("org.xenolith.core.cli.Vmm");
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("XDG_RUNTIME_DIR", folder.toString());
        return builder;
    }

    private void up(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("up"));
        all.addAll(List.of(arguments));
        up = vmm(all.toArray(String[]::new)).start();
        startReading();
    }

    private void startReading() {
        reader = Thread.ofPlatform().daemon().start(this::read);
    }

    private void read() {
        byte[] bytes = new byte[4096];
        try (InputStream out = up.getInputStream()) {
            for (int n = out.read(bytes); n > 0; n = out.read(bytes)) {
                shown.write(bytes, 0, n);
            }
        } catch (IOException gone) {
            // The process was destroyed.
        }
        shown.close();
    }

    private void await(String text) throws InterruptedException {
        assertThat(shown.awaitText(text, PATIENCE)).as("%s in %s", text, shown.text()).isTrue();
    }

    private void signal(String name) throws Exception {
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + up.pid()).start().waitFor();
    }

    /** Waits for the end, of the process and of all that it has shown. */
    private int status() throws InterruptedException {
        assertThat(up.waitFor(60, TimeUnit.SECONDS)).as("ends; shown: %s", shown.text()).isTrue();
        reader.join();
        return up.exitValue();
    }

    private String run(String... arguments) throws Exception {
        Process process = vmm(arguments).start();
        String text = new String(process.getInputStream().readAllBytes());
        process.waitFor();
        return text;
    }

    @AfterEach
    void end() {
        if (up != null) {
            up.destroyForcibly();
        }
    }

    private String file(String cmdline) throws IOException {
        return Files.writeString(
                        folder.resolve("fleet.toml"),
                        """
                        [defaults]
                        image = "lantern"
                        memory = "8M"
                        network = []
                        [guest.two]
                        [guest.one]
                        cmdline = "%s"
                        """
                                .formatted(cmdline))
                .toString();
    }

    @Test
    void interruptAsksGuestsToPowerOff() throws Exception {
        up(file("run=echo ready"));
        await("one | ready");
        signal("INT");
        assertThat(status()).isZero();
        assertThat(shown.text())
                .contains(
                        "vmm: asking 2 guests to power off; after %d s"
                                .formatted(ShutdownTime.of(2).toSeconds()))
                // The prompt may not have come yet.
                .containsPattern("one \\| (lantern> )?lantern: the host wants us to power off");
        assertThat(folder.resolve("xenolith")).isEmptyDirectory();
    }

    @Test
    void secondInterruptDestroysThem() throws Exception {
        up(file("run=echo ready;spin 1000000"));
        await("one | ready");
        signal("INT");
        await("vmm: asking 2 guests");
        signal("INT");
        assertThat(status()).isEqualTo(1);
    }

    @Test
    void terminateWaitsForTheDeadline() throws Exception {
        up(file("run=echo ready;spin 1000000"), "--shutdown-timeout", "2s");
        await("one | ready");
        signal("TERM");
        assertThat(status()).isEqualTo(1);
        assertThat(shown.text()).contains("vmm: one does not power off and is destroyed.");
    }

    @Test
    void otherCommandsReachTheFleet() throws Exception {
        up(file("run=echo ready"), "--no-console");
        String list = run("list");
        for (int i = 0; i < 20 && !list.contains("one "); i++) {
            list = run("list");
        }
        assertThat(list.lines()).hasSize(3).anyMatch(line -> line.startsWith("one  "));
        assertThat(run("shutdown", "one")).isEmpty();
        await("vmm: one powered off.");
        run("destroy", "two");
        assertThat(status()).as("who is destroyed by hand has not failed").isZero();
        assertThat(shown.text()).isEqualTo("vmm: one powered off.\nvmm: two was destroyed.\n");
    }

    @Test
    void theExampleRuns() throws Exception {
        Path example = Path.of("..", "examples", "fleet.toml");
        assertThat(example).exists();
        up(example.toString());
        await("bell    | beat 2,");
        await("worker1 | lantern> events");
        await("worker2 | lantern> events");
        signal("INT");
        assertThat(status()).isZero();
    }

    @Test
    void fileThatMakesNoSenseIsOneSentence() throws Exception {
        up(Files.writeString(folder.resolve("bad.toml"), "[guest.a]\nimagine = 'x'\n").toString());
        assertThat(status()).isEqualTo(1);
        assertThat(shown.text())
                .isEqualTo(
                        "vmm: %s:2: there is no key 'imagine' here\n"
                                .formatted(folder.resolve("bad.toml")));
    }

    @Test
    void timelineOfAGuestThatASignalEndsIsWhole() throws Exception {
        Path file = folder.resolve("t.json");
        up =
                vmm(
                                "boot",
                                "lantern",
                                "--trace-file",
                                file.toString(),
                                "--",
                                "run=echo ready;spin 1000000")
                        .start();
        startReading();
        await("ready");
        signal("TERM");
        assertThat(status()).isEqualTo(128 + 15);
        JsonElement timeline = JsonParser.parseString(Files.readString(file));
        assertThat(timeline.getAsJsonObject().getAsJsonArray("traceEvents")).isNotEmpty();
    }
}
