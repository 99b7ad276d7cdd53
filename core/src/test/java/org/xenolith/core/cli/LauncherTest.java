package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;

/** The shell script {@code vmm}, with a JDK that only shows what it is asked for. */
@Timeout(60)
final class LauncherTest {
    private static final Path LAUNCHER = Path.of("../vmm");

    @TempDir private Path folder;
    private Path jdk;
    private Path app;

    @BeforeEach
    void installWithAJdkThatShowsItsArguments() throws IOException {
        HostNeeds.requirePrograms("bash");
        Path launcher = Files.copy(LAUNCHER, folder.resolve("vmm"));
        Files.setLastModifiedTime(launcher, FileTime.from(Instant.EPOCH));
        jdk = folder.resolve("jdk");
        Files.createDirectories(jdk.resolve("bin"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        for (String program : List.of("javac", "java")) {
            Path file = jdk.resolve("bin").resolve(program);
            Files.writeString(file, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
            assertThat(file.toFile().setExecutable(true)).isTrue();
        }
        app = folder.resolve("target/vmm");
        Files.createDirectories(app.resolve("lib"));
        Files.writeString(app.resolve("jdk"), jdk + "\n");
        Files.createFile(app.resolve("built"));
    }

    /** What the JVM was asked for, an argument a line. */
    private String vmm(List<String> environment, String... arguments) throws Exception {
        ProcessBuilder launcher = new ProcessBuilder("bash", folder.resolve("vmm").toString());
        launcher.command().addAll(List.of(arguments));
        launcher.directory(folder.toFile()).redirectErrorStream(true);
        launcher.environment().keySet().retainAll(List.of("PATH"));
        launcher.environment().put("JAVA_HOME", jdk.toString());
        for (String variable : environment) {
            String[] named = variable.split("=", 2);
            launcher.environment().put(named[0], named[1]);
        }
        Process process = launcher.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private Path cacheWithDebian(String name) throws IOException {
        Path cache = folder.resolve(name);
        Files.createDirectories(cache.resolve("xenolith/debian/current"));
        return cache;
    }

    /** Whether it trains an AOT cache by Debian's kernel, for the user's cache has one. */
    private boolean findsDebian(String... environment) throws Exception {
        Path log = folder.resolve("target/vmm-build.log");
        Files.deleteIfExists(log);
        vmm(List.of(environment), "image", "debian");
        return Files.exists(log) && Files.readString(log).contains("-XX:AOTCacheOutput=");
    }

    @Test
    void relativeCacheIsIgnoredAsJavaIgnoresIt() throws Exception {
        cacheWithDebian("relative");
        Path empty = Files.createDirectory(folder.resolve("empty"));
        assertThat(findsDebian("XDG_CACHE_HOME=relative", "HOME=" + empty)).isFalse();
        Path home = cacheWithDebian("home/.cache").getParent();
        assertThat(findsDebian("XDG_CACHE_HOME=relative", "HOME=" + home)).isTrue();
        assertThat(findsDebian("XDG_CACHE_HOME=" + empty, "HOME=" + home)).isFalse();
        assertThat(findsDebian("HOME=" + home)).isTrue();
    }

    @Test
    void aotCacheIsLeftOutWithOptionsThatChangeProfiles() throws Exception {
        Files.createFile(app.resolve("start.aot"));
        assertThat(vmm(List.of("XENOLITH_JAVA_OPTIONS=-Xmx1g"), "version"))
                .contains("-XX:AOTCache=", "-Xmx1g");
        for (String option : List.of("-XX:-ProfileExceptionHandlers", "-XX:TypeProfileLevel=0")) {
            assertThat(vmm(List.of("XENOLITH_JAVA_OPTIONS=" + option), "version"))
                    .contains(option)
                    .doesNotContain("-XX:AOTCache=");
        }
    }
}
