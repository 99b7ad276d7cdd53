package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.block.HostTool;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

final class KernelVersionsTest {
    private static final String[] PARTS = {
        "1", "01", "9", "10", "18", "100", ".", "-", "~", "a", "rc", "amd64", "B", ".old", "_", "+"
    };

    @Test
    void newestKernelIsNotTheLastInTheAlphabet() {
        List<String> names =
                new ArrayList<>(
                        List.of(
                                "vmlinuz-6.1.0-18-amd64",
                                "vmlinuz-6.1.0-9-amd64",
                                "vmlinuz-6.10.2-amd64",
                                "vmlinuz-5.10.0-30-amd64",
                                "vmlinuz-6.10.2-amd64.old"));

        names.sort(KernelVersions.ORDER);

        assertThat(names)
                .containsExactly(
                        "vmlinuz-5.10.0-30-amd64",
                        "vmlinuz-6.1.0-9-amd64",
                        "vmlinuz-6.1.0-18-amd64",
                        "vmlinuz-6.10.2-amd64",
                        "vmlinuz-6.10.2-amd64.old");
    }

    @Test
    void orderIsThatOfSort() {
        HostTool env = new HostTool("env", "coreutils");
        long seed = Long.getLong("xenolith.seed", System.nanoTime());
        Random random = new Random(seed);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            StringBuilder name = new StringBuilder("vmlinuz-");
            for (int j = random.nextInt(7); j >= 0; j--) {
                name.append(PARTS[random.nextInt(PARTS.length)]);
            }
            names.add(name.toString());
        }
        String sorted =
                env.runWithInput(String.join("\n", names) + "\n", "LC_ALL=C", "sort", "-V")
                        .output();

        names.sort(KernelVersions.ORDER);

        assertThat(names).as("seed %d", seed).containsExactly(sorted.split("\n"));
    }
}
