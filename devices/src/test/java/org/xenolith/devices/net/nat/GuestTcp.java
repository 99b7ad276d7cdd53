package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * One TCP connection of a guest, written for these tests and independent of the product's: a fixed
 * window, a fixed timeout that sends everything again from the first byte missing, reassembly in a
 * map. It checks every checksum.
 */
final class GuestTcp {
    private static final byte[] SYN_OPTIONS = {2, 4, 0x05, (byte) 0xb4, 1, 3, 3, 4};
    private static final long RTO_NANOS = 300_000_000L;
    private static final int SCALE = 4;

    private final NatLab lab;
    private final int port;
    private final int remote; // over IPv4
    private Ipv6Address remote6; // over IPv6, else null
    private int remotePort; // of a listener: that of who connects
    private final int iss = 0x7fff_ff00; // wraps early
    private int irs;
    boolean synchronizedUp;
    private boolean listening;
    boolean reset;
    boolean remoteFinished;
    int window = 256 << 10; // offered to the NAT
    int mss = 1460;

    // sending
    private byte[] out = new byte[0];
    private boolean finQueued;
    private int acked; // bytes, FIN included
    private int sent;
    private int peerWindow;
    private int peerScale;
    private int duplicates;
    private long timer = Long.MAX_VALUE;
    int retransmissions;

    // receiving
    final ByteArrayOutputStream in = new ByteArrayOutputStream();
    private final TreeMap<Integer, byte[]> early = new TreeMap<>(); // by offset in the stream
    private int finAt = -1;

    GuestTcp(NatLab lab, int port, int remote, int remotePort) {
        this.lab = lab;
        this.port = port;
        this.remote = remote;
        this.remotePort = remotePort;
        lab.guest = this::receive;
    }

    static GuestTcp overIpv6(NatLab lab, int port, Ipv6Address remote, int remotePort) {
        GuestTcp guest = new GuestTcp(lab, port, 0, remotePort);
        guest.remote6 = remote;
        guest.mss = 1440;
        return guest;
    }

    void listen() {
        listening = true;
    }

    void connect() {
        emit(TcpSegment.SYN, iss, SYN_OPTIONS, new byte[0]);
        arm();
    }

    void send(byte[] bytes) {
        int old = out.length;
        out = Arrays.copyOf(out, old + bytes.length);
        System.arraycopy(bytes, 0, out, old, bytes.length);
        push();
    }

    void finish() {
        finQueued = true;
        push();
    }

    void abort() {
        emit(TcpSegment.RST, iss + 1 + sent, new byte[0], new byte[0]);
    }

    boolean allAcked() {
        return acked == out.length + (finQueued ? 1 : 0);
    }

    void receive(byte[] frame) {
        if (frame[12] == 0x08 && frame[13] == 0x06) {
            answerArp(frame);
            return;
        }
        TcpSegment segment = Packets.tcp(frame);
        if (segment.destinationPort != port) {
            return;
        }
        if (segment.has(TcpSegment.RST)) {
            reset = true;
            timer = Long.MAX_VALUE;
            return;
        }
        if (listening && segment.has(TcpSegment.SYN)) {
            accept(segment);
            return;
        }
        if (segment.has(TcpSegment.SYN)) {
            synchronizedBy(segment);
            return;
        }
        acknowledgedBy(segment);
        receiveText(segment);
        push();
    }

    private void answerArp(byte[] frame) {
        if (Packets.view(frame).getInt(Packets.IP + ArpResponder.TARGET_IP) == NatLab.GUEST) {
            lab.fromGuest(
                    Packets.arp(ArpResponder.REPLY, NatLab.MAC, NatLab.GUEST, NatLab.GATEWAY));
        }
    }

    private void accept(TcpSegment segment) {
        remotePort = segment.sourcePort;
        irs = segment.sequence;
        peerScale = Math.max(segment.windowScale, 0);
        peerWindow = segment.window;
        synchronizedUp = true;
        emit(TcpSegment.SYN | TcpSegment.ACK, iss, SYN_OPTIONS, new byte[0]);
    }

    private void synchronizedBy(TcpSegment segment) {
        if (!synchronizedUp) {
            synchronizedUp = true;
            irs = segment.sequence;
            peerScale = Math.max(segment.windowScale, 0);
            peerWindow = segment.window;
            timer = Long.MAX_VALUE;
        }
        acknowledge();
        push();
    }

    private void acknowledgedBy(TcpSegment segment) {
        int ack = segment.acknowledgement - iss - 1;
        peerWindow = segment.window << peerScale;
        if (ack > acked) {
            acked = ack;
            sent = Math.max(sent, acked);
            duplicates = 0;
            timer = acked < sent ? lab.now() + RTO_NANOS : Long.MAX_VALUE;
            schedule();
        } else if (ack == acked && acked < sent && segment.payloadBytes == 0) {
            if (++duplicates == 3) {
                retransmissions++;
                segmentAt(acked);
            }
        }
    }

    private void receiveText(TcpSegment segment) {
        int offset = segment.sequence - irs - 1;
        if (segment.payloadBytes > 0) {
            byte[] payload = new byte[segment.payloadBytes];
            segment.packet.getBytes(segment.payloadOffset, payload);
            if (offset + payload.length > in.size() + window + (1 << SCALE)) {
                throw new AssertionError("the NAT sent beyond the guest's window");
            }
            byte[] known = early.get(offset);
            if (known == null || known.length < payload.length) {
                early.put(offset, payload);
            }
        }
        if (segment.has(TcpSegment.FIN)) {
            finAt = offset + segment.payloadBytes;
        }
        drainEarly();
        remoteFinished = finAt >= 0 && in.size() == finAt;
        if (segment.sequenceBytes() > 0 || offset != received()) {
            acknowledge();
        }
    }

    private void drainEarly() {
        while (!early.isEmpty() && early.firstKey() <= in.size()) {
            Map.Entry<Integer, byte[]> first = early.pollFirstEntry();
            int skip = in.size() - first.getKey();
            if (skip < first.getValue().length) {
                in.write(first.getValue(), skip, first.getValue().length - skip);
            }
        }
    }

    private int received() {
        return in.size() + (remoteFinished ? 1 : 0);
    }

    /** Sends what the NAT's window allows. */
    private void push() {
        int end = out.length + (finQueued ? 1 : 0);
        while (synchronizedUp && !reset && sent < end && sent - acked < peerWindow) {
            sent += segmentAt(sent);
            arm();
        }
        if (synchronizedUp && sent == acked && sent < end && timer == Long.MAX_VALUE) {
            arm(); // to probe the window
        }
    }

    private int segmentAt(int offset) {
        int room = Math.max(acked + peerWindow - offset, 1);
        int length = Math.min(Math.min(mss, out.length - offset), room);
        length = Math.max(length, 0);
        boolean fin = finQueued && offset + length == out.length;
        byte[] payload = Arrays.copyOfRange(out, offset, offset + length);
        emit(TcpSegment.ACK | (fin ? TcpSegment.FIN : 0), iss + 1 + offset, new byte[0], payload);
        return length + (fin ? 1 : 0);
    }

    void acknowledge() {
        emit(TcpSegment.ACK, iss + 1 + sent, new byte[0], new byte[0]);
    }

    void keepAlive() {
        emit(TcpSegment.ACK, iss + sent, new byte[0], new byte[0]);
    }

    private void emit(int flags, int sequence, byte[] options, byte[] payload) {
        boolean syn = (flags & TcpSegment.SYN) != 0;
        int field = Math.min(syn ? window : window >> SCALE, 0xffff);
        int ack = (flags & TcpSegment.ACK) != 0 ? irs + 1 + received() : 0;
        if (remote6 != null) {
            ByteBuf segment =
                    Packets.segment(
                            port, remotePort, sequence, ack, flags, field, options, payload);
            lab.fromGuest(Packets6.tcp(Packets6.GUEST, remote6, segment));
            return;
        }
        lab.fromGuest(
                Packets.tcp(
                        NatLab.GUEST,
                        port,
                        remote,
                        remotePort,
                        sequence,
                        ack,
                        flags,
                        field,
                        options,
                        payload));
    }

    private void arm() {
        if (timer == Long.MAX_VALUE) {
            timer = lab.now() + RTO_NANOS;
            schedule();
        }
    }

    private void schedule() {
        long expected = timer;
        if (expected != Long.MAX_VALUE) {
            lab.at(expected, () -> expired(expected));
        }
    }

    private void expired(long expected) {
        if (timer != expected || reset) {
            return;
        }
        timer = Long.MAX_VALUE;
        if (!synchronizedUp) {
            connect();
            return;
        }
        int end = out.length + (finQueued ? 1 : 0);
        if (acked < end) {
            retransmissions++;
            duplicates = 0;
            sent = acked;
            sent += segmentAt(sent);
            arm();
        }
    }
}
