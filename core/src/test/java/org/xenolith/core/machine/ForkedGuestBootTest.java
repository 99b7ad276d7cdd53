package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.Qcow2;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Debian at work, and others that begin as copies of it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ForkedGuestBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(110);

    private static final String LEASE =
            """
            #!/bin/sh
            [ "$1" = bound ] || exit 0
            ip addr add $ip/$mask dev $interface
            ip route add default via $router
            """;

    private static final String COPIED =
            """
            #!/bin/sh
            echo this is a copy >/dev/console
            """;

    private static final String ADDRESS =
            "ip addr flush dev eth0; ip link set eth0 up;"
                    + " udhcpc -i eth0 -n -q -s /lease >/dev/null 2>&1;"
                    + " echo address $(ip -4 -o addr show dev eth0 | sed 's|.*inet ||;s|/.*||')\n";

    @TempDir Path folder;

    private static void expect(GuestConsole console, String text) throws InterruptedException {
        assertThat(console.awaitText(text, PATIENCE)).as("%s", console.text()).isTrue();
    }

    private static String page(Host host, String guest) throws IOException {
        int port = host.network().forwardsTo(guest).getFirst().hostPort();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream()
                    .write("GET /page HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            String answer =
                    new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        }
    }

    private BootOptions options(BootInput input, int vcpus, String name, String... disks)
            throws Exception {
        Path initrd = folder.resolve("initrd");
        if (Files.notExists(initrd)) {
            new Initramfs()
                    .file("lease", 0755, LEASE)
                    .file("usr/sbin/guest-copied", 0755, COPIED)
                    .file("disk/empty", 0644, "")
                    .appendTo(input.initrd(), initrd);
        }
        List<DiskSpec> specs = new ArrayList<>();
        for (String disk : disks) {
            specs.add(DiskSpec.parse(disk));
        }
        return BootOptions.of(name, input.kernel(), 128 * BootFixture.MIB)
                .initrd(Optional.of(initrd))
                .commandLine(input.defaultCommandLine())
                .vcpus(vcpus)
                .devices(
                        new GuestDevices(
                                specs,
                                List.of(NetworkSpec.parse("nat")),
                                List.of(PortForward.parse("0:80"))))
                .build();
    }

    private Path disk() throws Exception {
        HostTool.require("mke2fs");
        Path base = folder.resolve("base.img");
        HostTool.run("mke2fs", "-q", "-t", "ext4", "" + base, "64M");
        return base;
    }

    private static void work(GuestConsole console) throws InterruptedException {
        expect(console, DebianImage.PROMPT);
        console.type("kept=mem$((40+2)); mount -t ext4 /dev/xvda /disk; httpd -h /disk\n");
        console.type("echo parent >/disk/page; " + ADDRESS);
        expect(console, "\naddress 10.");
    }

    @Test
    void copiesGoOnWithMemoryAndDiskAndThenTheirOwnWays() throws Exception {
        BootInput input = DebianInput.orSkip();
        String disk = disk() + ",ephemeral";
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole parent = new GuestConsole();
            GuestConsole two = new GuestConsole();
            GuestConsole three = new GuestConsole();
            Guest guest = host.create(options(input, 1, "one", disk), parent);
            guest.start();
            work(parent);
            try (ForkPoint point = guest.fork(PATIENCE)) {
                Guest copy = point.copy(options(input, 1, "two", disk), two);
                assertThat(copy.domain().runningNanos())
                        .as("a guest adds what it counts to what it had")
                        .isLessThan(guest.domain().runningNanos() / 2);
                copy.start();
                point.copy(options(input, 1, "three", disk), three).start();
                isNobodyElses(guest);
                point.close();
                assertThatThrownBy(() -> point.copy(options(input, 1, "x", disk), three))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("goes on already");
            }
            assertThat(guest.isPaused()).as("by somebody, while copies were made").isTrue();
            guest.unpause();

            for (GuestConsole copy : List.of(two, three)) {
                expect(copy, "this is a copy");
                copy.type("echo $kept with $(cat /disk/page)\n");
                expect(copy, "\nmem42 with parent");
                copy.type(ADDRESS);
                expect(copy, "\naddress 10.");
            }
            two.type("echo two >/disk/page; sync; echo writ''ten\n");
            expect(two, "\nwritten");
            parent.type("echo parent has $kept\n");
            expect(parent, "\nparent has mem42");

            assertThat(page(host, "one")).isEqualTo("parent\n");
            assertThat(page(host, "two")).isEqualTo("two\n");
            assertThat(page(host, "three")).isEqualTo("parent\n");
            assertThat(host.guest("two").orElseThrow().domain().frames().sharedPages())
                    .isGreaterThan(1000);
            assertThat(host.guest("two").orElseThrow().balloon().availableKib())
                    .as("it has told its own host")
                    .isPresent();
            assertThat(parent.text()).doesNotContain("this is a copy");
            assertThat(parent.text() + two.text() + three.text()).doesNotContain("Call Trace");
        }
    }

    /** Who saved it would let its disks go on, and who copied it too would let it go on itself. */
    private void isNobodyElses(Guest guest) {
        assertThatThrownBy(() -> guest.save(folder.resolve("saved")))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("being copied");
        assertThatThrownBy(() -> guest.fork(Duration.ofMillis(100)))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("already");
        guest.pause();
    }

    @Test
    void copyOfACopyHasTwoCpusAndADiskOfItsOwn() throws Exception {
        BootInput input = DebianInput.orSkip();
        Path base = disk();
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole parent = new GuestConsole();
            GuestConsole two = new GuestConsole();
            GuestConsole three = new GuestConsole();
            BootOptions options =
                    options(input, 2, "one", overlay(base, "one"), marked("mark-one"));
            Guest guest = host.create(options, parent);
            guest.start();
            work(parent);
            try (ForkPoint point = guest.fork(PATIENCE)) {
                isRefused(point, input, base);
                leavesNoDiskBehind(point, options(input, 2, "y", overlay(base, "y")));
                BootOptions second =
                        options(input, 2, "two", overlay(base, "two"), mark() + "mark-two.qcow2");
                isNotCopiedBeforeItHasItsDevices(point.copy(second, two)).start();
                assertThatThrownBy(
                                () ->
                                        point.copy(
                                                options(input, 2, "x", overlay(base, "two")),
                                                new GuestConsole()))
                        .isInstanceOf(BootFailed.class)
                        .hasMessageContaining("two.qcow2 is there already");
            }
            two.type("dd if=/dev/xvdb iflag=direct bs=4k count=1 | head -c 5; echo\n");
            expect(two, "\nabove");
            guest.destroy();
            guest.close();

            two.type("echo second >/disk/page; sync; echo writ''ten\n");
            expect(two, "\nwritten");
            try (ForkPoint point = host.guest("two").orElseThrow().fork(PATIENCE)) {
                BootOptions third =
                        options(
                                input,
                                2,
                                "three",
                                overlay(base, "three"),
                                mark() + "mark-two.qcow2");
                point.copy(third, three).start();
            }
            three.type(ADDRESS);
            expect(three, "\naddress 10.");
            assertThat(page(host, "three")).isEqualTo("second\n");
            three.type("taskset 2 echo $kept on $(nproc)\n");
            expect(three, "\nmem42 on 2");
        }
        for (String name : List.of("one", "two", "three")) {
            HostTool.run("qemu-img", "check", "-q", folder.resolve(name + ".qcow2").toString());
        }
    }

    private String overlay(Path base, String name) {
        return base + ",overlay=" + folder.resolve(name + ".qcow2");
    }

    /** Linux would fail in the copy's copy, by a BUG_ON of its blkfront. */
    private static Guest isNotCopiedBeforeItHasItsDevices(Guest copy) {
        assertThatThrownBy(() -> copy.fork(PATIENCE))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("has not connected vbd 51712 again yet");
        return copy;
    }

    private String mark() {
        return "%s,vdev=xvdb,ro,overlay=%s/".formatted(folder.resolve("mark.img"), folder);
    }

    /** A read-only disk with an overlay that something was written to before. */
    private String marked(String overlay) throws IOException {
        Path base = Files.write(folder.resolve("mark.img"), new byte[1 << 20]);
        Path over = folder.resolve(overlay + ".qcow2");
        Qcow2.create(over, 1 << 20, base, ImageFormat.RAW);
        try (BlockImage image = DiskImage.open(over, false)) {
            image.write(0, ByteBuffer.wrap("above".getBytes(StandardCharsets.US_ASCII)));
        }
        return mark() + overlay + ".qcow2";
    }

    private void leavesNoDiskBehind(ForkPoint point, BootOptions options) throws IOException {
        GuestDevices devices = options.devices();
        NetworkSpec broken = broken(devices.networks().getFirst());
        GuestDevices failing = new GuestDevices(devices.disks(), List.of(broken), List.of());
        assertThatThrownBy(() -> point.copy(options.with(failing), new GuestConsole()))
                .isInstanceOf(AssertionError.class);
        assertThat(folder.resolve("y.qcow2")).as("of a copy that met a defect").doesNotExist();
        leavesNothingIfItNeverRuns(point, options);
    }

    /** The disks are there when somebody looks where to write down what goes over it. */
    private static NetworkSpec broken(NetworkSpec good) {
        InvocationHandler defect =
                (_, _, _) -> {
                    throw new AssertionError("a defect");
                };
        Class<?>[] types = {Path.class};
        Path file = (Path) Proxy.newProxyInstance(Path.class.getClassLoader(), types, defect);
        return new NetworkSpec(
                good.uplink(),
                good.address(),
                good.number(),
                good.macCheck(),
                good.ipv6(),
                Optional.of(file),
                good.impairment());
    }

    private void leavesNothingIfItNeverRuns(ForkPoint point, BootOptions options)
            throws IOException {
        try (Guest copy = point.copy(options, new GuestConsole())) {
            assertThat(folder.resolve("y.qcow2")).exists();
            assertThat(copy.domain().grants().save().frameMfns())
                    .as("frames that a copy's copy need not keep too")
                    .isEqualTo(point.parent().domain().grants().save().frameMfns());
        }
        assertThat(folder.resolve("y.qcow2")).doesNotExist();
    }

    /** Each with its reason, and nothing of it stays. */
    private void isRefused(ForkPoint point, BootInput input, Path base) throws Exception {
        long free = point.parent().domain().frames().pool().freeFrames();
        Path other = Files.copy(base, folder.resolve("other.img"));
        for (String disk :
                List.of(
                        "" + base,
                        base + ",ro",
                        base + ",format=qcow2,overlay=" + folder.resolve("x.qcow2"),
                        overlay(other, "x"))) {
            BootOptions options = options(input, 2, "x", disk);
            assertThatThrownBy(() -> point.copy(options, new GuestConsole()), disk)
                    .isInstanceOf(BootFailed.class)
                    .message()
                    .containsAnyOf("is not the one that one has", "need an overlay of their own");
        }
        assertThat(folder.resolve("x.qcow2")).doesNotExist();
        assertThat(point.parent().domain().frames().pool().freeFrames()).isEqualTo(free);
    }

    @Test
    void guestThatIsPausedOrDoesNotObeyIsNotCopied() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            BootOptions options =
                    BootFixture.options(
                            BootFixture.lantern(folder),
                            null,
                            "run=sleep 1000",
                            8L << 20,
                            1,
                            false);
            Guest guest = host.create(options, new GuestConsole());
            guest.start();
            assertThatThrownBy(() -> guest.fork(Duration.ofMillis(200)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("did not suspend itself");
            assertThat(guest.isPaused()).isFalse();
            assertThat(refusalWhileSomebodyLooks(guest)).contains("did not suspend itself");
            guest.pause();
            assertThatThrownBy(() -> guest.fork(PATIENCE))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("paused");
        }
    }

    /** Who looks at a guest pauses it for that: it is not a guest that somebody has paused. */
    private static String refusalWhileSomebodyLooks(Guest guest) throws InterruptedException {
        AtomicReference<String> refusal = new AtomicReference<>();
        Thread copier =
                Thread.ofVirtual()
                        .unstarted(
                                () -> {
                                    try {
                                        guest.fork(Duration.ofMillis(200));
                                    } catch (IOException | InterruptedException e) {
                                        refusal.set(e.getMessage());
                                    }
                                });
        guest.whileStill(
                () -> {
                    copier.start();
                    return joined(copier, Duration.ofMillis(300));
                });
        copier.join();
        return refusal.get();
    }

    private static boolean joined(Thread thread, Duration patience) {
        try {
            return thread.join(patience);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
