package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.HearthInput;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.guests.GuestImages;

import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** hearth and the host: pages go both ways over its TCP, and files outlast it on its disk. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class HearthNetBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(100);
    private static final long MEMORY = 16 * BootFixture.MIB;

    /** Many windows of the guest's TCP. */
    private static final int PAGE_BYTES = 400_000;

    @TempDir Path folder;

    private final byte[] page = new byte[PAGE_BYTES];
    private HttpServer server;
    private Path disk;
    private int forwarded;

    @BeforeEach
    void serveAPage() throws Exception {
        new Random(1).nextBytes(page);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/page",
                exchange -> {
                    exchange.sendResponseHeaders(200, page.length);
                    exchange.getResponseBody().write(page);
                    exchange.close();
                });
        server.start();
        disk = Files.write(folder.resolve("disk"), new byte[(int) (8 * BootFixture.MIB)]);
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            forwarded = socket.getLocalPort();
        }
    }

    @AfterEach
    void stopServing() {
        server.stop(0);
    }

    /** A hearth at its prompt. */
    private record Session(Guest guest, GuestConsole console) {
        /** Types a command; what it prints, up to the next prompt. */
        String shell(String command) throws InterruptedException {
            long start = console.position();
            console.type(command + "\r");
            awaitText(HearthImage.PROMPT, start);
            String output = console.textFrom(start);
            return output.substring(
                            output.indexOf("\r\n") + 2, output.lastIndexOf(HearthImage.PROMPT))
                    .replace("\r", "");
        }

        void awaitText(String text, long position) throws InterruptedException {
            assertThat(console.awaitText(text, position, PATIENCE)).as(console::text).isTrue();
        }

        void powerOff() throws Exception {
            console.type("poweroff\r");
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as(console::text)
                    .isInstanceOf(Outcome.PoweredOff.class);
            guest.close(); // lets go of the disk
        }
    }

    private Session boot(Host host) throws Exception {
        Path kernel = folder.resolve(GuestImages.HEARTH);
        Files.write(kernel, GuestImages.read(GuestImages.HEARTH));
        BootOptions options =
                BootOptions.of("hearth", kernel, MEMORY)
                        .initrd(Optional.of(HearthInput.orSkip()))
                        .devices(
                                new GuestDevices(
                                        List.of(DiskSpec.parse(disk.toString())),
                                        List.of(NetworkSpec.parse("nat")),
                                        List.of(PortForward.parse(forwarded + ":80"))))
                        .build();
        GuestConsole console = new GuestConsole();
        Session session = new Session(host.create(options, console), console);
        session.guest().start();
        session.awaitText(HearthImage.PROMPT, 0);
        session.awaitText("network address 10.0.2.15", 0);
        session.shell("stty columns 999"); // the shell's echo of what is typed shall be one line
        return session;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private byte[] pageOfTheGuest(int port, String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + port + path);
        try (InputStream in = uri.toURL().openStream()) {
            return in.readAllBytes();
        }
    }

    @Test
    void pagesGoBothWaysAndAFileIsOnTheDiskAfterANewStart() throws Exception {
        HostTool.require("e2fsck");
        try (Host host = Host.start(64 * BootFixture.MIB, 2)) {
            Session first = boot(host);
            assertThat(first.shell("ping -c 1 10.0.2.2")).contains("1 packets received");
            first.shell("mke2fs /dev/xvda && mkdir -p /mnt && mount -t ext2 /dev/xvda /mnt");
            int port = server.getAddress().getPort();
            first.shell("wget -q -O /mnt/page http://10.0.2.2:" + port + "/page");
            assertThat(first.shell("sha256sum /mnt/page")).contains(sha256(page));
            first.shell("httpd -h /mnt");
            assertThat(pageOfTheGuest(forwarded, "/page")).isEqualTo(page);
            PortForward another =
                    host.network().forward(PortForward.parse("0:80"), first.guest().name());
            assertThat(pageOfTheGuest(another.hostPort(), "/page")).isEqualTo(page);
            first.powerOff();

            Session second = boot(host);
            second.shell("mkdir -p /mnt && mount -t ext2 /dev/xvda /mnt");
            assertThat(second.shell("sha256sum /mnt/page")).contains(sha256(page));
            second.powerOff();
        }
        HostTool.run("e2fsck", "-fn", disk.toString());
    }
}
