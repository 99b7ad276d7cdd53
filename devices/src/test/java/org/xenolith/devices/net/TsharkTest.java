package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.net.PcapFile.LargeFrames;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** The judge of captures: strict with what is broken, blind for what the payload looks like. */
final class TsharkTest {
    /** Where tshark expects EtherCAT. */
    private static final int ETHERCAT = 34_980;

    private static final int IP_LENGTH = 2, TCP_HEADER_BYTES = 20;

    @TempDir private Path folder;
    private final TestPacket packet = packet();

    private static TestPacket packet() {
        byte[] payload = new byte[1_400];
        new SplittableRandom(0xeca7).nextBytes(payload);
        return new TestPacket(false, false, true, 0, 0, 1, 1, TestPacket.ACK, payload);
    }

    private Tshark judge(byte[] frame) throws IOException, InterruptedException {
        Path capture = folder.resolve("capture.pcap");
        try (PcapFile file = PcapFile.create(capture, LargeFrames.CUT)) {
            EthernetFrame recorded = new EthernetFrame(Unpooled.wrappedBuffer(frame));
            file.record(recorded);
            recorded.release();
        }
        return Tshark.of(capture);
    }

    @Test
    void payloadFromAPortOfAnotherProtocolIsJustPayload() throws Exception {
        byte[] frame = packet.bytes(0);
        ByteBuffer.wrap(frame).putShort(packet.transportOffset(), (short) ETHERCAT);
        Tshark tshark = judge(frame);
        assertThat(tshark.malformed()).isEmpty();
        assertThat(tshark.packets("tcp.srcport == " + ETHERCAT)).hasSize(1);
    }

    @Test
    void headerThatEndsBeforeItsLastFieldIsMalformed() throws Exception {
        byte[] frame = packet.bytes(0);
        int length = packet.transportOffset() - packet.ipOffset() + TCP_HEADER_BYTES / 2;
        ByteBuffer.wrap(frame).putShort(packet.ipOffset() + IP_LENGTH, (short) length);
        assertThat(judge(frame).malformed()).hasSize(1);
    }

    @Test
    void checksumThatIsWrongIsSeen() throws Exception {
        assertThat(judge(packet.bytes(0xbad)).fields("tcp.checksum.status", "tcp.len"))
                .containsExactly(new String[] {"0", "1400"});
    }

    @Test
    void optionThatTsharkDoesNotKnowFailsTheTest() throws Exception {
        Tshark tshark = judge(packet.bytes(0));
        for (String[] unknown :
                new String[][] {{"--no-such-option"}, {"-o", "tcp.no_such_preference:TRUE"}}) {
            assertThatThrownBy(() -> tshark.read(unknown))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("no");
        }
        assertThatThrownBy(() -> tshark.packets("no_such_protocol"))
                .hasMessageContaining("no_such_protocol");
        assertThatThrownBy(() -> tshark.fields("tcp.no_such_field"))
                .hasMessageContaining("tcp.no_such_field");
    }
}
