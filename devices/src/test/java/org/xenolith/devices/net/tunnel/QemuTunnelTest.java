package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.PortSettings;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;

@Timeout(300)
final class QemuTunnelTest {
    /** QEMU without a machine: a hub between its stream and its datagram network. */
    @Test
    void qemuJoinsOurStreamPortAndOurUdpPort() throws Exception {
        InetSocketAddress qemuUdp = freeAddress();
        InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (Host left = new Host(1);
                Host right = new Host(2);
                StreamTunnel stream =
                        StreamTunnel.listen(
                                left.network, left.ports, "qemu", any, PortSettings.PLAIN);
                UdpTunnel udp =
                        UdpTunnel.open(
                                right.network,
                                right.ports,
                                "qemu",
                                any,
                                qemuUdp,
                                PortSettings.PLAIN)) {
            Process qemu = qemu(stream.localAddress(), qemuUdp, udp.localAddress());
            try {
                left.greet(right);
                right.greet(left);
                byte[] frame = left.frame(right.address, 1_514, 1);
                left.send(frame);
                assertThat(right.receive()).isEqualTo(frame);
            } finally {
                qemu.destroyForcibly().waitFor();
            }
        }
    }

    private static Process qemu(
            InetSocketAddress stream, InetSocketAddress local, InetSocketAddress remote)
            throws Exception {
        try {
            String version = firstLine("qemu-system-x86_64", "--version");
            HostNeeds.skipWithout(
                    version.matches(".*version (7\\.[2-9]|[89]\\.|[1-9][0-9]).*"),
                    "QEMU 7.2, which brought -netdev stream; this is " + version);
            return new ProcessBuilder(
                            "qemu-system-x86_64",
                            "-machine",
                            "none",
                            "-nodefaults",
                            "-display",
                            "none",
                            "-netdev",
                            "stream,id=stream,server=off,addr.type=inet,addr.host=127.0.0.1,addr.port="
                                    + stream.getPort(),
                            "-netdev",
                            "dgram,id=udp,local.type=inet,local.host=127.0.0.1,local.port="
                                    + local.getPort()
                                    + ",remote.type=inet,remote.host=127.0.0.1,remote.port="
                                    + remote.getPort(),
                            "-netdev",
                            "hubport,id=port0,hubid=0,netdev=stream",
                            "-netdev",
                            "hubport,id=port1,hubid=0,netdev=udp")
                    .redirectError(ProcessBuilder.Redirect.DISCARD) // "hub 0 with no nics"
                    .start();
        } catch (IOException missing) {
            HostNeeds.skipWithout(false, "QEMU (package qemu-system-x86, a large one)");
            throw missing;
        }
    }

    private static String firstLine(String... command) throws IOException {
        Process process = new ProcessBuilder(command).start();
        try (var reader = process.inputReader()) {
            return String.valueOf(reader.readLine());
        }
    }

    private static InetSocketAddress freeAddress() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return (InetSocketAddress) socket.getLocalSocketAddress();
        }
    }
}
