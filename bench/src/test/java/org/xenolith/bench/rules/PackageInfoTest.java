package org.xenolith.bench.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;

final class PackageInfoTest {
    @Test
    void everyPackageSaysWhatItOwns() {
        assertThat(Modules.packageFolders())
                .isNotEmpty()
                .allSatisfy(
                        folder ->
                                assertThat(Files.exists(folder.resolve("package-info.java")))
                                        .as(folder + " has a package-info.java")
                                        .isTrue());
    }
}
