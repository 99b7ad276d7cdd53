package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Hearth's ext2, compiled for this machine, beside Linux's tools for it: what mke2fs made it can
 * use, and what it leaves e2fsck finds nothing wrong with.
 */
class HearthFileSystemTest {
    private static final int SEEDS = 2;
    private static final long IMAGE_BYTES = 20 << 20;

    @TempDir Path folder;

    private HostedBuild build;
    private Path disk;
    private Path image;

    @BeforeEach
    void compile() throws Exception {
        build = new HostedBuild(folder);
        HostNeeds.require(build.isPossible(), "gcc with its sanitizers");
        HostNeeds.require(
                build.hasTool("mke2fs") && build.hasTool("e2fsck"),
                "mke2fs or e2fsck (package e2fsprogs)");
        disk = build.program("disk", "disk.c", "ext2.c", "cache.c");
        image = folder.resolve("image");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-b 1024", "-b 4096", "-r 0", "-b 1024 -g 1024 -N 300"})
    void aThousandChangesLeaveWhatTheModelSaysAndNothingForFsckToMend(String format)
            throws Exception {
        for (int seed = 1; seed <= SEEDS; seed++) {
            make(format);
            HostedBuild.Result work = build.run(disk, "work", image.toString(), "" + seed);
            assertThat(work.status()).as("seed %d: %s", seed, work.output()).isZero();
            HostedBuild.Result check = build.tool("e2fsck", "-fn", image.toString());
            assertThat(check.status()).as("seed %d: %s", seed, check.output()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-b 1024", "-b 4096"})
    void wrongBytesOnTheDiskCrashNothing(String format) throws Exception {
        make(format);
        assertThat(build.run(disk, "work", image.toString(), "1").status()).isZero();
        byte[] sound = Files.readAllBytes(image);
        for (int seed = 1; seed <= 5 * SEEDS; seed++) {
            Files.write(image, sound);
            HostedBuild.Result ruin = build.run(disk, "ruin", image.toString(), "" + seed);
            assertThat(ruin.status()).as("seed %d: %s", seed, ruin.output()).isZero();
        }
    }

    private void make(String format) throws Exception {
        Files.write(image, new byte[(int) IMAGE_BYTES]);
        List<String> arguments = new ArrayList<>(List.of("-q", "-F", "-t", "ext2"));
        arguments.addAll(List.of(format.split(" ")));
        arguments.add(image.toString());
        HostedBuild.Result made = build.tool("mke2fs", arguments.toArray(new String[0]));
        assertThat(made.status()).as(made.output()).isZero();
    }
}
