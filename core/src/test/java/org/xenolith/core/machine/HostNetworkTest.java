package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.PortStatistics;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;
import org.xenolith.devices.net.nat.UserModeNat;

import java.io.IOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

@Timeout(60)
final class HostNetworkTest {
    private static final int FILE_HEADER_BYTES = 24, RECORD_HEADER_BYTES = 16, LENGTH = 8;
    private static final MacAddress ADDRESS = new MacAddress(0x00_16_3e_00_00_01L);
    private static final MacAddress SECOND_ADDRESS = new MacAddress(0x00_16_3e_00_00_02L);
    private static final MacAddress THIRD_ADDRESS = new MacAddress(0x00_16_3e_00_00_03L);

    @TempDir Path folder;

    @Test
    void guestThatStartsAgainGoesOnInItsCapture() throws Exception {
        Path file = folder.resolve("guest.pcap");
        NetworkSpec spec = NetworkSpec.parse("none,pcap=" + file);
        try (HostNetwork network = new HostNetwork()) {
            for (int bytes : new int[] {60, 61, 62}) {
                SwitchPort port =
                        network.place(spec, ADDRESS, "guest", "guest.0").apply(new Idle());
                assertThat(port.send(frame(bytes))).isTrue();
                while (network.statistics().getFirst().sentFrames() == 0) {
                    Thread.onSpinWait();
                }
                port.close();
                while (!network.statistics().isEmpty()) {
                    Thread.onSpinWait();
                }
            }
        }
        assertThat(lengths(file)).containsExactly(60, 61, 62);
    }

    @Test
    void guestThatStartsAgainFindsItsPortsOpenAndNotThoseTakenBack() throws Exception {
        PortForward kept = PortForward.parse("0:80");
        PortForward dropped = PortForward.parse("0:22");
        try (HostNetwork network = new HostNetwork()) {
            plug(network, ADDRESS, "web1");
            network.forwardAtStart(kept, "web1");
            network.forwardAtStart(dropped, "web1");
            PortForward added = network.forward(PortForward.parse("0:25"), "web1");
            List<PortForward> before = network.forwardsTo("web1");
            assertThat(before).hasSize(3).contains(added);
            assertThat(network.forwardsAskedFor("web1")).containsExactly(kept, dropped, added);

            PortForward second = before.get(1);
            network.takeBack(second.listeningPort(), "web1");
            List<PortForward> now = network.forwardsAskedFor("web1");
            assertThat(now).containsExactly(kept, added);
            for (PortForward forward : now) {
                network.forwardAtStart(forward, "web1");
            }
            assertThat(network.forwardsTo("web1")).containsExactly(before.getFirst(), added);
            assertThatThrownBy(() -> network.takeBack(second.listeningPort(), "web1"))
                    .hasMessage(
                            "The host's port 127.0.0.1:%d/tcp does not lead to the guest 'web1'"
                                    .formatted(second.hostPort()));
            assertThatThrownBy(() -> network.takeBack(added.listeningPort(), "web2"))
                    .as("it is another guest's")
                    .hasMessageContaining("does not lead to the guest 'web2'");

            network.closeForwards("web1");
            assertThat(network.forwardsTo("web1")).isEmpty();
            assertThat(network.forward(added, "web1")).as("its port is free").isEqualTo(added);
        }
    }

    @ParameterizedTest
    @CsvSource({"none,0,1", "'none,mac-check=off',1,0"})
    void guestSendsFromOtherAddressesThanItsOwnOnlyIfItsOwnerSaysSo(
            String text, long sent, long dropped) throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            NetworkSpec spec = NetworkSpec.parse(text);
            SwitchPort port =
                    network.place(spec, SECOND_ADDRESS, "guest", "guest.0").apply(new Idle());
            assertThat(port.send(frame(60))).isTrue();
            PortStatistics seen = network.statistics().getFirst();
            while (seen.sentFrames() + seen.sentDropped() == 0) {
                seen = network.statistics().getFirst();
            }
            assertThat(seen.sentFrames()).isEqualTo(sent);
            assertThat(seen.sentDropped()).isEqualTo(dropped);
        }
    }

    @Test
    void guestThatIsNotBehindTheNatGetsNoPort() throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            plug(network, ADDRESS, "web1");
            assertThatThrownBy(() -> network.forward(PortForward.parse("0:80"), "web2"))
                    .hasMessage("The guest 'web2' has no interface on the network 'nat'");
        }
    }

    @Test
    void connectionsOfAGuestThatHasLeftItsPlaceEndOnTheHost() throws Exception {
        try (HostNetwork network = new HostNetwork();
                ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            SwitchPort port = plug(network, ADDRESS, "guest");
            assertThat(port.send(synTo(server.getLocalPort()))).isTrue();
            try (Socket fromGuest = server.accept()) {
                fromGuest.setSoTimeout(10_000);
                port.close();
                assertThat(ends(fromGuest)).isTrue();
            }
        }
    }

    @Test
    void nameLeadsToTheFirstInterfaceOfAGuestAsLongAsItIsThere() throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            LookedFor observer = new LookedFor();
            SwitchPort first = plug(network, ADDRESS, "web1");
            plug(network, SECOND_ADDRESS, "web1");
            network.place(NetworkSpec.parse("nat"), THIRD_ADDRESS, "web2", "web2.0")
                    .apply(observer);
            PortForward forward = network.forward(PortForward.parse("0:80"), "web1");
            try (Socket client = new Socket("127.0.0.1", forward.hostPort())) {
                assertThat(observer.next()).as("the first guest's address").isEqualTo(15);
            }
            first.close();
            // The NAT forgets on a thread of its own; when another port is open, it has done so.
            network.forward(PortForward.parse("0:81"), "web1");
            try (Socket client = new Socket("127.0.0.1", forward.hostPort())) {
                int next = observer.next();
                while (next == 15) {
                    next = observer.next(); // for the connection before
                }
                assertThat(next).isEqualTo(16);
            }
        }
    }

    @Test
    void interfaceThatTheSwitchRefusesTakesNoNameAndNoAddress() throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            LookedFor observer = new LookedFor();
            plug(network, ADDRESS, "web1");
            network.place(NetworkSpec.parse("nat"), SECOND_ADDRESS, "web3", "web3.0")
                    .apply(observer);
            assertThatThrownBy(() -> plug(network, ADDRESS, "web2"))
                    .hasMessageContaining("is already on port");
            assertThatThrownBy(() -> network.forward(PortForward.parse("0:80"), "web2"))
                    .hasMessageContaining("has no interface");
            PortForward forward = network.forward(PortForward.parse("0:80"), "web1");
            try (Socket client = new Socket("127.0.0.1", forward.hostPort())) {
                assertThat(observer.next()).isEqualTo(15);
            }
        }
    }

    @Test
    void networkWithoutAddressesLeftRefusesAGuestWithASentenceUntilAnotherLeaves()
            throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            SwitchPort first = plug(network, ADDRESS, "guest");
            for (int i = 1; i < 240; i++) {
                plug(network, new MacAddress(ADDRESS.value() + i), "guest" + i);
            }
            MacAddress last = new MacAddress(ADDRESS.value() + 240);
            assertThatThrownBy(() -> plug(network, last, "guest240"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "The NAT's network 10.0.2.0/24 has 240 addresses for guests, and none"
                                    + " left for guest240");
            assertThat(network.statistics()).as("guests, and the NAT").hasSize(241);
            first.close();
            plug(network, last, "guest240");
        }
    }

    @Test
    void guestThatHasAnAddressAlreadyKeepsItUnlessItIsTaken() throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            network.useAddresses(Map.of(ADDRESS, "10.0.2.17", SECOND_ADDRESS, "10.0.2.17"));
            plug(network, ADDRESS, "web3");
            plug(network, SECOND_ADDRESS, "web4");
            assertThat(network.natAddresses("web3")).isEqualTo(Map.of(ADDRESS, "10.0.2.17"));
            assertThat(network.natAddresses("web4")).isEqualTo(Map.of(SECOND_ADDRESS, "10.0.2.15"));
            assertThat(network.natAddresses("web5")).isEmpty();
        }
    }

    @Test
    void largerNetworkHasAddressesForMoreGuests() throws Exception {
        try (HostNetwork network = new HostNetwork(Subnet.parse("10.64.0.0/16"))) {
            for (int i = 0; i < 300; i++) {
                plug(network, new MacAddress(ADDRESS.value() + i), "guest" + i);
            }
            assertThat(network.statistics()).as("guests, and the NAT").hasSize(301);
        }
    }

    @Test
    void tunnelThatNobodyUsesAnyMoreIsClosedAndCanBeHadAgain() throws Exception {
        InetSocketAddress local = freeAddress();
        NetworkSpec tunnel = tunnel(local);
        try (HostNetwork network = new HostNetwork()) {
            for (int i = 0; i < 20; i++) {
                SwitchPort first = plug(network, tunnel, ADDRESS, "web1");
                SwitchPort second = plug(network, tunnel, SECOND_ADDRESS, "web2");
                first.close();
                network.closeIfUnused(tunnel.uplink());
                assertThat(isFree(local)).as("the second uses it").isFalse();
                second.close();
                assertThat(isFree(local)).as("a guest that starts again finds it").isFalse();
                network.closeIfUnused(tunnel.uplink());
                network.closeIfUnused(tunnel.uplink());
                assertThat(isFree(local)).as("nobody uses it").isTrue();
            }
        }
    }

    @Test
    void tunnelIsOpenedAgainForAnInterfaceThatWasJustComing() throws Exception {
        InetSocketAddress local = freeAddress();
        NetworkSpec tunnel = tunnel(local);
        try (HostNetwork network = new HostNetwork()) {
            Function<NetworkEndpoint, SwitchPort> place =
                    network.place(tunnel, ADDRESS, "web1", "web1.0");
            network.closeIfUnused(tunnel.uplink());
            assertThat(isFree(local)).isTrue();
            place.apply(new Idle());
            assertThat(isFree(local)).isFalse();
        }
        assertThat(isFree(local)).isTrue();
    }

    @Test
    void othersDoNotWaitUntilTheHostHasATunnelBack() throws Exception {
        InetSocketAddress local = freeAddress();
        NetworkSpec tunnel = tunnel(local);
        NetworkSpec none = NetworkSpec.parse("none");
        HeldUp heldUp = new HeldUp();
        try (HostNetwork network = new HostNetwork();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            SwitchPort sender = plug(network, none, ADDRESS, "web1");
            network.place(none, SECOND_ADDRESS, "web2", "web2.0").apply(heldUp);
            plug(network, tunnel, THIRD_ADDRESS, "web3").close();
            sender.send(frame(60));
            heldUp.reached.await(); // the network's own thread does nothing more for now
            Thread leaving =
                    Thread.ofPlatform().start(() -> network.closeIfUnused(tunnel.uplink()));
            while (leaving.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            Future<SwitchPort> again =
                    threads.submit(() -> plug(network, tunnel, THIRD_ADDRESS, "web3"));
            assertThat(network.statistics()).as("of those that are there").hasSize(2);
            assertThat(leaving.join(Duration.ofMillis(50))).as("it is over").isFalse();
            heldUp.goOn.countDown();
            leaving.join();
            again.get();
            assertThat(isFree(local)).as("who came back has it").isFalse();
        }
        assertThat(isFree(local)).isTrue();
    }

    /** Holds up the network's thread, which an endpoint must not do. */
    private static final class HeldUp implements NetworkEndpoint {
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch goOn = new CountDownLatch(1);

        @Override
        public boolean deliver(EthernetFrame frame) {
            reached.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            frame.release();
            return true;
        }

        @Override
        public void writable() {}
    }

    @Test
    void natStaysForThePortsThatLeadToItsGuests() throws Exception {
        try (HostNetwork network = new HostNetwork()) {
            SwitchPort port = plug(network, ADDRESS, "web1");
            PortForward kept = network.forward(PortForward.parse("0:80"), "web1");
            port.close();
            network.closeIfUnused(NetworkSpec.parse("nat").uplink());
            new Socket("127.0.0.1", kept.hostPort()).close();
        }
    }

    private static NetworkSpec tunnel(InetSocketAddress local) throws IOException {
        return NetworkSpec.parse(
                "udp:127.0.0.1:%d,127.0.0.1:%d"
                        .formatted(local.getPort(), freeAddress().getPort()));
    }

    private static InetSocketAddress freeAddress() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return (InetSocketAddress) socket.getLocalSocketAddress();
        }
    }

    private static boolean isFree(InetSocketAddress address) throws IOException {
        try (DatagramSocket socket = new DatagramSocket(address)) {
            return socket.isBound();
        } catch (BindException e) {
            return false;
        }
    }

    private static SwitchPort plug(
            HostNetwork network, NetworkSpec spec, MacAddress mac, String guest)
            throws IOException {
        return network.place(spec, mac, guest, guest + ".0").apply(new Idle());
    }

    private static SwitchPort plug(HostNetwork network, MacAddress mac, String guest)
            throws IOException {
        return plug(network, NetworkSpec.parse("nat"), mac, guest);
    }

    /** Sees who is looked for in the network by ARP. */
    private static final class LookedFor implements NetworkEndpoint {
        private static final int ETHERTYPE = 12, TARGET_HOST = 41;
        private final BlockingQueue<Integer> hosts = new LinkedBlockingQueue<>();

        @Override
        public boolean deliver(EthernetFrame frame) {
            if (frame.content().getUnsignedShort(ETHERTYPE) == 0x0806) {
                hosts.add((int) frame.content().getUnsignedByte(TARGET_HOST));
            }
            frame.release();
            return true;
        }

        @Override
        public void writable() {}

        /** Last byte of the next address. */
        int next() throws InterruptedException {
            return Objects.requireNonNull(hosts.poll(10, TimeUnit.SECONDS), "nobody");
        }
    }

    /** Whether the other end closes before the timeout, one way or the other. */
    private static boolean ends(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketException reset) {
            return true;
        }
    }

    /** From the first guest of the network to the host. */
    private static EthernetFrame synTo(int serverPort) {
        EthernetFrame frame = EthernetFrame.ofLength(54, true, Segmentation.NONE, 0);
        frame.bytes()
                .put(UserModeNat.MAC.bytes())
                .put(ADDRESS.bytes())
                .putShort((short) 0x0800)
                .put(new byte[] {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0x62, (byte) 0xc0})
                .put(new byte[] {10, 0, 2, 15, 10, 0, 2, 2})
                .putShort((short) 40_000)
                .putShort((short) serverPort)
                .putLong(0x0000_03e8_0000_0000L) // sequence number, acknowledgement
                .putLong(0x5002_ffff_0000_0000L); // SYN, window, checksum that is due
        return frame;
    }

    private static EthernetFrame frame(int bytes) {
        EthernetFrame frame = EthernetFrame.ofLength(bytes, false, Segmentation.NONE, 0);
        frame.bytes().put(new MacAddress(0xffff_ffff_ffffL).bytes()).put(ADDRESS.bytes());
        return frame;
    }

    /** Of the records of a file that ends with a whole one. */
    private static List<Integer> lengths(Path file) throws Exception {
        ByteBuffer capture = ByteBuffer.wrap(Files.readAllBytes(file));
        List<Integer> lengths = new ArrayList<>();
        int at = FILE_HEADER_BYTES;
        while (at < capture.limit()) {
            lengths.add(capture.getInt(at + LENGTH));
            at += RECORD_HEADER_BYTES + capture.getInt(at + LENGTH);
        }
        assertThat(at).isEqualTo(capture.limit());
        return lengths;
    }

    private static final class Idle implements NetworkEndpoint {
        @Override
        public boolean deliver(EthernetFrame frame) {
            frame.release();
            return true;
        }

        @Override
        public void writable() {}
    }
}
