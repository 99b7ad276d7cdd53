package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/** The prebuilt image is what the sources say; whoever has a compiler can check it. */
class GuestRebuildTest {
    @TempDir Path folder;

    @BeforeEach
    void requireTools() {
        HostNeeds.skipWithoutLinuxOnX86();
        HostNeeds.require(
                GuestBuild.missingTools().isEmpty(), String.join(", ", GuestBuild.missingTools()));
    }

    static List<String> everythingPrebuilt() {
        List<String> names = new ArrayList<>(GuestImages.names());
        names.add(GuestFiles.MEMORY_AGENT);
        return names;
    }

    @ParameterizedTest
    @MethodSource("everythingPrebuilt")
    void theRecordedToolsRebuildThePrebuiltImageToTheByte(String name) throws Exception {
        Properties record = GuestBuild.recorded(name);
        for (String tool : new String[] {"gcc", "ld"}) {
            String here = GuestBuild.version(tool);
            String recorded = record.getProperty(tool);
            HostNeeds.skipWithout(
                    here.equals(recorded),
                    "what made the image, \"" + recorded + "\": here is \"" + here + "\"");
        }

        assertThat(GuestBuild.buildIn(folder, name))
                .as("run `make install` in guests/src/main/guest/%s after a change", name)
                .isEqualTo(GuestFiles.read(name + ".elf"));
    }

    @ParameterizedTest
    @MethodSource("org.xenolith.guests.GuestImages#names")
    void anyToolsBuildAKernelThatTheDomainBuilderUnderstands(String name) throws Exception {
        GuestImageTest.assertThatImageIsAXenKernel(name, GuestBuild.buildIn(folder, name));
    }

    @Test
    void memoryAgentEndsAtOnceOnAMachineWithoutXenstore() throws Exception {
        assumeTrue(Files.notExists(Path.of("/dev/xen/xenbus")), "SKIPPED: this is a Xen guest");
        Path program = Files.write(folder.resolve("agent"), GuestFiles.memoryAgent());
        assertThat(program.toFile().setExecutable(true)).isTrue();
        Process process = new ProcessBuilder(program.toString()).start();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }
}
