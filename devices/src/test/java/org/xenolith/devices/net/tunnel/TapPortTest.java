package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.PortSettings;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

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
            assumeTrue(false, "SKIPPED: unshare is not installed (package util-linux)");
            return;
        }
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        assumeTrue(
                !output.contains("unshare failed") && !output.contains("takes root"),
                "SKIPPED: no right to make a network namespace and a TAP device: " + output);
        assumeTrue(!output.contains("\"ip\""), "SKIPPED: ip is not installed (package iproute2)");
        assertThat(output).isEqualTo("host to station, station to host\n");
    }

    /** The host is 10.9.8.1, the station 10.9.8.2. */
    static final class Child {
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

        /** Without a checksum: the host drops it unless the port computes one. */
        private static EthernetFrame answer(byte[] asked, byte[] text) {
            ByteBuffer frame = ByteBuffer.allocate(UDP_PAYLOAD + text.length);
            frame.put(new MacAddress(0x02_00_00_00_00_01L).bytes());
            frame.put(new MacAddress(0x00_16_3e_00_00_02L).bytes()).putShort((short) 0x0800);
            frame.put((byte) 0x45).put((byte) 0).putShort((short) (28 + text.length));
            frame.putInt(0).put((byte) 64).put((byte) 17).putShort((short) 0);
            frame.put(asked, 30, 4).put(asked, 26, 4);
            int sum = 0;
            for (int i = 14; i < 34; i += 2) {
                sum += frame.getShort(i) & 0xffff;
            }
            frame.putShort(24, (short) ~((sum & 0xffff) + (sum >>> 16)));
            frame.putShort((short) 4001).putShort((short) 4000);
            frame.putShort((short) (8 + text.length)).putShort((short) 0x1234).put(text);
            return new EthernetFrame(
                    Unpooled.wrappedBuffer(frame.array()),
                    true,
                    EthernetFrame.Segmentation.NONE,
                    0);
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
