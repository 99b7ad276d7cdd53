package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.PortSettings;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;

@Timeout(300)
final class StreamTunnelTest {
    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

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
                                            sendUnchecked(left.frame(right.address, 1514, i));
                                        }
                                    });
            for (int i = 0; i < frames; i++) {
                byte[] expected = left.frame(right.address, 1514, i);
                assertThat(Arrays.equals(right.receive(), expected)).as("frame %d", i).isTrue();
            }
            sender.join();
        }
    }

    private void sendUnchecked(byte[] frame) {
        try {
            left.send(frame);
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

            byte[] frame = new byte[14 + 20 + 20 + 3_000];
            System.arraycopy(right.frame(left.address, 60, 0), 0, frame, 0, 12);
            frame[12] = 8;
            frame[14] = 0x45;
            frame[16] = (byte) (frame.length - 14 >> 8);
            frame[17] = (byte) (frame.length - 14);
            frame[23] = 6;
            frame[46] = 0x50;
            right.send(
                    new EthernetFrame(
                            Unpooled.wrappedBuffer(frame),
                            true,
                            EthernetFrame.Segmentation.TCP_V4,
                            1_460));
            DataInputStream in = new DataInputStream(peer.getInputStream());
            for (int payload : new int[] {1_460, 1_460, 80}) {
                assertThat(in.readInt()).isEqualTo(54 + payload);
                in.skipNBytes(54 + payload);
            }
        }
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
