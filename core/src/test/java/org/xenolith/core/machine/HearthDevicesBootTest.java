package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.guests.GuestImages;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * hearth with a disk and a network: the host's tools see on the other side what its programs did.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class HearthDevicesBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(100);
    private static final int PAGE_BYTES = 300_000;

    private static final String SCRIPT =
            """
            mkdir /disk && mount -t ext2 /dev/xvda /disk || exit 1
            until wget -q -O /disk/fetched http://10.0.2.2:%d/page; do sleep 0.1; done
            echo fetched $(md5sum </disk/fetched)
            echo page of the guest >/var/www/index.html
            mkdir /disk/folder && ls -l / >/disk/folder/list && mv /disk/fetched /disk/folder/moved
            httpd -h /var/www && echo serving
            until wget -q -O - http://10.0.2.2:%1$d/done 2>/dev/null; do sleep 0.1; done
            umount /disk
            """;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void serve(HttpServer server, String path, byte[] body) {
        server.createContext(
                path,
                exchange -> {
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body);
                    exchange.close();
                });
    }

    private static String get(int port) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/")).build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private BootOptions options(int outside, int published, Path disk) throws Exception {
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("script", 0755, SCRIPT.formatted(outside).getBytes(StandardCharsets.UTF_8))
                .appendTo(HearthInput.orSkip(), initrd);
        return BootOptions.of("hearth", kernel, 16 * BootFixture.MIB)
                .initrd(Optional.of(initrd))
                .commandLine("run=\"sh /script\"")
                .devices(
                        new GuestDevices(
                                List.of(DiskSpec.parse(disk.toString())),
                                List.of(NetworkSpec.parse("nat")),
                                List.of(PortForward.parse(published + ":80"))))
                .build();
    }

    @Test
    void itFetchesFromTheHostServesAPageAndLeavesACleanDisk() throws Exception {
        HostTool.require("mke2fs", "e2fsck", "debugfs");
        Path disk = folder.resolve("disk.img");
        HostTool.run("mke2fs", "-q", "-t", "ext2", "-b", "4096", disk.toString(), "8M");
        byte[] page = new byte[PAGE_BYTES];
        new java.util.Random(1).nextBytes(page);
        HttpServer outside =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        serve(outside, "/page", page);
        outside.start();
        int published = freePort();
        BootOptions options = options(outside.getAddress().getPort(), published, disk);
        try (Host host = Host.start(64 * BootFixture.MIB + Host.OVERHEAD_BYTES, 2);
                Guest guest = host.create(options, console)) {
            guest.start();
            assertThat(console.awaitText("\nserving", PATIENCE)).as(console::text).isTrue();
            assertThat(get(published)).isEqualTo("page of the guest\n");
            serve(outside, "/done", new byte[0]);
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as(console::text)
                    .isInstanceOf(Outcome.PoweredOff.class);
        } finally {
            outside.stop(0);
        }
        assertThat(console.text()).contains("ended with status 0");
        HostTool.run("e2fsck", "-fn", disk.toString());
        Path moved = folder.resolve("moved");
        HostTool.run("debugfs", "-R", "dump /folder/moved " + moved, disk.toString());
        assertThat(moved).hasBinaryContent(page);
    }
}
