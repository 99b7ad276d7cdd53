package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Properties;

/** The prebuilt image is what the sources say; whoever has a compiler can check it. */
class LanternRebuildTest {
    @TempDir Path folder;

    @BeforeEach
    void skipLoudlyWithoutTools() {
        boolean x86 = System.getProperty("os.arch").equals("amd64");
        if (!x86) {
            skip("this machine is not x86-64, its gcc makes other code");
        }
        if (!LanternBuild.missingTools().isEmpty()) {
            skip("this machine lacks " + LanternBuild.missingTools());
        }
    }

    @Test
    void theRecordedToolsRebuildThePrebuiltImageToTheByte() throws Exception {
        Properties record = LanternBuild.recorded();
        for (String tool : new String[] {"gcc", "ld"}) {
            String here = LanternBuild.version(tool);
            String recorded = record.getProperty(tool);
            if (!here.equals(recorded)) {
                skip("the image was made by \"" + recorded + "\", here is \"" + here + "\"");
            }
        }

        assertThat(LanternBuild.buildIn(folder))
                .as("run `make install` in guests/src/main/guest/lantern after a change")
                .isEqualTo(GuestImages.read(GuestImages.LANTERN));
    }

    @Test
    void anyToolsBuildAKernelThatTheDomainBuilderUnderstands() throws Exception {
        LanternImageTest.assertThatImageIsAXenKernel(LanternBuild.buildIn(folder));
    }

    private static void skip(String reason) {
        String message = "SKIPPED: lantern is not rebuilt: " + reason;
        System.err.println(message);
        assumeTrue(false, message);
    }
}
