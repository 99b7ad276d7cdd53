package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;

final class SegmentMergerTest {
    private static final int SEGMENT = 1_448, ACK = TestPacket.ACK, PSH = TestPacket.PSH;

    private final List<EthernetFrame> out = new ArrayList<>();
    private final SegmentMerger merger = new SegmentMerger(out::add);

    @AfterEach
    void releaseAll() {
        out.forEach(EthernetFrame::release);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatOffloadCutsIsJoinedAgain(boolean v6) {
        for (int bytes : new int[] {2 * SEGMENT, 10 * SEGMENT + 7, 44 * SEGMENT}) {
            TestPacket large = packet(v6, 1_000, ACK | PSH, bytes);
            List<EthernetFrame> segments = cut(large);
            segments.forEach(merger::add);
            merger.flush();
            EthernetFrame joined = out.getLast();
            assertThat(joined.segmentation())
                    .isEqualTo(v6 ? Segmentation.TCP_V6 : Segmentation.TCP_V4);
            assertThat(joined.segmentBytes()).isEqualTo(SEGMENT);
            assertThat(joined.checksumPending()).isTrue();
            EthernetFrame complete = Offload.completeChecksum((EthernetFrame) joined.retain());
            EthernetFrame expected = Offload.completeChecksum(large.toCut(SEGMENT));
            assertThat(bytesOf(complete)).isEqualTo(bytesOf(expected));
            complete.release();
            expected.release();
        }
        assertThat(out).hasSize(3);
    }

    /** Whatever comes in: what a cable would carry behind it is what came, flow by flow. */
    @Test
    void joiningAndCuttingAgainChangesNothing() {
        Random random = new Random(7);
        for (int round = 0; round < 300; round++) {
            out.clear();
            List<byte[]> sent = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                boolean v6 = random.nextInt(8) == 0;
                int flags = random.nextInt(4) == 0 ? random.nextInt(256) : ACK;
                TestPacket next = packet(v6, 100 + i * 100, flags, 60 + random.nextInt(2) * 40);
                EthernetFrame frame = complete(next);
                if (random.nextInt(6) == 0) {
                    int at = random.nextInt(frame.length());
                    frame.content().setByte(at, frame.content().getByte(at) ^ 1);
                }
                sent.add(bytesOf(frame));
                merger.add(frame);
                if (random.nextInt(10) == 0) {
                    merger.flush();
                }
            }
            merger.flush();
            List<byte[]> received = new ArrayList<>();
            for (EthernetFrame frame : out) {
                Offload.toWire(
                        frame,
                        wire -> {
                            received.add(bytesOf(wire));
                            wire.release();
                        });
            }
            assertThat(identified(received)).containsExactlyInAnyOrderElementsOf(identified(sent));
        }
        out.clear();
    }

    /** As text, without identification and header checksum of IPv4, which may be new. */
    private static List<String> identified(List<byte[]> frames) {
        return frames.stream()
                .map(
                        frame -> {
                            boolean v4 = frame[12] == 8 && frame[13] == 0;
                            for (int at : v4 ? new int[] {18, 19, 24, 25} : new int[0]) {
                                frame[at] = 0;
                            }
                            return ByteBufUtil.hexDump(frame);
                        })
                .toList();
    }

    @Test
    void pushedSegmentEndsTheFrameAtOnce() {
        merger.add(complete(packet(false, 0, ACK, 100)));
        assertThat(out).isEmpty();
        merger.add(complete(packet(false, 100, ACK | PSH, 100)));
        assertThat(out).hasSize(1);
        assertThat(out.getFirst().content().getByte(14 + 20 + 13)).isEqualTo((byte) (ACK | PSH));
    }

    @Test
    void smallerSegmentIsTheLast() {
        merger.add(complete(packet(false, 0, ACK, 100)));
        merger.add(complete(packet(false, 100, ACK, 1)));
        assertThat(out).hasSize(1);
        merger.add(complete(packet(false, 101, ACK, 100)));
        merger.flush();
        assertThat(out).hasSize(2);
    }

    @Test
    void gapOrLargerSegmentBeginsAnotherFrame() {
        merger.add(complete(packet(false, 0, ACK, 100)));
        merger.add(complete(packet(false, 200, ACK, 100)));
        merger.add(complete(packet(false, 300, ACK, 101)));
        merger.flush();
        assertThat(out).extracting(EthernetFrame::segmentation).containsOnly(Segmentation.NONE);
        assertThat(out).hasSize(3);
    }

    @Test
    void segmentWithAWrongChecksumIsNotMadeRight() {
        EthernetFrame damaged = complete(packet(false, 100, ACK, 100));
        int last = damaged.length() - 1;
        damaged.content().setByte(last, damaged.content().getByte(last) ^ 4);
        byte[] asItCame = bytesOf(damaged);
        merger.add(complete(packet(false, 0, ACK, 100)));
        merger.add(damaged);
        merger.flush();
        assertThat(out).hasSize(2);
        assertThat(bytesOf(out.getLast())).isEqualTo(asItCame);
        assertThat(out.getLast().checksumPending()).isFalse();
    }

    @Test
    void acknowledgementWithoutPayloadDoesNotOvertakeItsFlow() {
        merger.add(complete(packet(false, 0, ACK, 100)));
        merger.add(complete(packet(false, 100, ACK, 100)));
        merger.add(complete(packet(false, 200, ACK, 0)));
        assertThat(out).extracting(EthernetFrame::length).containsExactly(54 + 200, 54);
    }

    @Test
    void frameLargerThanAnIpPacketIsNeverMade() {
        int segments = 70_000 / SEGMENT;
        for (int i = 0; i < segments; i++) {
            merger.add(complete(packet(false, i * SEGMENT, ACK, SEGMENT)));
        }
        merger.flush();
        assertThat(out).hasSize(2);
        assertThat(out).allMatch(frame -> frame.length() <= 14 + 65_535);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 9, 17, 100})
    void flowsThatTakeTurnsAreJoinedAsLongAsTheyAreFew(int flows) {
        for (int round = 0; round < 2; round++) {
            for (int flow = 0; flow < flows; flow++) {
                merger.add(complete(packet(false, round * 100, ACK, 100), port(flow)));
            }
        }
        merger.flush();
        assertThat(out).hasSize(flows <= 8 ? flows : 2 * flows);
    }

    private static UnaryOperator<byte[]> port(int number) {
        return frame -> {
            frame[14 + 20] = (byte) number;
            return frame;
        };
    }

    private static TestPacket packet(boolean v6, int sequence, int flags, int bytes) {
        byte[] payload = new byte[bytes];
        new Random(sequence).nextBytes(payload);
        return new TestPacket(false, v6, true, 0, 0, 77, sequence, flags, payload);
    }

    private static List<EthernetFrame> cut(TestPacket packet) {
        List<EthernetFrame> segments = new ArrayList<>();
        Offload.toWire(packet.toCut(SEGMENT), segments::add);
        return segments;
    }

    private static EthernetFrame complete(TestPacket packet) {
        return complete(packet, UnaryOperator.identity());
    }

    private static EthernetFrame complete(TestPacket packet, UnaryOperator<byte[]> change) {
        byte[] bytes = change.apply(packet.bytes(0));
        return Offload.completeChecksum(
                new EthernetFrame(Unpooled.wrappedBuffer(bytes), true, Segmentation.NONE, 0));
    }

    private static byte[] bytesOf(EthernetFrame frame) {
        return ByteBufUtil.getBytes(frame.content());
    }
}
