package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.host.HostNeeds;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

class InitramfsTest {
    private static Initramfs sample() {
        return new Initramfs()
                .file("/init", 0755, "#!/bin/sh\n")
                .file("etc/deep/er/motd", 0644, "hello")
                .symlink("bin/sh", "busybox")
                .characterDevice("dev/console", 0600, 5, 1)
                .directory("tmp", 01777);
    }

    private static byte[] bytes(Initramfs initramfs) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        initramfs.writeTo(out);
        return out.toByteArray();
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Cpio.Reader reader = new Cpio.Reader(new ByteArrayInputStream(bytes(sample())));
        List<String> seen = new ArrayList<>();
        for (Optional<Cpio.Entry> next = reader.next(); next.isPresent(); next = reader.next()) {
            Cpio.Entry entry = next.get();
            String data = new String(reader.data(), StandardCharsets.UTF_8).strip();
            seen.add("%o %s %s".formatted(entry.mode(), entry.path(), data).strip());
        }

        assertThat(seen)
                .containsExactly(
                        "100755 init #!/bin/sh",
                        "40755 etc",
                        "40755 etc/deep",
                        "40755 etc/deep/er",
                        "100644 etc/deep/er/motd hello",
                        "40755 bin",
                        "120777 bin/sh busybox",
                        "40755 dev",
                        "20600 dev/console",
                        "41777 tmp");
    }

    @Test
    void equalContentsGiveEqualBytes() throws IOException {
        assertThat(bytes(sample())).isEqualTo(bytes(sample()));
    }

    @Test
    void aLaterFileReplacesAnEarlierOne() throws IOException {
        Initramfs initramfs = new Initramfs().file("a", 0644, "old").file("a", 0600, "new");

        assertThat(bytes(initramfs)).isEqualTo(bytes(new Initramfs().file("a", 0600, "new")));
    }

    @Test
    void pathsThatNameNoFileAreRefused() {
        for (String path : List.of("", "/", "a/", "a//b")) {
            assertThatThrownBy(() -> new Initramfs().file(path, 0644, "x"))
                    .as(path)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void anAppendedArchiveIsSeenBehindTheFirst(@TempDir Path directory) throws IOException {
        Path base = directory.resolve("base");
        Path both = directory.resolve("both");
        sample().writeTo(base);

        new Initramfs().file("test.sh", 0755, "exit 3").appendTo(base, both);

        InitrdImage image = InitrdImage.read(both);
        assertThat(image.parts()).extracting(InitrdImage.Part::files).containsExactly(2, 1);
        assertThat(image.parts())
                .extracting(InitrdImage.Part::hasInit)
                .containsExactly(true, false);
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactlyInAnyOrder(base, both);
        }
    }

    @Test
    void cpioListsTheArchive(@TempDir Path directory) throws Exception {
        HostNeeds.requirePrograms("cpio");
        Path archive = directory.resolve("initrd");
        sample().writeTo(archive);

        Process cpio =
                new ProcessBuilder("cpio", "-it", "--quiet")
                        .redirectInput(archive.toFile())
                        .redirectErrorStream(true)
                        .start();
        List<String> listed;
        try (var output = cpio.inputReader()) {
            listed = output.lines().toList();
        }

        assertThat(cpio.waitFor()).isZero();
        assertThat(listed)
                .containsExactly(
                        "init",
                        "etc",
                        "etc/deep",
                        "etc/deep/er",
                        "etc/deep/er/motd",
                        "bin",
                        "bin/sh",
                        "dev",
                        "dev/console",
                        "tmp");
    }
}
