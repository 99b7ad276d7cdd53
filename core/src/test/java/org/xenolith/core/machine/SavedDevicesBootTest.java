package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Debian saved in the middle of its work with a disk, and a network that came later, and going on
 * elsewhere.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SavedDevicesBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(110);

    private static final String LEASE =
            """
            #!/bin/sh
            [ "$1" = bound ] || exit 0
            ip addr add $ip/$mask dev $interface
            ip route add default via $router
            """;

    /** Files, and their digests as they went into them; a page that says which is the last. */
    private static final String WORK =
            """
            #!/bin/sh
            until ip link set eth0 up 2>/dev/null; do sleep 1; done
            udhcpc -i eth0 -n -q -s /lease >/dev/null 2>&1
            mount -t ext4 /dev/xvda /disk
            httpd -h /disk
            n=0
            while [ ! -e /disk/stop ]; do
                n=$((n+1))
                dd if=/dev/urandom bs=16k count=20 2>/dev/null | tee /disk/f$n | md5sum | sed "s|-|/disk/f$n|" >>/disk/sums
                echo file $n >/disk/new; mv /disk/new /disk/page
                [ $n = 5 ] && echo work is under way
            done
            sync
            echo work has ended after $n files
            """;

    @TempDir Path folder;

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String get(int port, String path) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream()
                    .write(
                            ("GET " + path + " HTTP/1.0\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
            String answer =
                    new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        }
    }

    private static int lastFile(int port) throws IOException {
        return Integer.parseInt(get(port, "/page").replace("file ", "").strip());
    }

    private static void expect(GuestConsole console, String text) throws InterruptedException {
        assertThat(console.awaitText(text, PATIENCE)).as("%s", console.text()).isTrue();
    }

    private BootOptions options(BootInput input, GuestDevices devices) throws IOException {
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("lease", 0755, LEASE)
                .file("work", 0755, WORK)
                .file("disk/empty", 0644, "")
                .appendTo(input.initrd(), initrd);
        return BootFixture.options(
                        input.kernel(),
                        initrd,
                        input.defaultCommandLine(),
                        128 * BootFixture.MIB,
                        2,
                        false)
                .with(devices);
    }

    /** What is restored has a network of its own, where the guest would come first. */
    private static void takeTheFirstAddress(Host host) throws IOException {
        NetworkEndpoint nobody =
                new NetworkEndpoint() {
                    @Override
                    public boolean deliver(EthernetFrame frame) {
                        frame.release();
                        return true;
                    }

                    @Override
                    public void writable() {}
                };
        host.network()
                .place(NetworkSpec.parse("nat"), new MacAddress(0x00_16_3e_80_00_01L), "x", "x.0")
                .apply(nobody);
    }

    @Test
    void guestAtWorkGoesOnWithItsDiskAndItsNetwork() throws Exception {
        HostTool.require("mke2fs", "e2fsck", "qemu-img");
        BootInput input = DebianInput.orSkip();
        Path base = folder.resolve("base.img");
        HostTool.run("mke2fs", "-q", "-t", "ext4", "" + base, "128M");
        Path overlay = folder.resolve("disk.qcow2");
        Path file = folder.resolve("saved");
        int page = freePort();
        GuestDevices devices =
                new GuestDevices(
                        List.of(DiskSpec.parse(base + ",overlay=" + overlay)),
                        List.of(),
                        List.of());
        HttpServer outside =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        outside.createContext(
                "/",
                exchange -> {
                    exchange.sendResponseHeaders(200, 5);
                    exchange.getResponseBody().write("fine\n".getBytes(StandardCharsets.US_ASCII));
                    exchange.close();
                });
        outside.start();
        GuestConsole before = new GuestConsole();
        int lastBefore;
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options(input, devices), before)) {
            guest.start();
            expect(before, DebianImage.PROMPT);
            takeTheFirstAddress(host);
            new DeviceAttacher(host, guest).attachNetwork(NetworkSpec.parse("nat"));
            host.network().forward(PortForward.parse(page + ":80"), guest.name());
            before.type("kept=mem$((40+2)); /work &\n");
            expect(before, "work is under way");
            lastBefore = lastFile(page);
            guest.save(folder.resolve("while-it-goes-on"));
            while (lastFile(page) < lastBefore + 3) {
                Thread.onSpinWait();
            }
            lastBefore = lastFile(page);
            guest.saveAndEnd(file);
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isEqualTo(new Outcome.Saved(file));
        }
        HostTool.run("qemu-img", "check", "-q", "" + overlay);

        isNotRestoredOnAnotherDisk(file);

        GuestConsole after = new GuestConsole();
        RestoreOptions how =
                new RestoreOptions(false, Optional.of(PATIENCE), false, Tier.standard());
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<Outcome> end = thread.submit(() -> new VmmMachine().restore(file, how, after));
            after.type("echo still $kept\n");
            expect(after, "\nstill mem42");
            while (lastFile(page) < lastBefore + 3) {
                assertThat(end.isDone()).as("%s", after.text()).isFalse();
            }
            int port = outside.getAddress().getPort();
            after.type("wget -q -O - http://10.0.2.2:" + port + "/ | sed 's/^/net /'\n");
            expect(after, "\nnet fine");
            after.type("touch /disk/stop\n");
            expect(after, "work has ended");
            after.type("echo 3 >/proc/sys/vm/drop_caches; md5sum -c /disk/sums | grep -vc OK\n");
            expect(after, "\n0\r\n");
            after.type(
                    "echo complaints $(dmesg | grep -cE 'WARNING:|BUG:|I/O error|EXT4-fs"
                            + " error')\n");
            expect(after, "\ncomplaints 0");
            after.type("killall httpd; umount /disk && echo un''mounted; poweroff -f\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        } finally {
            outside.stop(0);
        }
        assertThat(after.text()).contains("\nunmounted");
        Path raw = folder.resolve("disk.raw");
        HostTool.run("qemu-img", "check", "-q", "" + overlay);
        HostTool.run("qemu-img", "convert", "-O", "raw", "" + overlay, "" + raw);
        HostTool.run("e2fsck", "-f", "-n", "" + raw);
    }

    private void isNotRestoredOnAnotherDisk(Path file) throws Exception {
        Path other = Files.write(folder.resolve("other.img"), new byte[1 << 20]);
        GuestDevices devices =
                new GuestDevices(
                        List.of(DiskSpec.parse(other + ",raw")),
                        List.of(NetworkSpec.parse("nat")),
                        List.of());
        BootOptions options =
                BootFixture.options(Path.of(""), null, "", 128 * BootFixture.MIB, 2, false)
                        .with(devices);
        try (Host host = Host.start(1L << 30, 1)) {
            assertThatThrownBy(() -> host.restore(file, options, new GuestConsole()))
                    .isInstanceOf(BootFailed.class)
                    .hasMessageContaining("had 262144 sectors when the guest was saved");
            assertThat(host.guests()).isEmpty();
        }
    }

    private BootOptions lantern(String disk) throws Exception {
        return BootFixture.options(
                        BootFixture.lantern(folder), null, "", 8 * BootFixture.MIB, 1, false)
                .with(new GuestDevices(List.of(DiskSpec.parse(disk)), List.of(), List.of()));
    }

    @Test
    void whatAGuestOfTheHostNeedsIsNotReplacedByASave() throws Exception {
        HostTool.require("qemu-img");
        Path base = Files.write(folder.resolve("base.img"), new byte[1 << 20]);
        Path overlay = folder.resolve("disk.qcow2");
        BootOptions options = lantern(base + ",overlay=" + overlay);
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = host.create(options, new GuestConsole());
            guest.start();
            Path link = Files.createSymbolicLink(folder.resolve("link"), base);
            for (Path disk : List.of(base, overlay, link)) {
                assertThatThrownBy(() -> guest.save(disk))
                        .isInstanceOf(IOException.class)
                        .hasMessage(disk + " is a disk that is in use");
            }
            assertThatThrownBy(() -> guest.save(options.kernel()))
                    .hasMessageContaining("is what the guest '")
                    .hasMessageContaining("' boots");
            assertThat(guest.isPaused()).isFalse();
            guest.save(folder.resolve("saved"));
            guest.save(folder.resolve("saved"));
        }
        assertThat(Files.readAllBytes(base)).isEqualTo(new byte[1 << 20]);
        HostTool.run("qemu-img", "check", "-q", "" + overlay);
    }

    @Test
    void guestGoesOnOnAChangedDiskOnlyWhenForcedTo() throws Exception {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
        Path file = folder.resolve("saved");
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = host.create(lantern(disk + ",raw"), new GuestConsole());
            guest.start();
            guest.saveAndEnd(file);
            guest.await(Optional.of(PATIENCE));
        }
        assertThat(outcome(file, false)).isInstanceOf(Outcome.TimedOut.class);
        FileTime saved = Files.getLastModifiedTime(disk);
        Files.write(disk, new byte[512], StandardOpenOption.WRITE);
        Files.setLastModifiedTime(disk, FileTime.from(saved.toInstant().plusMillis(1)));
        assertThatThrownBy(() -> outcome(file, false))
                .isInstanceOf(SnapshotException.class)
                .hasMessageStartingWith(file + ": " + disk + " was changed after the guest was")
                .hasMessageEndingWith("--force lets it");
        assertThat(outcome(file, true)).isInstanceOf(Outcome.TimedOut.class);
    }

    @Test
    void diskThatARestoredGuestRunsOnIsInUseBeforeItIsChanged() throws Exception {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
        Path file = folder.resolve("saved");
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = host.create(lantern(disk + ",raw"), new GuestConsole());
            guest.start();
            guest.saveAndEnd(file);
            guest.await(Optional.of(PATIENCE));
        }
        FileTime saved = Files.getLastModifiedTime(disk);
        try (BlockImage running = DiskImage.open(disk, false)) {
            running.write(0, ByteBuffer.allocate(512));
            Files.setLastModifiedTime(disk, FileTime.from(saved.toInstant().plusMillis(1)));
            assertThatThrownBy(() -> outcome(file, false))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessage(
                            file
                                    + ": "
                                    + disk
                                    + " is in use: the guest, or one that was restored from the"
                                    + " same file, may be running");
        }
        assertThatThrownBy(() -> outcome(file, false))
                .hasMessageStartingWith(file + ": " + disk + " was changed after the guest was");
    }

    private static Outcome.Ending outcome(Path file, boolean forced) throws IOException {
        RestoreOptions how =
                new RestoreOptions(
                        false,
                        Optional.of(Duration.ofMillis(200)),
                        false,
                        Tier.standard(),
                        false,
                        Duration.ZERO,
                        forced,
                        Optional.empty());
        return new VmmMachine().restore(file, how, new GuestConsole()).ending();
    }

    @Test
    void guestWhoseDiskForgetsIsNotSaved() throws Exception {
        Path image = folder.resolve("disk.img");
        Files.write(image, new byte[1 << 20]);
        BootOptions options = lantern(image + ",ephemeral");
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = host.create(options, new GuestConsole());
            guest.start();
            assertThatThrownBy(() -> guest.save(folder.resolve("saved")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("disk.img is forgotten when it ends")
                    .message()
                    .doesNotContain("\n");
            assertThat(guest.isPaused()).isFalse();
        }
    }
}
