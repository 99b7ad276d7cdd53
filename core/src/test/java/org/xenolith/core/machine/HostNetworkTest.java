package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.SwitchPort;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

@Timeout(60)
final class HostNetworkTest {
    private static final int FILE_HEADER_BYTES = 24, RECORD_HEADER_BYTES = 16, LENGTH = 8;
    private static final MacAddress ADDRESS = new MacAddress(0x00_16_3e_00_00_01L);

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
