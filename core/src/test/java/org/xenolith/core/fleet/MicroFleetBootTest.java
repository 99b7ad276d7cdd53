package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.lab.GuestCompiler;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Micro-guests that want company, started as their files say. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class MicroFleetBootTest {
    private static final Path MICRO = Path.of("../guests/src/main/guest/micro");

    @TempDir Path folder;

    @BeforeEach
    void requireTools() {
        List<String> missing = GuestCompiler.missingTools();
        HostNeeds.require(missing.isEmpty(), missing + " to build micro-guests");
    }

    /** The file that comes with a guest, with the guest where we have built it. */
    private String builtFleet(String name) throws IOException {
        try (GuestCompiler compiler = GuestCompiler.create()) {
            Path image = compiler.build(name, List.of(MICRO.resolve(name + ".c")));
            Files.copy(image, folder.resolve(name + ".elf"));
        }
        return Files.readString(MICRO.resolve(name + ".toml"))
                .replace("guests/target/micro", folder.toString());
    }

    private RunningFleet fleet(String toml) {
        return new RunningFleet(
                RunningFleet.toml(toml), RunningFleet.lantern(folder), Duration.ofSeconds(20));
    }

    @Test
    void twoGuestsOfAFleetWakeEachOther() throws Exception {
        try (RunningFleet fleet = fleet(builtFleet("pingpong-domains"))) {
            assertThat(fleet.start().ended()).as(fleet.consoles.text()).isTrue();
            assertThat(fleet.consoles.text())
                    .contains("server | pingpong-domains: success: ")
                    .contains("client | pingpong-domains: success: ");
        }
    }

    @Test
    void guestThatEndsWithACodeMakesTheFleetFail() throws Exception {
        String alone = builtFleet("share").replaceAll("(?s)\\[guest\\.user].*", "");
        try (RunningFleet fleet = fleet(alone.replace("peer=2", ""))) {
            assertThat(fleet.start().ended()).isFalse();
            assertThat(fleet.said.text()).contains("vmm: owner powered off with code 77.\n");
        }
    }
}
