package org.xenolith.devices.net;

import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * A TCP or UDP packet as a test writes it, and the plainest way to say whether one is right.
 *
 * @param ipOptions multiple of 4 bytes for IPv4, of 8 (a whole extension header) for IPv6
 * @param tcpOptions multiple of 4 bytes
 * @param flags of TCP
 */
record TestPacket(
        boolean vlan,
        boolean v6,
        boolean tcp,
        int ipOptions,
        int tcpOptions,
        int identification,
        int sequence,
        int flags,
        byte[] payload) {
    static final int FIN = 1, PSH = 8, ACK = 0x10, CWR = 0x80;

    static TestPacket random(RandomGenerator random, int maxPayload) {
        boolean v6 = random.nextBoolean();
        byte[] payload = new byte[random.nextInt(maxPayload + 1)];
        random.nextBytes(payload);
        return new TestPacket(
                random.nextBoolean(),
                v6,
                random.nextBoolean(),
                v6 ? random.nextInt(3) * 8 : random.nextInt(11) * 4,
                random.nextInt(11) * 4,
                random.nextInt(1 << 16),
                random.nextInt(),
                random.nextInt(256),
                payload);
    }

    int ipOffset() {
        return vlan ? 18 : 14;
    }

    int transportOffset() {
        return ipOffset() + (v6 ? 40 : 20) + ipOptions;
    }

    int payloadOffset() {
        return transportOffset() + (tcp ? 20 + tcpOptions : 8);
    }

    /** The frame with zero, or rubbish, where checksums belong. */
    byte[] bytes(int checksumField) {
        ByteBuffer out = ByteBuffer.allocate(payloadOffset() + payload.length);
        out.put(new MacAddress(SwitchLab.BOB).bytes()).put(new MacAddress(SwitchLab.ALICE).bytes());
        if (vlan) {
            out.putShort((short) 0x8100).putShort((short) 42);
        }
        out.putShort((short) (v6 ? 0x86dd : 0x0800));
        int transportBytes = out.capacity() - transportOffset();
        if (v6) {
            out.putInt(0x60000000).putShort((short) (ipOptions + transportBytes));
            out.put((byte) (ipOptions > 0 ? 60 : tcp ? 6 : 17)).put((byte) 64);
            out.put(new byte[] {(byte) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
            out.put(new byte[] {(byte) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
            if (ipOptions > 0) {
                // Destination options: PadN over the whole header.
                out.put((byte) (tcp ? 6 : 17)).put((byte) (ipOptions / 8 - 1));
                out.put((byte) 1).put((byte) (ipOptions - 4)).put(new byte[ipOptions - 4]);
            }
        } else {
            int start = out.position();
            out.put((byte) (0x45 + ipOptions / 4)).put((byte) 0);
            out.putShort((short) (20 + ipOptions + transportBytes));
            out.putShort((short) identification).putShort((short) 0x4000);
            out.put((byte) 64).put((byte) (tcp ? 6 : 17)).putShort((short) 0);
            out.putInt(0x0a000001).putInt(0x0a000002);
            for (int i = 0; i < ipOptions; i++) {
                out.put((byte) 1); // no operation
            }
            out.putShort(start + 10, (short) ~sum(out.array(), start, out.position() - start, 0));
        }
        if (tcp) {
            out.putShort((short) 40000).putShort((short) 9).putInt(sequence).putInt(1);
            out.put((byte) ((5 + tcpOptions / 4) << 4)).put((byte) flags).putShort((short) 512);
            out.putShort((short) checksumField).putShort((short) 0);
            for (int i = 0; i < tcpOptions; i++) {
                out.put((byte) 1); // no operation
            }
        } else {
            out.putShort((short) 40000).putShort((short) 9).putShort((short) transportBytes);
            out.putShort((short) checksumField);
        }
        return out.put(payload).array();
    }

    EthernetFrame pending(int checksumField) {
        return new EthernetFrame(
                Unpooled.wrappedBuffer(bytes(checksumField)), true, Segmentation.NONE, 0);
    }

    EthernetFrame toCut(int segmentBytes) {
        return new EthernetFrame(
                Unpooled.wrappedBuffer(bytes(0)),
                true,
                v6 ? Segmentation.TCP_V6 : Segmentation.TCP_V4,
                segmentBytes);
    }

    /** Whether both checksums of a frame with this packet's headers are right, byte by byte. */
    boolean checksumsAreRight(byte[] frame) {
        int length = frame.length - transportOffset();
        int addresses = ipOffset() + (v6 ? 8 : 12);
        int pseudo = sum(frame, addresses, v6 ? 32 : 8, 0) + length + (tcp ? 6 : 17);
        boolean right = sum(frame, transportOffset(), length, pseudo) == 0xffff;
        return right && (v6 || sum(frame, ipOffset(), 20 + ipOptions, 0) == 0xffff);
    }

    private static int sum(byte[] bytes, int offset, int length, int start) {
        int sum = start;
        for (int i = 0; i < length; i++) {
            sum += (bytes[offset + i] & 0xff) << (i % 2 == 0 ? 8 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (sum & 0xffff) + (sum >>> 16);
    }
}
