package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.machine.HostVerbs;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.Qcow2;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Fleets whose guests begin as copies of one another. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class CopiesBootTest {
    @TempDir Path folder;

    private static ImageCatalogue debian() {
        BootInput input = DebianInput.orSkip();
        BootFiles files =
                new BootFiles(
                        input.kernel(), Optional.of(input.initrd()), input.defaultCommandLine());
        return _ -> Optional.of(files);
    }

    @Test
    void copiesBeginWhenTheFirstIsReadyAndWhoHasADiskFromBeforeBoots() throws Exception {
        Path base = Files.write(folder.resolve("base.img"), new byte[1 << 20]);
        Qcow2.create(folder.resolve("d2.qcow2"), 1 << 20, base, ImageFormat.RAW);
        String toml =
                """
                [guest.d]
                image = "debian"
                memory = "96M"
                network = []
                disk = "%s,overlay=%s/%%n.qcow2"
                count = 3
                fork-when = "is up"
                """
                        .formatted(base, folder);
        try (RunningFleet fleet =
                new RunningFleet(RunningFleet.toml(toml), debian(), Duration.ofMinutes(1))) {
            fleet.start();
            fleet.awaitSaid("vmm: 1 copy of d1 began within ");
            fleet.awaitShown("d2 | xenolith: Debian");
            fleet.awaitShown("d3 | [");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as(fleet.said.text()).isTrue();
            assertThat(fleet.consoles.text())
                    .contains("d1 | [    0.000000] Linux version")
                    .contains("d2 | [    0.000000] Linux version")
                    .doesNotContain("d3 | [    0.000000] Linux version")
                    .doesNotContain("Call Trace");
        }
    }

    @Test
    void copyThatCannotStartDoesNotCountAmongThoseThatBegan() throws Exception {
        String toml =
                """
                [guest.d]
                image = "debian"
                memory = "96M"
                network = "nat,mac=00:16:3e:00:00:01"     # the first guest has it, and its copy cannot
                count = 2
                fork-when = "is up"
                """;
        try (RunningFleet fleet =
                new RunningFleet(RunningFleet.toml(toml), debian(), Duration.ofMinutes(1))) {
            fleet.start();
            fleet.awaitSaid("vmm: d2 cannot start: ");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as(fleet.said.text()).isFalse();
            assertThat(fleet.said.text()).doesNotContain(" began ");
        }
    }

    @Test
    void copyThatSomebodyAsksForIsAGuestOfTheFleet() throws Exception {
        String toml =
                """
                memory-limit = "230M"
                [guest.d]
                image = "debian"
                memory = "96M"
                network = []
                """;
        try (RunningFleet fleet =
                new RunningFleet(RunningFleet.toml(toml), debian(), Duration.ofMinutes(1))) {
            fleet.start();
            fleet.awaitShown("d | xenolith: Debian");
            HostVerbs verbs = new HostVerbs(fleet.fleet.host(), fleet.fleet);
            assertThat(verbs.perform("fork", fork("d", "try1")).getAsJsonObject().get("name"))
                    .isEqualTo(new JsonPrimitive("try1"));
            fleet.awaitSaid("vmm: try1 began as a copy of d.");
            fleet.awaitShown("try1 | [");
            assertThatThrownBy(() -> verbs.perform("fork", fork("d", "try2")))
                    .isInstanceOf(ControlException.class)
                    .hasMessageContaining("288 MiB at least, which is more than the memory-limit");
            verbs.perform("destroy", fork("d", ""));
            fleet.awaitSaid("vmm: d was destroyed.");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).as(fleet.said.text()).isTrue();
            assertThat(fleet.said.text()).contains("asking 1 guest to power off");
            assertThat(fleet.consoles.text()).doesNotContain("try1 | [    0.000000] Linux");
        }
    }

    private static JsonObject fork(String guest, String name) {
        JsonObject request = new JsonObject();
        request.addProperty("guest", guest);
        request.addProperty("name", name);
        return request;
    }

    @Test
    void firstGuestThatEndsWithoutTheWordLeavesTheOthersToBoot() throws Exception {
        String toml =
                """
                [guest.l]
                image = "lantern"
                memory = "8M"
                network = []
                cmdline = "run=echo done;poweroff"
                count = 3
                fork-when = "never said"
                """;
        try (RunningFleet fleet =
                new RunningFleet(
                        RunningFleet.toml(toml),
                        RunningFleet.lantern(folder),
                        Duration.ofMinutes(1))) {
            assertThat(fleet.start().ended()).isTrue();
            assertThat(fleet.said.text()).contains("vmm: l2 to l3 boot by themselves.\n");
            assertThat(fleet.consoles.text()).contains("l2 | done\n").contains("l3 | done\n");
        }
    }

    @Test
    void copiesThatWaitForAWordThatIsNotSaidAreNamedOnce() throws Exception {
        String toml =
                """
                [guest.l]
                image = "lantern"
                memory = "8M"
                network = []
                count = 3
                fork-when = "never said"
                """;
        Fleet.Patience none =
                new Fleet.Patience(Fleet.Patience.STANDARD.askAgain(), Duration.ofMillis(100));
        try (RunningFleet fleet =
                new RunningFleet(
                        RunningFleet.toml(toml),
                        RunningFleet.lantern(folder),
                        Duration.ofMinutes(1),
                        none)) {
            fleet.start();
            fleet.awaitSaid("vmm: l2 to l3 wait until l1 says 'never said', its fork-when.\n");
            fleet.awaitShown("l1 | ");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
            assertThat(fleet.said.text()).containsOnlyOnce(" wait until ");
        }
    }

    @Test
    void fleetThatIsStoppedBeforeTheWordEnds() throws Exception {
        String toml =
                """
                [guest.l]
                image = "lantern"
                memory = "8M"
                network = []
                count = 3
                fork-when = "never said"
                """;
        try (RunningFleet fleet =
                new RunningFleet(
                        RunningFleet.toml(toml),
                        RunningFleet.lantern(folder),
                        Duration.ofMinutes(1))) {
            fleet.start();
            fleet.awaitShown("l1 | ");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
            assertThat(fleet.consoles.text()).doesNotContain("l2 |");
        }
    }

    private RunningFleet lanterns(String keys) {
        String toml =
                """
                [guest.l]
                image = "lantern"
                memory = "8M"
                network = []
                count = 3
                fork-when = "done"
                """
                        + keys;
        return new RunningFleet(
                RunningFleet.toml(toml), RunningFleet.lantern(folder), Duration.ofMinutes(1));
    }

    @Test
    @Timeout(40)
    void firstGuestThatEndsInsteadOfItsSuspendIsNotWaitedFor() throws Exception {
        try (RunningFleet fleet = lanterns("cmdline = \"run=echo done\"")) {
            fleet.start();
            fleet.awaitShown("l1 | done");
            fleet.fleet.shutdown();
            assertThat(fleet.ended()).isTrue();
            assertThat(fleet.consoles.text()).doesNotContain("l2 |");
        }
    }

    @Test
    @Timeout(40)
    void defectWhileItIsCopiedLeavesTheOthersToBoot() throws Exception {
        try (RunningFleet fleet = lanterns("cmdline = \"run=echo done;poweroff\"")) {
            fleet.onSaid(
                    sentence -> {
                        if (sentence.contains("cannot be copied")) {
                            throw new IllegalStateException("a defect");
                        }
                    });
            fleet.start().ended();
            assertThat(fleet.consoles.text()).contains("l2 | done\n").contains("l3 | done\n");
        }
    }

    @Test
    @Timeout(40)
    void firstGuestThatIsPreservedLeavesTheOthersToBoot() throws Exception {
        String keys = "cmdline = \"run=poweroff\"\non-poweroff = \"preserve\"";
        try (RunningFleet fleet = lanterns(keys)) {
            fleet.start();
            fleet.awaitSaid("vmm: l2 to l3 boot by themselves.");
            fleet.awaitSaid("vmm: l3 powered off and is preserved");
        }
    }
}
