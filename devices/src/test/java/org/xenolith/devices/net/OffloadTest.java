package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.devices.net.TestPacket.ACK;
import static org.xenolith.devices.net.TestPacket.CWR;
import static org.xenolith.devices.net.TestPacket.FIN;
import static org.xenolith.devices.net.TestPacket.PSH;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

final class OffloadTest {
    private static final long SEED = 0x0ff10ad;

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void completedChecksumsAreThoseOfThePlainestComputation() {
        for (int round = 0; round < 5_000; round++) {
            TestPacket packet = TestPacket.random(random, 3_000);
            EthernetFrame frame = Offload.completeChecksum(packet.pending(random.nextInt(1 << 16)));

            byte[] bytes = bytesOf(frame);
            assertThat(packet.checksumsAreRight(bytes)).as("%s", packet).isTrue();
            assertThat(frame.checksumPending()).isFalse();
            frame.release();
        }
    }

    @Test
    void nothingButTheChecksumChangesAndTheOriginalNotAtAll() {
        TestPacket packet = TestPacket.random(random, 500);
        EthernetFrame original = packet.pending(0x1234);
        original.retain();
        EthernetFrame complete = Offload.completeChecksum(original);

        assertThat(bytesOf(original)).isEqualTo(packet.bytes(0x1234));
        int field = packet.transportOffset() + (packet.tcp() ? 16 : 6);
        int checksum = complete.content().getUnsignedShort(field);
        assertThat(bytesOf(complete)).isEqualTo(packet.bytes(checksum));
        assertThat(complete.refCnt()).isEqualTo(1);
        assertThat(original.refCnt()).isEqualTo(1);
    }

    @Test
    void udpChecksumOfZeroIsSentAsAllOnes() {
        // Words: pseudo-header, ports, both lengths, and a payload that makes up for them.
        TestPacket zero = new TestPacket(false, false, false, 0, 0, 0, 0, 0, new byte[2]);
        EthernetFrame probe = Offload.completeChecksum(zero.pending(0));
        int checksum = probe.content().getUnsignedShort(zero.transportOffset() + 6);
        byte[] payload = {(byte) (checksum >>> 8), (byte) checksum};
        TestPacket packet = new TestPacket(false, false, false, 0, 0, 0, 0, 0, payload);

        EthernetFrame frame = Offload.completeChecksum(packet.pending(0));

        assertThat(frame.content().getUnsignedShort(packet.transportOffset() + 6))
                .isEqualTo(0xffff);
    }

    @Test
    void frameWithoutPendingWorkPassesUntouched() {
        EthernetFrame frame = SwitchLab.frame(SwitchLab.BOB, SwitchLab.ALICE, 1);
        assertThat(toWire(frame)).containsExactly(frame);
        assertThat(frame.refCnt()).isEqualTo(1);
    }

    @Test
    void segmentsCarryThePayloadInOrderUnderHeadersThatFit() {
        for (int round = 0; round < 300; round++) {
            TestPacket packet = tcp(TestPacket.random(random, 60_000));
            int segmentBytes = Offload.MIN_SEGMENT_BYTES + random.nextInt(3_000);
            EthernetFrame large = packet.toCut(segmentBytes);
            List<EthernetFrame> segments = toWire(large);

            assertThat(large.refCnt()).isZero();
            int expected = Math.max(1, Math.ceilDiv(packet.payload().length, segmentBytes));
            assertThat(segments).as("%s", packet).hasSize(expected);
            ByteArrayOutputStream payload = new ByteArrayOutputStream();
            for (int i = 0; i < segments.size(); i++) {
                byte[] bytes = bytesOf(segments.get(i));
                assertThat(packet.checksumsAreRight(bytes)).as("%s segment %d", packet, i).isTrue();
                checkHeaders(packet, bytes, i, payload.size(), i == segments.size() - 1);
                payload.write(bytes, packet.payloadOffset(), bytes.length - packet.payloadOffset());
                segments.get(i).release();
            }
            assertThat(payload.toByteArray()).isEqualTo(packet.payload());
        }
    }

    private static void checkHeaders(
            TestPacket packet, byte[] bytes, int number, int offset, boolean last) {
        ByteBuffer frame = ByteBuffer.wrap(bytes);
        int ip = packet.ipOffset();
        int tcp = packet.transportOffset();
        if (packet.v6()) {
            assertThat(frame.getShort(ip + 4)).isEqualTo((short) (bytes.length - ip - 40));
        } else {
            assertThat(frame.getShort(ip + 2)).isEqualTo((short) (bytes.length - ip));
            assertThat(frame.getShort(ip + 4))
                    .isEqualTo((short) (packet.identification() + number));
        }
        assertThat(frame.getInt(tcp + 4)).isEqualTo(packet.sequence() + offset);
        int expectedFlags = packet.flags();
        expectedFlags &= last ? ~0 : ~(FIN | PSH);
        expectedFlags &= number == 0 ? ~0 : ~CWR;
        assertThat(bytes[tcp + 13]).isEqualTo((byte) expectedFlags);
    }

    @Test
    void tinySegmentsAreNotMadeHoweverSmallAGuestWantsThem() {
        TestPacket packet = new TestPacket(false, false, true, 0, 0, 1, 1, ACK, new byte[60_000]);
        for (int wanted : new int[] {-1, 0, 1}) {
            List<EthernetFrame> segments = toWire(packet.toCut(wanted));
            assertThat(segments).hasSize(60_000 / Offload.MIN_SEGMENT_BYTES);
            segments.forEach(EthernetFrame::release);
        }
    }

    @Test
    void frameThatCannotBeCutIsDroppedAndOneThatCannotBeSummedPasses() {
        byte[] noise = new byte[3_000];
        random.nextBytes(noise);
        EthernetFrame uncuttable =
                new EthernetFrame(Unpooled.wrappedBuffer(noise), true, Segmentation.TCP_V4, 1448);
        EthernetFrame unsummable =
                new EthernetFrame(Unpooled.wrappedBuffer(noise), true, Segmentation.NONE, 0);

        assertThat(toWire(uncuttable)).isEmpty();
        assertThat(uncuttable.refCnt()).isZero();
        assertThat(toWire(unsummable))
                .singleElement()
                .extracting(OffloadTest::bytesOf)
                .isEqualTo(noise);
        assertThat(unsummable.refCnt()).isZero();
    }

    @Test
    void paddingOfAShortFrameIsNotPartOfThePacket() {
        TestPacket packet =
                new TestPacket(false, false, false, 0, 0, 1, 1, 0, new byte[] {1, 2, 3});
        byte[] unpadded = packet.bytes(0);
        byte[] padded = Arrays.copyOf(unpadded, 60);
        Arrays.fill(padded, unpadded.length, 60, (byte) 0xaa);
        EthernetFrame frame =
                Offload.completeChecksum(
                        new EthernetFrame(
                                Unpooled.wrappedBuffer(padded), true, Segmentation.NONE, 0));

        byte[] bytes = bytesOf(frame);
        assertThat(bytes).hasSize(60).endsWith(0xaa, 0xaa);
        assertThat(packet.checksumsAreRight(Arrays.copyOf(bytes, unpadded.length))).isTrue();
    }

    /** Any byte of the headers may lie, and the frame may end anywhere. */
    @Test
    void hostileHeadersDoNoMoreThanLoseTheirOwnFrame() {
        for (int round = 0; round < 30_000; round++) {
            TestPacket packet = TestPacket.random(random, 400);
            byte[] bytes = packet.bytes(0);
            for (int changes = random.nextInt(4); changes >= 0; changes--) {
                bytes[random.nextInt(packet.payloadOffset())] = (byte) random.nextInt(256);
            }
            bytes = Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length));
            boolean cut = random.nextBoolean();
            EthernetFrame frame =
                    new EthernetFrame(
                            Unpooled.wrappedBuffer(bytes),
                            true,
                            cut ? Segmentation.TCP_V4 : Segmentation.NONE,
                            random.nextInt(100));

            List<EthernetFrame> wire = toWire(frame);
            assertThat(frame.refCnt()).isZero();
            assertThat(wire).hasSizeLessThanOrEqualTo(10);
            wire.forEach(EthernetFrame::release);
        }
    }

    private static TestPacket tcp(TestPacket packet) {
        return new TestPacket(
                packet.vlan(),
                packet.v6(),
                true,
                packet.ipOptions(),
                packet.tcpOptions(),
                packet.identification(),
                packet.sequence(),
                packet.flags(),
                packet.payload());
    }

    private static List<EthernetFrame> toWire(EthernetFrame frame) {
        List<EthernetFrame> wire = new ArrayList<>();
        Offload.toWire(frame, wire::add);
        return wire;
    }

    private static byte[] bytesOf(EthernetFrame frame) {
        return ByteBufUtil.getBytes(frame.content());
    }
}
