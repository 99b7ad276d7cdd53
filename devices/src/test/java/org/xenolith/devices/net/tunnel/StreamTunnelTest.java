package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.Offload;
import org.xenolith.devices.net.PortSettings;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

@Timeout(300)
final class StreamTunnelTest {
    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private static final int ACK = 0x10, FIN = 0x01;

    /** How a word of one tunnel to the other begins. */
    private static final byte[] QUESTION = {
        1,
        (byte) 0x80,
        (byte) 0xc2,
        0,
        0,
        0xe,
        2,
        0,
        0,
        0,
        0,
        0,
        (byte) 0x88,
        (byte) 0xb5,
        'X',
        'E',
        'N',
        'O'
    };

    private static final MacAddress ALL = new MacAddress(0xffff_ffff_ffffL);

    private static final int UNCUT_BYTES = 14 + 20 + 20 + 3_000;

    private final Host left = new Host(1);
    private final Host right = new Host(2);

    @AfterEach
    void closeHosts() {
        left.close();
        right.close();
    }

    @Test
    void twoSwitchesBecomeOneNetwork() throws Exception {
        try (StreamTunnel server = listen(right);
                StreamTunnel _ = connect(left, server.localAddress())) {
            left.greet(right);
            byte[] large = left.frame(right.address, 65_000, 1);
            byte[] answer = right.frame(left.address, 14 + 4, 2);
            left.send(large);
            assertThat(right.receive()).isEqualTo(large);
            right.send(answer);
            assertThat(left.receive()).isEqualTo(answer);
        }
    }

    @Test
    void moreFramesThanAllQueuesHoldArriveInOrder() throws Exception {
        try (StreamTunnel server = listen(right);
                StreamTunnel _ = connect(left, server.localAddress())) {
            left.greet(right);
            right.greet(left); // frames to addresses that are not known yet may be lost
            int frames = 20_000; // 30 MB: more than all queues and socket buffers between them
            Thread sender =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < frames; i++) {
                                            sendUnchecked(left, left.frame(right.address, 1514, i));
                                        }
                                    });
            for (int i = 0; i < frames; i++) {
                byte[] expected = left.frame(right.address, 1514, i);
                assertThat(Arrays.equals(right.receive(), expected)).as("frame %d", i).isTrue();
            }
            sender.join();
        }
    }

    private static void sendUnchecked(Host from, byte[] frame) {
        try {
            from.send(frame);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void framesTravelBehindTheirLengthInFourBytes() throws Exception {
        try (StreamTunnel server = listen(right);
                Socket peer = socketTo(server)) {
            DataOutputStream out = new DataOutputStream(peer.getOutputStream());
            byte[] frame = left.frame(right.address, 100, 5);
            out.writeInt(frame.length);
            out.write(frame, 0, 50);
            out.flush();
            out.write(frame, 50, 50);
            assertThat(right.receive()).isEqualTo(frame);

            byte[] answer = right.frame(left.address, 77, 6);
            right.send(answer);
            DataInputStream in = new DataInputStream(peer.getInputStream());
            assertThat(in.readInt()).isEqualTo(77);
            assertThat(in.readNBytes(77)).isEqualTo(answer);
        }
    }

    @Test
    void lengthThatCannotBeClosesThatConnectionAndTheNextOneWorks() throws Exception {
        try (StreamTunnel server = listen(right)) {
            for (int length : new int[] {StreamTunnel.MAX_FRAME_BYTES + 1, -1, Integer.MIN_VALUE}) {
                try (Socket peer = socketTo(server)) {
                    new DataOutputStream(peer.getOutputStream()).writeInt(length);
                    assertThat(peer.getInputStream().read()).as("end of stream").isEqualTo(-1);
                }
            }
            try (Socket peer = socketTo(server)) {
                byte[] frame = left.frame(right.address, 60, 1);
                DataOutputStream out = new DataOutputStream(peer.getOutputStream());
                out.writeInt(frame.length);
                out.write(frame);
                assertThat(right.receive()).isEqualTo(frame);
            }
        }
    }

    @Test
    void secondPeerIsSentAwayWhileTheFirstIsThere() throws Exception {
        try (StreamTunnel server = listen(right);
                StreamTunnel _ = connect(left, server.localAddress())) {
            left.greet(right);
            try (Socket second = socketTo(server)) {
                assertThat(second.getInputStream().read()).isEqualTo(-1);
            }
            left.greet(right);
        }
    }

    @Test
    void peerThatTakesNothingForLongMakesWayForTheNext() throws Exception {
        try (StreamTunnel server =
                        StreamTunnel.listen(
                                right.network,
                                right.ports,
                                "out",
                                ANY_PORT,
                                PortSettings.PLAIN,
                                1);
                Socket _ = socketTo(server)) {
            // 30 MB, as above; when the last peer has gone the rest is lost, and this ends.
            Thread sender =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 20_000; i++) {
                                            sendUnchecked(right, right.frame(ALL, 1514, i));
                                        }
                                    });
            boolean taken = false;
            while (!taken) {
                try (Socket next = socketTo(server)) {
                    taken = next.getInputStream().read() >= 0;
                }
            }
            sender.join();
        }
    }

    /** Of a machine that died nothing comes, no end of the connection either. */
    @Test
    void silenceIsAskedIntoAfterSecondsAtBothEnds() throws Exception {
        try (StreamTunnel server = listen(right);
                StreamTunnel _ = connect(left, server.localAddress())) {
            left.greet(right);
            right.greet(left);
            int port = server.localAddress().getPort();
            List<Integer> asks = keepaliveSeconds(port);
            // An end whose last bytes are not acknowledged yet has another timer until they are.
            for (int i = 0; i < 200 && asks.size() < 2; i++) {
                Thread.sleep(10);
                asks = keepaliveSeconds(port);
            }
            assertThat(asks).hasSize(2).allMatch(seconds -> seconds <= 15);
        }
    }

    /**
     * When the ends of the connections to a port will ask into silence: /proc/net/tcp of Linux,
     * kind of timer and hundredths of a second.
     */
    private static List<Integer> keepaliveSeconds(int port) throws IOException {
        Pattern established =
                Pattern.compile(
                        "\\s*\\d+: (\\w+:%04X \\w+:\\w+|\\w+:\\w+ \\w+:%04X) 01 \\S+ 02:(\\w+) .*"
                                .formatted(port, port));
        List<Integer> seconds = new ArrayList<>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            for (String line : Files.readAllLines(Path.of(table))) {
                Matcher matcher = established.matcher(line);
                if (matcher.matches()) {
                    seconds.add(Integer.parseInt(matcher.group(2), 16) / 100);
                }
            }
        }
        return seconds;
    }

    @Test
    void connectingSideComesBackAfterThePeerDoes() throws Exception {
        StreamTunnel first = listen(right);
        InetSocketAddress address = first.localAddress();
        try (StreamTunnel _ = connect(left, address)) {
            left.greet(right);
            first.close();
            try (StreamTunnel _ = listenAgain(address)) {
                left.greet(right);
            }
        }
    }

    @Test
    void payloadThatWasNotCutIsCutOnTheWay() throws Exception {
        try (StreamTunnel server = listen(right);
                Socket peer = socketTo(server)) {
            byte[] hello = left.frame(right.address, 60, 1);
            DataOutputStream out = new DataOutputStream(peer.getOutputStream());
            out.writeInt(hello.length);
            out.write(hello);
            right.receive();

            right.send(uncut(right, left, ACK));
            DataInputStream in = new DataInputStream(peer.getInputStream());
            assertThat(in.readInt()).as("a question, which a guest ignores").isEqualTo(60);
            assertThat(in.readNBytes(60)).startsWith(QUESTION);
            for (int payload : new int[] {1_460, 1_460, 80}) {
                assertThat(in.readInt()).isEqualTo(54 + payload);
                in.skipNBytes(54 + payload);
            }
        }
    }

    @Test
    void betweenTwoOfOursAPayloadPassesUncut() throws Exception {
        try (StreamTunnel server = listen(right);
                StreamTunnel _ = connect(left, server.localAddress())) {
            left.greet(right);
            right.greet(left);
            // The first ones may be cut: their tunnel has only just asked.
            int length = 0;
            while (length != UNCUT_BYTES) {
                // What ends with a FIN is never joined again once it was cut.
                left.send(uncut(left, right, ACK | FIN));
                length = right.receive().length;
            }
            assertThat(right.lastSegmentation()).isEqualTo(EthernetFrame.Segmentation.TCP_V4);
        }
    }

    @Test
    void segmentsOfAPeerThatCutsAreJoined() throws Exception {
        try (StreamTunnel server = listen(right);
                Socket peer = socketTo(server)) {
            ByteBuf batch = Unpooled.buffer();
            Offload.toWire(
                    uncut(left, right, ACK),
                    wire -> batch.writeInt(wire.length()).writeBytes(wire.content()));
            peer.getOutputStream().write(ByteBufUtil.getBytes(batch));
            assertThat(right.receive()).hasSize(UNCUT_BYTES);
        }
    }

    @Test
    void questionThatIsAskedAgainIsNotAnsweredAgain() throws Exception {
        try (StreamTunnel server = listen(right);
                Socket peer = socketTo(server)) {
            DataOutputStream out = new DataOutputStream(peer.getOutputStream());
            byte[] ask = Arrays.copyOf(QUESTION, 60);
            ask[18] = TunnelProtocol.ASK;
            for (int i = 0; i < 100; i++) {
                out.writeInt(ask.length);
                out.write(ask);
            }
            byte[] frame = left.frame(right.address, 77, 5);
            out.writeInt(frame.length);
            out.write(frame);
            right.receive();

            byte[] answer = right.frame(left.address, 77, 6);
            right.send(answer);
            DataInputStream in = new DataInputStream(peer.getInputStream());
            assertThat(in.readInt()).as("one acceptance").isEqualTo(60);
            assertThat(in.readNBytes(60)[18]).isEqualTo(TunnelProtocol.ACCEPT);
            assertThat(in.readInt()).as("and then the frame").isEqualTo(77);
            assertThat(in.readNBytes(77)).isEqualTo(answer);
        }
    }

    @Test
    void wordsThatMakeNoSenseAreIgnored() throws Exception {
        try (StreamTunnel server = listen(right);
                Socket peer = socketTo(server)) {
            DataOutputStream out = new DataOutputStream(peer.getOutputStream());
            Random random = new Random(5);
            for (int i = 0; i < 500; i++) {
                byte[] word = new byte[20 + random.nextInt(200)];
                random.nextBytes(word);
                System.arraycopy(QUESTION, 0, word, 0, QUESTION.length);
                word[18] = (byte) (3 + random.nextInt(3));
                out.writeInt(word.length);
                out.write(word);
            }
            byte[] frame = left.frame(right.address, 100, 5);
            out.writeInt(frame.length);
            out.write(frame);
            byte[] received = right.receive();
            while (!Arrays.equals(received, frame)) {
                received = right.receive();
            }
        }
    }

    /** A TCP packet of 3,000 bytes for the receiver to cut. */
    private static EthernetFrame uncut(Host from, Host to, int flags) {
        byte[] frame = new byte[UNCUT_BYTES];
        System.arraycopy(from.frame(to.address, 60, 0), 0, frame, 0, 12);
        frame[12] = 8;
        frame[14] = 0x45;
        frame[16] = (byte) (frame.length - 14 >> 8);
        frame[17] = (byte) (frame.length - 14);
        frame[20] = 0x40; // not to be fragmented
        frame[23] = 6;
        frame[46] = 0x50;
        frame[47] = (byte) flags;
        return new EthernetFrame(
                Unpooled.wrappedBuffer(frame), true, EthernetFrame.Segmentation.TCP_V4, 1_460);
    }

    @Test
    void addressInUseIsOneSentence() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress address = (InetSocketAddress) taken.getLocalSocketAddress();
            assertThatThrownBy(
                            () ->
                                    StreamTunnel.listen(
                                            left.network,
                                            left.ports,
                                            "out",
                                            address,
                                            PortSettings.PLAIN))
                    .isInstanceOf(IOException.class)
                    .hasMessageMatching(
                            "Cannot listen for a network peer on \\S+:\\d+: Address already in"
                                    + " use");
            assertThat(left.ports.statistics()).hasSize(1);
        }
    }

    /** The host frees the old listener's address a moment after it was closed. */
    private StreamTunnel listenAgain(InetSocketAddress address) throws InterruptedException {
        while (true) {
            try {
                return StreamTunnel.listen(
                        right.network, right.ports, "out", address, PortSettings.PLAIN);
            } catch (IOException stillTaken) {
                Thread.sleep(10); // ends by the timeout of the class if it never comes free
            }
        }
    }

    private static StreamTunnel listen(Host host) throws IOException {
        return StreamTunnel.listen(host.network, host.ports, "out", ANY_PORT, PortSettings.PLAIN);
    }

    private static StreamTunnel connect(Host host, InetSocketAddress remote) {
        return StreamTunnel.connect(host.network, host.ports, "out", remote, PortSettings.PLAIN);
    }

    private static Socket socketTo(StreamTunnel tunnel) throws IOException {
        return new Socket(tunnel.localAddress().getAddress(), tunnel.localAddress().getPort());
    }
}
