package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Path;
import java.util.Properties;

/** The prebuilt image is what the sources say; whoever has a compiler can check it. */
class GuestRebuildTest {
    @TempDir Path folder;

    @BeforeEach
    void requireTools() {
        HostNeeds.skipWithoutLinuxOnX86();
        HostNeeds.require(
                GuestBuild.missingTools().isEmpty(), String.join(", ", GuestBuild.missingTools()));
    }

    @ParameterizedTest
    @MethodSource("org.xenolith.guests.GuestImages#names")
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
                .isEqualTo(GuestImages.read(name));
    }

    @ParameterizedTest
    @MethodSource("org.xenolith.guests.GuestImages#names")
    void anyToolsBuildAKernelThatTheDomainBuilderUnderstands(String name) throws Exception {
        GuestImageTest.assertThatImageIsAXenKernel(name, GuestBuild.buildIn(folder, name));
    }
}
