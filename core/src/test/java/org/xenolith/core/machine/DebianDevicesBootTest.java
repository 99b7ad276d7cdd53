package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Debian with the devices of a {@link GuestDevices}: disks by format, a network by DHCP. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class DebianDevicesBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(140);

    /** What udhcpc calls when it has a lease. */
    private static final String LEASE =
            """
            #!/bin/sh
            [ "$1" = bound ] || exit 0
            ip addr add $ip/$mask dev $interface
            ip route add default via $router
            echo nameserver $dns >/etc/resolv.conf
            """;

    private static final String SCRIPT =
            """
            #!/bin/sh
            ip link set eth0 up
            udhcpc -i eth0 -n -q -s /lease >/dev/null 2>&1
            ip addr show eth0 | grep inet
            echo from the host: $(wget -q -O - http://10.0.2.2:%1$d/hello)
            nslookup web1 10.0.2.3 2>&1 | grep -A1 web1
            echo scratch >/dev/xvda
            echo kept >/dev/xvdb
            sync
            echo disks $(cat /sys/block/xvda/size) $(cat /sys/block/xvdb/size) $(cat /sys/block/xvdc/ro)
            mkdir /srv
            echo page of the guest >/srv/index.html
            httpd -h /srv
            echo serving
            until ping -c 1 -W 1 fd00::2 >/dev/null 2>&1; do sleep 0.2; done
            echo over IPv6: $(wget -q -O - http://[fd00::2]:%2$d/large | wc -c)
            until wget -q -O /dev/null http://10.0.2.2:%1$d/done 2>/dev/null; do sleep 1; done
            """;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    private Path sparse(String name, long bytes) throws IOException {
        Path file = Files.createFile(folder.resolve(name));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
        return file;
    }

    private static void answer(HttpExchange exchange, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean hasIpv6() {
        try (ServerSocket _ = new ServerSocket(0, 1, InetAddress.getByName("::1"))) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void guestFindsItsDisksAndTheHostFindsItsPage() throws Exception {
        BootInput input = DebianInput.orSkip();
        HttpServer hello =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hello.createContext("/hello", exchange -> answer(exchange, "good evening"));
        hello.start();
        // Many segments of the guest's TCP; where there is no ::1, the guest gets a refusal.
        HttpServer large = null;
        String received = "0";
        if (hasIpv6()) {
            large = HttpServer.create(new InetSocketAddress(InetAddress.getByName("::1"), 0), 0);
            large.createContext("/large", exchange -> answer(exchange, "x".repeat(300_000)));
            large.start();
            received = "300000";
        }
        int largePort = large == null ? 1 : large.getAddress().getPort();
        Path base = sparse("base.img", 8 << 20);
        Path overlay = folder.resolve("web1.qcow2");
        int http80 = freePort();
        Path capture = folder.resolve("web1.pcap");
        GuestDevices devices =
                new GuestDevices(
                        List.of(
                                DiskSpec.parse(base + ",ephemeral"),
                                DiskSpec.parse(base + ",overlay=" + overlay),
                                DiskSpec.parse(base + ",ro")),
                        List.of(NetworkSpec.parse("nat,pcap=" + capture)),
                        List.of(PortForward.parse(http80 + ":80")));
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("lease", 0755, LEASE.getBytes(StandardCharsets.UTF_8))
                .file(
                        "script",
                        0755,
                        SCRIPT.formatted(hello.getAddress().getPort(), largePort)
                                .getBytes(StandardCharsets.UTF_8))
                .appendTo(input.initrd(), initrd);
        BootOptions options =
                BootOptions.of("web1", input.kernel(), 128 * BootFixture.MIB)
                        .initrd(Optional.of(initrd))
                        .commandLine(input.defaultCommandLine() + " run=/script")
                        .build()
                        .with(devices);
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options, console)) {
            guest.start();
            assertThat(console.awaitText("serving", PATIENCE)).as("%s", console.text()).isTrue();
            assertThat(get(http80, "localhost")).isEqualTo("page of the guest\n");
            InetSocketAddress proxy =
                    host.openProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            assertThat(get(proxy.getPort(), "web1.localhost")).isEqualTo("page of the guest\n");
            hello.createContext("/done", exchange -> answer(exchange, "done"));
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as("%s", console.text())
                    .isInstanceOf(Outcome.PoweredOff.class);
        } finally {
            hello.stop(0);
            if (large != null) {
                large.stop(0);
            }
        }
        assertThat(console.text())
                .contains("inet 10.0.2.15/24")
                .contains("from the host: good evening")
                .contains("over IPv6: " + received)
                .contains("Address: 10.0.2.15")
                .contains("disks 16384 16384 1");
        assertThat(Files.readAllBytes(base)).as("the shared base").containsOnly(0);
        assertThat(Files.size(overlay)).isPositive();
        assertThat(Files.size(capture)).as("bytes captured").isGreaterThan(2000);
    }

    /** With a Host header of our own, which Java's client does not let anybody set. */
    private static String get(int port, String host) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream()
                    .write(
                            ("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
            String answer =
                    new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        }
    }
}
