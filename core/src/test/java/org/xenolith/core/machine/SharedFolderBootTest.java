package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.ShareSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Debian's full kernel, whose frontend for 9pfs is a module, with folders of the host. */
@Tag("proof")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class SharedFolderBootTest {
    private static final Pattern PACKAGE = Pattern.compile("linux-image-([0-9]\\S*)");

    /** modules.dep: what a module needs stands behind it. */
    private static final String DEPENDENCIES =
            """
            kernel/fs/netfs/netfs.ko:
            kernel/fs/fscache/fscache.ko: kernel/fs/netfs/netfs.ko
            kernel/net/9p/9pnet.ko:
            kernel/net/9p/9pnet_xen.ko: kernel/net/9p/9pnet.ko
            kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/fscache/fscache.ko kernel/fs/netfs/netfs.ko
            """;

    @TempDir Path folder;

    private BootInput debian;
    private Path kernel;
    private Path initrd;
    private Path shared;
    private Path readOnly;

    @BeforeEach
    void kernelAndFolders() throws Exception {
        HostTool.require("apt-get", "apt-cache", "dpkg-deb");
        debian = DebianInput.orSkip();
        Matcher name = PACKAGE.matcher(HostTool.run("apt-cache", "depends", "linux-image-amd64"));
        assertThat(name.find()).as("a kernel that linux-image-amd64 depends on").isTrue();
        Path unpacked = unpack(name.group());
        kernel = unpacked.resolve("boot/vmlinuz-" + name.group(1));
        initrd = folder.resolve("initrd");
        modules(unpacked, name.group(1)).appendTo(debian.initrd(), initrd);
        shared = Files.createDirectory(folder.resolve("shared"));
        readOnly = Files.createDirectory(folder.resolve("read-only"));
        Files.writeString(readOnly.resolve("file"), "locked\n");
        fill();
    }

    private Path unpack(String packageName) throws Exception {
        Path packages = Files.createDirectory(folder.resolve("packages"));
        HostTool.run("sh", "-c", "cd " + packages + " && apt-get -q download " + packageName);
        Path unpacked = folder.resolve("unpacked");
        try (DirectoryStream<Path> files = Files.newDirectoryStream(packages, "*.deb")) {
            HostTool.run("dpkg-deb", "-x", "" + files.iterator().next(), "" + unpacked);
        }
        return unpacked;
    }

    private static Initramfs modules(Path unpacked, String release) throws IOException {
        String root = "lib/modules/" + release + "/";
        Initramfs files = new Initramfs().file(root + "modules.dep", 0644, DEPENDENCIES);
        for (String line : DEPENDENCIES.lines().toList()) {
            String module = line.substring(0, line.indexOf(':'));
            files.file(root + module, 0644, Files.readAllBytes(unpacked.resolve(root + module)));
        }
        return files;
    }

    private void fill() throws IOException {
        Random random = new Random(9);
        for (int i = 0; i < 40; i++) {
            Path in = Files.createDirectories(shared.resolve("tree/d" + i % 7));
            byte[] data = new byte[random.nextInt(200_000)];
            random.nextBytes(data);
            Files.write(in.resolve("f" + i), data);
        }
        Files.createSymbolicLink(shared.resolve("tree/link"), Path.of("d1/f1"));
        Files.createSymbolicLink(shared.resolve("tree/out"), Path.of("/etc/passwd"));
    }

    /** One line for each file of a folder, with its digest. */
    private static String digests(Path tree) throws Exception {
        return HostTool.run("sh", "-c", "cd " + tree + " && " + DIGESTS);
    }

    private static final String DIGESTS = "find . -type f | sort | xargs sha256sum";

    private DebianSession guest() throws Exception {
        BootOptions options =
                BootOptions.of("test", kernel, 256 * BootFixture.MIB)
                        .initrd(Optional.of(initrd))
                        .commandLine(debian.defaultCommandLine())
                        .vcpus(2)
                        .timeout(Optional.of(Duration.ofMinutes(10)))
                        .build();
        List<ShareSpec> shares =
                List.of(
                        new ShareSpec("shared", shared, false),
                        new ShareSpec("locked", readOnly, true));
        GuestDevices devices = new GuestDevices(List.of(), List.of(), List.of(), shares);
        return DebianSession.start(options.with(devices));
    }

    private static void mount(DebianSession guest, String tag, String at) throws Exception {
        guest.run("mkdir -p " + at);
        // No longer: a line that wraps stands among what comes back.
        String mount = "mount -t 9p -o trans=xen,version=9p2000.L %s %s && echo ok";
        assertThat(guest.run(mount.formatted(tag, at))).isEqualTo("ok\n");
    }

    @Test
    void folderOfTheHostIsTheGuestsFileSystem() throws Exception {
        try (DebianSession guest = guest()) {
            guest.await(DebianImage.PROMPT);
            guest.run("dmesg -n 1; modprobe 9pnet_xen; modprobe 9p");
            mount(guest, "shared", "/s");
            mount(guest, "locked", "/l");
            assertThat(guest.run("(cd /s/tree; " + DIGESTS + ")").strip())
                    .isEqualTo(digests(shared.resolve("tree")).strip());

            guest.run("mkdir /s/back; tar cf - -C /s/tree . | tar xf - -C /s/back");
            assertThat(digests(shared.resolve("back"))).isEqualTo(digests(shared.resolve("tree")));
            assertThat(Files.readSymbolicLink(shared.resolve("back/out")))
                    .hasToString("/etc/passwd");

            guest.run("for i in $(seq 300); do echo $i >/s/n$i; done");
            guest.run("mv /s/n1 /s/m1; rm /s/n2");
            assertThat(shared.resolve("n300")).hasContent("300");
            assertThat(shared.resolve("m1")).hasContent("1");
            assertThat(guest.run("ls /s | grep -c ^n")).isEqualTo("298\n");
            String removed = "(cd /s; exec 3>gone 4<gone; rm gone; echo still >&3; cat <&4)";
            assertThat(guest.run(removed)).isEqualTo("still\n");
            guest.run("echo one >/s/log; echo two >>/s/log");
            assertThat(shared.resolve("log")).hasContent("one\ntwo");

            assertThat(guest.run("cat /l/file; echo x >/l/new || echo refused"))
                    .contains("locked")
                    .contains("refused");
            assertThat(readOnly.resolve("new")).doesNotExist();
            assertThat(guest.run("dmesg | grep -cE 'WARN|BUG:|Oops'")).isEqualTo("0\n");
            assertThat(guest.powerOff().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }
}
