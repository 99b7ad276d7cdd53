package org.xenolith.core.image.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/** The making of the image with stand-ins for the tools: no network, no root, no Debian. */
@DisabledOnOs(OS.WINDOWS)
class LampImageTest {
    private static final String MIRROR = "http://mirror.test/debian/";

    @TempDir private Path directory;
    private Path tools;
    private Path cache;

    @BeforeEach
    void putToolsInPlace() throws IOException {
        tools = Files.createDirectory(directory.resolve("tools"));
        cache = directory.resolve("lamp");
        tool("rm", "exec /bin/rm \"$@\"");
        tool(
                "debootstrap",
                "echo \"$*\" >"
                        + directory
                        + "/debootstrap.arguments\n"
                        + "for last; do root=$before; before=$last; done\n"
                        + "mkdir -p \"$root/etc/apt\" \"$root/usr/sbin\" \"$root/dev\"");
        tool("chroot", "case $2 in apt-get) echo \"$*\" >>" + directory + "/apt ;; esac");
        tool(
                "tar",
                "case $1 in --create) echo packed >"
                        + cache
                        + "/work.part/root.tar ;;"
                        + " --extract) mkdir "
                        + cache
                        + "/work.part/root/dev ;; esac");
        tool("mke2fs", "shift $(($# - 2)); echo disk >\"$1\"");
        tool("newuidmap", "exit 1");
        tool("unshare", "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"");
    }

    private void tool(String name, String script) throws IOException {
        Path file = Files.writeString(tools.resolve(name), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private String aptTool(String name, String script) throws IOException {
        tool(name, script);
        return tools.resolve(name).toString();
    }

    /** A Debian cache with kernel and initial RAM disk ready, and an apt that knows its sources. */
    private LampImage image(boolean root) throws IOException {
        Path debian = directory.resolve("debian");
        Path made = debian.resolve("release/made-" + new LampInitramfs().version());
        Files.createDirectories(made);
        Files.writeString(debian.resolve("current"), "release\n");
        String aptGet =
                aptTool(
                        "apt-get",
                        """
                        case "$*" in
                        *indextargets*)
                            echo "source Debian main bookworm-security http://mirror.test/security/"
                            echo "source Debian main bookworm http://mirror.test/debian/"
                            echo "source Debian contrib bookworm http://mirror.test/contrib/"
                            echo "source Elsewhere main bookworm http://elsewhere.test/" ;;
                        esac\
                        """);
        return new LampImage(
                cache,
                new DebianImage(
                        debian,
                        new AptPackages.Programs(
                                aptGet,
                                "apt-cache",
                                aptTool("apt-config", "echo \"PROXY=''\""),
                                "dpkg-deb"),
                        new LampInitramfs()),
                new HostPrograms(List.of(tools)),
                root);
    }

    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.list(cache)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals("lock"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"debootstrap", "mke2fs", "chroot", "tar"})
    void rootIsToldWhichToolIsMissingBeforeAnythingBegins(String missing) throws IOException {
        LampImage image = image(true);
        Files.delete(tools.resolve(missing));

        assertThatThrownBy(() -> image.prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessageStartingWith("this machine has no " + missing + ", which the LAMP image")
                .hasMessageContaining("install the package ");
        assertThat(cache).doesNotExist();
    }

    @Test
    void anybodyElseNeedsMmdebstrapInstead() throws IOException {
        assertThatThrownBy(() -> image(false).prepare(false, Progress.NONE))
                .hasMessage(
                        "this machine has no mmdebstrap, which the LAMP image is made with;"
                                + " install the package mmdebstrap");
    }

    @Test
    void debianComesFromWhereAptGetsItTheReleaseFirst() throws IOException {
        image(true).prepare(false, Progress.NONE);

        assertThat(Files.readString(directory.resolve("debootstrap.arguments")))
                .contains("--variant=minbase", " bookworm ")
                .endsWith(MIRROR + "\n");
        assertThat(Files.readString(directory.resolve("apt")))
                .contains("install apache2 libapache2-mod-php8.2 php8.2-mysql mariadb-server");
    }

    @Test
    void theImageIsMadeOnceAndNobodyMayWriteToIt() throws IOException {
        LampImage image = image(true);
        LampImage.Input first = image.prepare(false, Progress.NONE);
        Files.delete(tools.resolve("mke2fs"));

        assertThat(image.prepare(false, Progress.NONE)).isEqualTo(first);
        assertThat(first.disk()).hasContent("disk");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(first.disk())))
                .isEqualTo("r--r--r--");
        assertThat(first.boot().defaultCommandLine())
                .contains("root=/dev/xvda", "cryptomgr.notests");
    }

    @Test
    void itsDiskIsKnownByAnyName() throws IOException {
        Path other = Files.writeString(directory.resolve("other.img"), "disk");
        assertThat(LampImage.isDiskIn(cache, other)).as("before it is made").isFalse();
        Path disk = image(true).prepare(false, Progress.NONE).disk();
        assertThat(LampImage.isDiskIn(cache, disk)).isTrue();
        Path link = Files.createSymbolicLink(directory.resolve("link.img"), disk);
        assertThat(LampImage.isDiskIn(cache, link)).isTrue();
        assertThat(LampImage.isDiskIn(cache, other)).isFalse();
    }

    @Test
    void aFailedDiskLeavesThePackagesForTheNextTryAndNothingElse() throws IOException {
        tool("mke2fs", "echo half >\"$(dirname \"$0\")/half\"; echo 'no space left' >&2; exit 1");

        assertThatThrownBy(() -> image(true).prepare(false, Progress.NONE))
                .hasMessage("mke2fs cannot write the disk image (no space left)");
        assertThat(left()).containsExactly("packages-" + LampPackages.version() + ".tar");
    }

    @Test
    void aFailedInstallationLeavesNothing() throws IOException {
        tool("debootstrap", "echo 'E: Failed getting release file'; exit 1");

        assertThatThrownBy(() -> image(true).prepare(false, Progress.NONE))
                .hasMessage(
                        "debootstrap cannot install Debian for the LAMP image"
                                + " (Failed getting release file)");
        assertThat(left()).isEmpty();
    }

    @Test
    void whatAKilledRunLeftIsSweptByTheNext() throws IOException {
        Files.createDirectories(cache.resolve("work.part/root/etc"));

        image(true).prepare(false, Progress.NONE);

        assertThat(left()).noneMatch(name -> name.endsWith(".part"));
    }
}
