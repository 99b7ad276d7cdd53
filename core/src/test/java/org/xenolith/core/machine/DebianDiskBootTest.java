package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.AttachedDevice;
import org.xenolith.core.backend.Disk;
import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Debian's own blkfront against our blkback; the host's file-system tools are the judges. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DebianDiskBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(110);
    private static final int FILE_BYTES = 5_000_001;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    /** Makes an ext4 image with a file of random bytes in it; returns their digest. */
    private String image(Path image) throws Exception {
        Path content = Files.createDirectory(folder.resolve("content-" + image.getFileName()));
        byte[] bytes = new byte[FILE_BYTES];
        new Random(1).nextBytes(bytes);
        Files.write(content.resolve("from-host"), bytes);
        HostTool.run("mke2fs", "-q", "-t", "ext4", "-d", "" + content, "" + image, "32M");
        return sha256(bytes);
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private Path initrdWith(BootInput input, String script) throws IOException {
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("script", 0755, script.getBytes(StandardCharsets.UTF_8))
                .appendTo(input.initrd(), initrd);
        return initrd;
    }

    private static Disk disk(String name, Path file, boolean readOnly) throws IOException {
        return new Disk(DiskName.parse(name), new FileImage(file, readOnly), file.toString());
    }

    private static final String SCRIPT =
            """
            #!/bin/sh
            mkdir -p /a /b /c
            mount -t ext4 -o discard /dev/xvda /a && sha256sum /a/from-host
            cp /a/from-host /a/from-guest && echo a line >/a/note && rm /a/from-host
            sync && echo synced $?
            dd if=/dev/xvda of=/dev/null bs=1M iflag=direct 2>&1 | tail -1
            umount /a && echo unmounted
            echo size $(cat /sys/block/xvda/size) ro $(cat /sys/block/xvda/ro /sys/block/xvdb/ro)
            mount -t ext4 -o ro,noload /dev/xvdb /b && sha256sum /b/from-host
            dd if=/dev/zero of=/dev/xvdb count=1 2>&1 | grep -o "[A-Z][a-z -]*permitted"
            echo waiting for xvdc
            while [ ! -b /dev/xvdc ]; do sleep 0.1; done
            dd if=/dev/urandom of=/dev/xvdc bs=4k count=64 conv=fsync 2>/dev/null
            echo xvdc is $(dd if=/dev/xvdc bs=4k count=64 2>/dev/null | sha256sum)
            echo done with xvdc
            while [ -b /dev/xvdc ]; do sleep 0.1; done
            echo xvdc is gone
            umount /b
            dmesg | grep -E 'WARNING:|BUG:|Oops|I/O error|EXT4-fs error'
            """;

    @Test
    void fileSystemsAreReadWrittenSyncedAndHotPlugged() throws Exception {
        HostTool.require("mke2fs", "e2fsck", "debugfs");
        BootInput input = DebianInput.orSkip();
        Path writable = folder.resolve("a.img");
        Path readOnly = folder.resolve("b.img");
        Path plugged = folder.resolve("c.img");
        String digest = image(writable);
        image(readOnly);
        byte[] before = Files.readAllBytes(readOnly);
        Files.write(plugged, new byte[1 << 20]);
        BootOptions options =
                BootFixture.options(
                        input.kernel(),
                        initrdWith(input, SCRIPT),
                        input.defaultCommandLine() + " run=/script",
                        128 * BootFixture.MIB,
                        2,
                        false);
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options, console)) {
            guest.devices().attach(disk("xvda", writable, false));
            guest.devices().attach(disk("xvdb", readOnly, true));
            guest.start();
            expect("waiting for xvdc");
            AttachedDevice third = guest.devices().attach(disk("xvdc", plugged, false));
            expect("done with xvdc");
            third.detach().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            expect("xvdc is gone");
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
            assertThat(host.store().list("/local/domain/0/backend/vbd/1"))
                    .containsExactly("51712", "51728");
        }
        assertThat(console.text())
                .containsPattern(digest + "  /a/from-host")
                .containsPattern(digest + "  /b/from-host")
                .contains("synced 0", "unmounted", "size 65536 ro 0 1", "not permitted")
                .contains("xvdc is " + sha256(java.util.Arrays.copyOf(bytesOf(plugged), 64 << 12)))
                .doesNotContain("WARNING:", "Oops", "I/O error", "EXT4-fs error");
        judge(writable, digest);
        assertThat(Files.readAllBytes(readOnly)).isEqualTo(before);
    }

    private static byte[] bytesOf(Path file) throws IOException {
        return Files.readAllBytes(file);
    }

    private void expect(String text) throws InterruptedException {
        assertThat(console.awaitText(text, PATIENCE)).as("%s", console.text()).isTrue();
    }

    private void judge(Path image, String digest) throws Exception {
        HostTool.run("e2fsck", "-f", "-n", "" + image);
        assertThat(HostTool.run("debugfs", "-R", "cat note", "" + image)).contains("a line");
        Path dumped = folder.resolve("dumped");
        HostTool.run("debugfs", "-R", "dump from-guest " + dumped, "" + image);
        assertThat(sha256(Files.readAllBytes(dumped))).isEqualTo(digest);
        assertThat(HostTool.run("debugfs", "-R", "ls -l /", "" + image))
                .contains("from-guest")
                .doesNotContain("from-host");
    }
}
