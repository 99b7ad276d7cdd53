package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.net.PcapFile.LargeFrames;
import org.xenolith.devices.net.SwitchLab.Station;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

final class PcapFileTest {
    private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000L, 123_456_789);
    private static final long SEED = 0xca97;

    @TempDir private Path folder;

    @Test
    void recordsCarryNanosecondsAndTheWholeFrame() throws IOException {
        Path path = folder.resolve("a.pcap");
        EthernetFrame frame = SwitchLab.frame(SwitchLab.BOB, SwitchLab.ALICE, 7, 65_000);
        try (PcapFile file = PcapFile.create(path, LargeFrames.WHOLE, () -> NOW)) {
            file.record(frame);
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path));

        assertThat(bytes.getInt(0)).isEqualTo(0xa1b23c4d);
        assertThat(bytes.getInt(20)).as("LINKTYPE_ETHERNET").isEqualTo(1);
        assertThat(bytes.getInt(24)).isEqualTo(1_700_000_000);
        assertThat(bytes.getInt(28)).isEqualTo(123_456_789);
        assertThat(bytes.getInt(32)).isEqualTo(65_014);
        assertThat(bytes.getInt(36)).isEqualTo(65_014);
        assertThat(bytes.capacity()).isEqualTo(24 + 16 + 65_014);
        assertThat(frame.refCnt()).isEqualTo(1);
    }

    @Test
    void captureOfAPortShowsBothDirectionsWithinATenthOfASecond() throws IOException {
        SwitchLab lab = new SwitchLab();
        Path path = folder.resolve("port.pcap");
        try (PcapFile file = PcapFile.create(path, LargeFrames.WHOLE, () -> NOW)) {
            Station alice = lab.station("alice", PortSettings.PLAIN.withCapture(file));
            Station bob = lab.station("bob");
            alice.send(SwitchLab.frame(SwitchLab.BROADCAST, SwitchLab.ALICE, 1));
            bob.send(SwitchLab.frame(SwitchLab.ALICE, SwitchLab.BOB, 2));
            lab.run();
            assertThat(path).hasSize(24);

            lab.advance(100, TimeUnit.MILLISECONDS);
            assertThat(path).hasSize(24 + 2 * (16 + 64));
        }
    }

    @Test
    void captureThatCannotBeWrittenEndsWithoutTheNetwork() throws IOException {
        SwitchLab lab = new SwitchLab();
        PcapFile file = PcapFile.to(new FullAfterTheHeader(), LargeFrames.WHOLE);
        Station alice = lab.station("alice", PortSettings.PLAIN.withCapture(file));
        Station bob = lab.station("bob");
        for (int i = 0; i < 10; i++) {
            alice.send(SwitchLab.frame(SwitchLab.BROADCAST, SwitchLab.ALICE, i));
            lab.advance(1, TimeUnit.SECONDS);
        }
        assertThat(bob.received).hasSize(10);
    }

    /** A file on a disk with 24 bytes left. */
    private static final class FullAfterTheHeader extends OutputStream {
        private int left = 24;

        @Override
        public void write(int value) throws IOException {
            if (left-- <= 0) {
                throw new IOException("No space left on device");
            }
        }
    }

    @Test
    void tsharkFindsNothingMalformedAndEveryChecksumRight() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        Path path = folder.resolve("wire.pcap");
        int frames = 0;
        try (PcapFile file = PcapFile.create(path, LargeFrames.CUT)) {
            for (int i = 0; i < 200; i++) {
                TestPacket packet = TestPacket.random(random, 8_000);
                EthernetFrame frame = packet.tcp() ? packet.toCut(1_400) : packet.pending(0);
                file.record(frame);
                frames +=
                        packet.tcp()
                                ? Math.max(1, Math.ceilDiv(packet.payload().length, 1_400))
                                : 1;
                frame.release();
            }
        }

        Tshark tshark = Tshark.of(path);
        assertThat(tshark.packets("frame")).hasSize(frames);
        assertThat(tshark.malformed()).isEmpty();
        assertThat(
                        tshark.packets(
                                "ip.checksum.status == 0 || tcp.checksum.status == 0"
                                        + " || udp.checksum.status == 0"))
                .isEmpty();
        assertThat(tshark.packets("tcp.checksum.status == 1 || udp.checksum.status == 1"))
                .hasSize(frames);
    }
}
