package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.PortSettings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

@Timeout(300)
final class TapPortTest {
    @Test
    void interfaceThatIsNoTapDeviceIsRefusedInOneSentence() {
        // Without rights the sentence ends with what it takes, with them the host says what is
        // wrong.
        assertThatThrownBy(() -> TapDevice.open("lo"))
                .isInstanceOf(IOException.class)
                .hasMessageMatching("Cannot open TAP device lo: [^\\n]+ \\(errno \\d+\\)[^\\n]*");
    }

    /** In a network namespace of its own, so that the machine's network is left alone. */
    @Test
    void hostAndStationTalkThroughATapDevice() throws Exception {
        Process process;
        try {
            process =
                    new ProcessBuilder(
                                    "unshare",
                                    "--map-root-user",
                                    "--net",
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-XX:TieredStopAtLevel=1",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Child.class.getName())
                            .redirectErrorStream(true)
                            .start();
        } catch (IOException missing) {
            HostNeeds.missing("unshare (package util-linux)", missing);
            return;
        }
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        HostNeeds.skipWithout(
                !output.contains("unshare failed") && !output.contains("takes root"),
                "the right to make a network namespace and a TAP device: " + output);
        HostNeeds.require(!output.contains("\"ip\""), "ip (package iproute2)");
        assertThat(output)
                .isEqualTo(
                        """
                        host to station, station to host
                        30000 bytes came, uncut: true; 4380 bytes arrived
                        """);
    }

    /** The host is 10.9.8.1, the station 10.9.8.2. */
    static final class Child {
        private static final int TO_STATION = 30_000, TO_HOST = 4_380;
        private static final int UDP_PAYLOAD = 14 + 20 + 8;

        private Child() {}

        public static void main(String[] arguments) throws Exception {
            try (Host station = new Host(2);
                    TapPort _ =
                            TapPort.open(
                                    station.network,
                                    station.ports,
                                    "out",
                                    "tap0",
                                    PortSettings.PLAIN)) {
                ip("address", "add", "10.9.8.1/24", "dev", "tap0");
                ip("link", "set", "tap0", "address", "02:00:00:00:00:01", "up");
                ip("neighbour", "add", "10.9.8.2", "lladdr", "00:16:3e:00:00:02", "dev", "tap0");
                talk(station);
                stream(station);
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }

        private static void talk(Host station) throws Exception {
            try (DatagramSocket host =
                    new DatagramSocket(4000, InetAddress.getByName("10.9.8.1"))) {
                byte[] text = "host to station".getBytes(StandardCharsets.UTF_8);
                host.send(
                        new DatagramPacket(
                                text, text.length, new InetSocketAddress("10.9.8.2", 4001)));
                byte[] frame = station.receive();
                while (frame[12] != 8 || frame[23] != 17 || frame[36] != 4001 >> 8) {
                    frame = station.receive(); // the host speaks of other things too
                }
                byte[] heard = Arrays.copyOfRange(frame, UDP_PAYLOAD, UDP_PAYLOAD + text.length);

                station.send(answer(frame, "station to host".getBytes(StandardCharsets.UTF_8)));
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                host.receive(answer);
                System.out.println(
                        new String(heard, StandardCharsets.UTF_8)
                                + ", "
                                + new String(
                                        answer.getData(),
                                        0,
                                        answer.getLength(),
                                        StandardCharsets.UTF_8));
            }
        }

        /** Without a checksum: the host drops it unless the port says that one is due. */
        private static EthernetFrame answer(byte[] asked, byte[] text) {
            ByteBuffer frame = ByteBuffer.allocate(UDP_PAYLOAD + text.length);
            frame.put(new MacAddress(0x02_00_00_00_00_01L).bytes());
            frame.put(new MacAddress(0x00_16_3e_00_00_02L).bytes()).putShort((short) 0x0800);
            frame.put((byte) 0x45).put((byte) 0).putShort((short) (28 + text.length));
            frame.putInt(0).put((byte) 64).put((byte) 17).putShort((short) 0);
            frame.put(asked, 30, 4).put(asked, 26, 4);
            frame.putShort(24, (short) ~sum(frame, 14, 34, 0));
            frame.putShort((short) 4001).putShort((short) 4000);
            frame.putShort((short) (8 + text.length)).putShort((short) 0x1234).put(text);
            return new EthernetFrame(
                    Unpooled.wrappedBuffer(frame.array()),
                    true,
                    EthernetFrame.Segmentation.NONE,
                    0);
        }

        /** One TCP connection, of which the station plays its end by hand. */
        private static void stream(Host station) throws Exception {
            CompletableFuture<Integer> host = CompletableFuture.supplyAsync(Child::hostsEnd);
            byte[] syn = tcpFrame(station);
            ByteBuffer opened = ByteBuffer.wrap(syn);
            short port = opened.getShort(34);
            int expected = opened.getInt(38) + 1;
            station.send(segment(port, 1_000, expected, 0x12, new byte[0], 0));
            int received = 0;
            int largest = 0;
            while (received < TO_STATION) {
                byte[] frame = tcpFrame(station);
                ByteBuffer fields = ByteBuffer.wrap(frame);
                int headers = 14 + 20 + (frame[46] >> 4 & 0xf) * 4;
                int payload = fields.getShort(16) - (headers - 14);
                if (payload > 0 && fields.getInt(38) == expected) {
                    received += payload;
                    expected += payload;
                    largest = Math.max(largest, payload);
                    station.send(segment(port, 1_001, expected, 0x10, new byte[0], 0));
                }
            }
            station.send(segment(port, 1_001, expected, 0x18, new byte[TO_HOST], 1_460));
            System.out.println(
                    received
                            + " bytes came, uncut: "
                            + (largest > 1_460)
                            + "; "
                            + host.get()
                            + " bytes arrived");
        }

        private static int hostsEnd() {
            try (Socket socket = new Socket("10.9.8.2", 80)) {
                socket.getOutputStream().write(new byte[TO_STATION]);
                return socket.getInputStream().readNBytes(TO_HOST).length;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static byte[] tcpFrame(Host station) throws InterruptedException {
            byte[] frame = station.receive();
            while (frame[12] != 8 || frame[13] != 0 || frame[23] != 6) {
                frame = station.receive();
            }
            return frame;
        }

        /** As a guest leaves it to its network card: the checksum holds the pseudo-header's sum. */
        private static EthernetFrame segment(
                short port,
                int sequence,
                int acknowledged,
                int flags,
                byte[] payload,
                int cutInto) {
            ByteBuffer frame = ByteBuffer.allocate(54 + payload.length);
            frame.put(new MacAddress(0x02_00_00_00_00_01L).bytes());
            frame.put(new MacAddress(0x00_16_3e_00_00_02L).bytes()).putShort((short) 0x0800);
            frame.put((byte) 0x45).put((byte) 0).putShort((short) (40 + payload.length));
            frame.putInt(0).put((byte) 64).put((byte) 6).putShort((short) 0);
            frame.putInt(0x0a090802).putInt(0x0a090801);
            frame.putShort(24, (short) ~sum(frame, 14, 34, 0));
            frame.putShort((short) 80).putShort(port).putInt(sequence).putInt(acknowledged);
            frame.put((byte) 0x50).put((byte) flags).putShort((short) 0xffff);
            frame.putShort((short) sum(frame, 26, 34, 6 + 20 + payload.length)).putShort((short) 0);
            frame.put(payload);
            return new EthernetFrame(
                    Unpooled.wrappedBuffer(frame.array()),
                    true,
                    cutInto > 0
                            ? EthernetFrame.Segmentation.TCP_V4
                            : EthernetFrame.Segmentation.NONE,
                    cutInto);
        }

        private static int sum(ByteBuffer frame, int from, int to, int start) {
            int sum = start;
            for (int i = from; i < to; i += 2) {
                sum += frame.getShort(i) & 0xffff;
            }
            return (sum & 0xffff) + (sum >>> 16);
        }

        private static void ip(String... arguments) throws Exception {
            String[] command = new String[arguments.length + 1];
            command[0] = "ip";
            System.arraycopy(arguments, 0, command, 1, arguments.length);
            if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
                throw new IOException("failed: " + String.join(" ", command));
            }
        }
    }
}
