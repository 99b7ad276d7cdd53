package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.LastErrorException;
import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.net.NetworkLoop;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The NAT against the TCP of the Linux kernel, which is the guest here. Loopback only. */
@Timeout(120)
class LinuxInteropTest {
    private static final byte[] FILE = new byte[48 << 20];

    static {
        new Random(5).nextBytes(FILE);
    }

    @TempDir Path directory;
    private final NetworkLoop network = NetworkLoop.create();
    private final HttpServer server = server();
    private UserModeNat nat;
    private TapGuest guest;

    @BeforeEach
    void startGuest() throws Exception {
        assumeTrue(
                Files.isWritable(Path.of("/dev/net/tun")) && found("ip"),
                "SKIPPED: no TAP device may be opened here, or iproute2 is missing");
        assumeTrue(found("curl"), "SKIPPED: curl is missing");
        nat = UserModeNat.create(NatConfig.builder().build(), network);
        try {
            guest = new TapGuest(nat, 0);
        } catch (IOException | LastErrorException refused) {
            assumeTrue(false, "SKIPPED: no network namespace may be made here: " + refused);
        }
        guest.address("10.0.2.15/24");
    }

    @AfterEach
    void stop() {
        if (nat != null) {
            nat.close();
        }
        server.stop(0);
        network.close();
    }

    @Test
    void curlInTheGuestFetchesALargeFileFromTheHost() throws Exception {
        Path copy = directory.resolve("copy");
        guest.inside("curl", "-sS", "-o", copy.toString(), url("/file"));
        assertThat(Files.mismatch(copy, written(FILE))).as("first wrong byte").isEqualTo(-1);
        assertThat(guest.largestToKernel).as("segments stay large").isGreaterThan(32_000);
    }

    @Test
    void curlInTheGuestUploadsALargeFileToTheHost() throws Exception {
        Path file = written(FILE);
        String answer = guest.inside("curl", "-sS", "-T", file.toString(), url("/upload"));
        assertThat(answer).isEqualTo(String.valueOf(Arrays.hashCode(FILE)));
        assertThat(guest.largestFromKernel)
                .as("the kernel leaves cutting to us")
                .isGreaterThan(32_000);
    }

    @Test
    void pingOfTheGatewayIsAnswered() throws Exception {
        assumeTrue(found("ping"), "SKIPPED: ping is missing");
        assertThat(guest.inside("ping", "-c", "2", "-i", "0.2", "10.0.2.2")).contains("2 received");
    }

    @Test
    void aPortThatNobodyListensOnIsRefusedAtOnce() {
        assertThatThrownBy(() -> guest.inside("curl", "-sS", "-m", "5", "http://10.0.2.2:1/"))
                .hasMessageContaining("refused");
    }

    @Test
    void theHostReachesTheGuestThroughAForward() throws Exception {
        assumeTrue(found("iperf3"), "SKIPPED: iperf3 is missing");
        Process server = guest.startInside("iperf3", "-s", "-1", "-p", "5201");
        InetSocketAddress port = nat.forward(PortForward.parse("0:5201"), "10.0.2.15");
        awaitListener();
        TapGuest.command("iperf3", "-c", "127.0.0.1", "-p", "" + port.getPort(), "-n", "64M");
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(server.exitValue()).isZero();
    }

    @Test
    void parallelStreamsInBothDirectionsEndWithoutError() throws Exception {
        assumeTrue(found("iperf3"), "SKIPPED: iperf3 is missing");
        int port = 20_000 + (int) (ProcessHandle.current().pid() % 10_000);
        Process server =
                new ProcessBuilder("iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", "" + port)
                        .redirectErrorStream(true)
                        .start();
        server.inputReader(StandardCharsets.US_ASCII).readLine();
        guest.inside("iperf3", "-c", "10.0.2.2", "-p", "" + port, "-P", "8", "--bidir", "-t", "2");
        assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    private void awaitListener() throws Exception {
        while (!guest.inside("ss", "-ltn").contains(":5201")) {
            Thread.onSpinWait();
        }
    }

    private String url(String path) {
        return "http://10.0.2.2:" + server.getAddress().getPort() + path;
    }

    private Path written(byte[] bytes) throws IOException {
        return Files.write(directory.resolve("original"), bytes);
    }

    private static HttpServer server() {
        try {
            HttpServer server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext(
                    "/file",
                    exchange -> {
                        exchange.sendResponseHeaders(200, FILE.length);
                        exchange.getResponseBody().write(FILE);
                        exchange.close();
                    });
            server.createContext(
                    "/upload",
                    exchange -> {
                        byte[] bytes = exchange.getRequestBody().readAllBytes();
                        byte[] answer =
                                String.valueOf(Arrays.hashCode(bytes))
                                        .getBytes(StandardCharsets.US_ASCII);
                        exchange.sendResponseHeaders(200, answer.length);
                        exchange.getResponseBody().write(answer);
                        exchange.close();
                    });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean found(String program) {
        for (String path : System.getenv("PATH").split(":")) {
            if (Files.isExecutable(Path.of(path, program))) {
                return true;
            }
        }
        return false;
    }
}
