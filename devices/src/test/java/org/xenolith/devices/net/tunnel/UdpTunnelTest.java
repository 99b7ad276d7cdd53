package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.net.PortSettings;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;

@Timeout(300)
final class UdpTunnelTest {
    private final Host left = new Host(1);
    private final Host right = new Host(2);

    @AfterEach
    void closeHosts() {
        left.close();
        right.close();
    }

    @Test
    void twoSwitchesBecomeOneNetwork() throws Exception {
        InetSocketAddress leftAddress = freeAddress();
        InetSocketAddress rightAddress = freeAddress();
        try (UdpTunnel _ = open(left, leftAddress, rightAddress)) {
            // Nobody is there yet: that is no reason to give up.
            left.send(left.frame(right.address, 60, 0));
            try (UdpTunnel _ = open(right, rightAddress, leftAddress)) {
                left.greet(right);
                byte[] frame = left.frame(right.address, 9_000, 1);
                left.send(frame);
                assertThat(right.receive()).isEqualTo(frame);
                byte[] answer = right.frame(left.address, 18, 2);
                right.send(answer);
                assertThat(left.receive()).isEqualTo(answer);
            }
        }
    }

    @Test
    void datagramIsAFrameAndNothingElseAndStrangersAreIgnored() throws Exception {
        InetSocketAddress local = freeAddress();
        try (DatagramSocket peer = new DatagramSocket(freeAddress());
                DatagramSocket stranger = new DatagramSocket(freeAddress());
                UdpTunnel _ = open(left, local, (InetSocketAddress) peer.getLocalSocketAddress())) {
            byte[] spoofed = right.frame(left.address, 60, 1);
            byte[] frame = right.frame(left.address, 60, 2);
            stranger.send(new DatagramPacket(spoofed, spoofed.length, local));
            peer.send(new DatagramPacket(frame, frame.length, local));
            assertThat(left.receive()).isEqualTo(frame);

            byte[] answer = left.frame(right.address, 99, 3);
            left.send(answer);
            DatagramPacket received = new DatagramPacket(new byte[2_000], 2_000);
            peer.receive(received);
            assertThat(Arrays.copyOf(received.getData(), received.getLength())).isEqualTo(answer);
        }
    }

    @Test
    void addressInUseIsTheLocalOne() throws Exception {
        try (DatagramSocket taken = new DatagramSocket(freeAddress())) {
            InetSocketAddress local = (InetSocketAddress) taken.getLocalSocketAddress();
            InetSocketAddress remote = freeAddress();
            assertThatThrownBy(() -> open(left, local, remote))
                    .isInstanceOf(IOException.class)
                    .hasMessageMatching(
                            "Cannot open a UDP tunnel to \\S+:%d, for its local address \\S+:%d"
                                            .formatted(remote.getPort(), local.getPort())
                                    + " cannot be had: Address already in use");
        }
    }

    private static UdpTunnel open(Host host, InetSocketAddress local, InetSocketAddress remote)
            throws IOException {
        return UdpTunnel.open(host.network, host.ports, "out", local, remote, PortSettings.PLAIN);
    }

    private static InetSocketAddress freeAddress() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return (InetSocketAddress) socket.getLocalSocketAddress();
        }
    }
}
