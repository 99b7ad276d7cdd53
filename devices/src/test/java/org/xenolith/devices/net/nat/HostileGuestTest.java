package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.net.ConnectException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** A guest that sends anything: nothing is thrown, and nothing grows beyond its limit. */
class HostileGuestTest {
    private static final int FEW = 150_000, MANY = 1_000_000;
    private static final byte[] OPTIONS = {2, 4, 0x05, (byte) 0xb4, 1, 3, 3, 7};

    private final Random random = new Random(20261);
    private final NatLab lab =
            new NatLab(NatConfig.builder().maxTcpConnections(300).maxUdpFlows(50).build(), 3);
    private final List<byte[]> fromNat = new ArrayList<>();
    private final Set<FakeHost.Stream> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private long connected;
    private long bytesToHosts;

    @Test
    void randomAndMutatedPacketsThrowNothingAndStayWithinBounds() {
        attack(FEW);
    }

    @Test
    @Tag("proof")
    void aMillionPacketsThrowNothingAndStayWithinBounds() {
        attack(MANY);
    }

    private void attack(int packets) {
        lab.delayNanos = 1000;
        lab.guest = this::remember;
        lab.keepsLarge = true;
        for (int i = 0; i < packets; i++) {
            byte[] packet = mutate(packet());
            fixChecksums(packet);
            lab.deliver(packet, random.nextInt(4) != 0);
            if (i % 64 == 0) {
                hostActs();
                lab.run(random.nextInt(50_000_000));
                checkBounds();
            }
        }
        assertThat(connected).as("connections that came up").isGreaterThan(packets / 1000);
        assertThat(bytesToHosts).as("bytes that reached a host").isGreaterThan(packets / 10);
        lab.stack.close();
        lab.host.streams.forEach(FakeHost.Stream::reset);
        assertThat(lab.stack.budget().usedBytes()).as("buffers after the end").isZero();
        assertThat(lab.bytesAllocated()).as("memory after the end").isZero();
        assertThat(lab.stack.tcp().size()).isZero();
        assertThat(lab.stack.udp().size()).isZero();
    }

    private void checkBounds() {
        assertThat(lab.stack.tcp().size()).isLessThanOrEqualTo(300);
        assertThat(lab.stack.udp().size()).isLessThanOrEqualTo(50);
        assertThat(lab.stack.reassembly().size()).isLessThanOrEqualTo(Reassembly.MAX_PACKETS);
        assertThat(lab.stack.ipv6Neighbours().size())
                .isLessThanOrEqualTo(Ipv6Neighbours.MAX_ADDRESSES);
        assertThat(lab.stack.dns().pending()).isLessThanOrEqualTo(DnsForwarder.MAX_PENDING);
        assertThat(lab.stack.budget().usedBytes()).isBetween(0L, 128L << 20);
        assertThat(lab.stack.tcp().halfOpen()).isBetween(0, 300);
    }

    /** Keeps some of the segments that a guest could answer. */
    private void remember(byte[] frame) {
        boolean ipv4 = Packets.view(frame).getShort(Ethernet.ETHERTYPE) == Ipv4.ETHERTYPE;
        if (!ipv4 || Packets.protocol(frame) != Ipv4.TCP || segment(frame).has(TcpSegment.RST)) {
            return;
        }
        if (fromNat.size() < 50) {
            fromNat.add(frame);
        } else {
            fromNat.set(random.nextInt(50), frame);
        }
    }

    /** The checksum is due, so there is nothing to be checked. */
    private static TcpSegment segment(byte[] frame) {
        TcpSegment segment = new TcpSegment();
        int at = Packets.PAYLOAD;
        assertThat(segment.read(Packets.view(frame), at, frame.length - at)).isTrue();
        return segment;
    }

    /** Programs on the host connect, refuse, write, stop reading and go away. */
    private void hostActs() {
        for (FakeHost.Stream stream : lab.host.streams) {
            connected += stream.reads && seen.add(stream) ? 1 : 0;
            bytesToHosts += stream.taken.size();
            stream.taken.reset();
            switch (random.nextInt(32)) {
                case 0, 1, 2, 10, 11, 12 -> stream.answer();
                case 3, 8, 9 -> {
                    if (stream.answered() && stream.reads) {
                        stream.send(new byte[random.nextInt(3000)]);
                    }
                }
                case 4 -> stream.takes = random.nextBoolean();
                case 5 -> {
                    if (stream.answered()) {
                        stream.takeAgain();
                    } else if (!stream.reset) {
                        stream.refuse(new ConnectException("Connection refused"));
                    }
                }
                case 6 -> {
                    if (stream.answered()) {
                        stream.events.ended();
                    }
                }
                case 7 -> {
                    if (stream.answered()) {
                        stream.events.broken();
                    }
                }
                default -> {} // most do nothing for most of the time
            }
        }
        lab.host.streams.removeIf(
                stream -> stream.reset || stream.closed && !stream.lingers() || stream.gone());
        for (FakeHost.Datagrams socket : lab.host.datagrams) {
            socket.answer(new byte[random.nextInt(random.nextInt(10) == 0 ? 4000 : 100)]);
            socket.sent.clear();
        }
        lab.host.datagrams.removeIf(socket -> socket.closed || random.nextInt(10) == 0);
    }

    private byte[] packet() {
        return switch (random.nextInt(14)) {
            case 0 -> randomBytes(random.nextInt(200));
            case 12, 13 -> ipv6();
            case 1 -> Packets.arp(1 + random.nextInt(2), mac(), address(), address());
            case 2 -> dhcp();
            case 3 -> dns();
            case 4 -> Packets.icmpEcho(address(), destination(), randomBytes(random.nextInt(99)));
            case 5 ->
                    Packets.udp(
                            address(),
                            random.nextInt(1 << 16),
                            destination(),
                            random.nextInt(1 << 16),
                            randomBytes(random.nextInt(200)));
            case 6 -> fragment();
            case 7, 8 -> answerToTheNat();
            default -> tcp();
        };
    }

    private byte[] ipv6() {
        Ipv6Address source =
                switch (random.nextInt(8)) {
                    case 0 -> Packets6.LINK_LOCAL;
                    case 1 -> new Ipv6Address(random.nextLong(), random.nextLong());
                    case 2, 3 -> new Ipv6Address(Ipv6.PREFIX, random.nextInt(5000));
                    default -> Packets6.GUEST;
                };
        Ipv6Address to = random.nextBoolean() ? Ipv6.GATEWAY : Packets6.OUTSIDE;
        ByteBuf icmp = Unpooled.buffer().writeByte(128 + random.nextInt(10)).writeZero(3);
        icmp.writeBytes(randomBytes(random.nextInt(60)));
        return switch (random.nextInt(8)) {
            case 6, 7 -> fragment6(source, to);
            case 0 -> Packets6.routerSolicitation(source);
            case 1 -> Packets6.neighbourSolicitation(mac(), source, to);
            case 2 -> Packets6.echo(source, to, randomBytes(random.nextInt(100)));
            case 3 -> Packets6.icmp(mac(), source, to, icmp);
            case 4 ->
                    Packets6.udp(
                            mac(),
                            source,
                            random.nextInt(1 << 16),
                            random.nextBoolean() ? Ipv6.DNS : to,
                            random.nextInt(100),
                            randomBytes(random.nextInt(200)));
            default ->
                    Packets6.tcp(
                            source,
                            to,
                            Packets.segment(
                                    1000 + random.nextInt(100),
                                    80,
                                    random.nextInt(1 << 17),
                                    random.nextInt(),
                                    random.nextInt(3) == 0 ? TcpSegment.SYN : random.nextInt(64),
                                    random.nextInt(1 << 16),
                                    OPTIONS,
                                    randomBytes(random.nextInt(100))));
        };
    }

    private byte[] fragment6(Ipv6Address source, Ipv6Address to) {
        byte[] payload = randomBytes(8 * random.nextInt(20) + random.nextInt(2));
        byte[] packet =
                random.nextBoolean()
                        ? Packets6.udp(mac(), source, 5000, to, random.nextInt(100), payload)
                        : Packets6.echo(source, to, payload);
        int whole = packet.length - Packets6.PAYLOAD;
        int from = 8 * random.nextInt(1 + whole / 8);
        int length = random.nextInt(1 + whole - from);
        byte[] fragment = Packets6.fragment(packet, random.nextInt(40), from, length);
        if (random.nextInt(10) == 0) {
            Packets.view(fragment)
                    .setShort(Packets6.PAYLOAD + Ipv6.FRAGMENT_OFFSET, random.nextInt());
        }
        return fragment;
    }

    private byte[] tcp() {
        int flags = random.nextInt(3) == 0 ? TcpSegment.SYN : random.nextInt(64);
        byte[] options = random.nextBoolean() ? OPTIONS : randomBytes(4 * random.nextInt(10));
        return Packets.tcp(
                address(),
                1000 + random.nextInt(100),
                destination(),
                80,
                random.nextInt(1 << 17),
                random.nextInt(),
                flags,
                random.nextInt(1 << 16),
                options,
                randomBytes(random.nextInt(100)));
    }

    /** A segment that fits a connection: it acknowledges what the NAT sent, or nearly. */
    private byte[] answerToTheNat() {
        if (fromNat.isEmpty()) {
            return tcp();
        }
        byte[] frame = fromNat.get(random.nextInt(fromNat.size()));
        ByteBuf view = Packets.view(frame);
        int at = Packets.PAYLOAD;
        TcpSegment segment = segment(frame);
        int end = segment.sequence + segment.sequenceBytes();
        return Packets.tcp(
                view.getInt(Packets.IP + Ipv4.DESTINATION),
                view.getUnsignedShort(at + TcpSegment.DESTINATION_PORT),
                view.getInt(Packets.IP + Ipv4.SOURCE),
                view.getUnsignedShort(at),
                view.getInt(at + TcpSegment.ACKNOWLEDGEMENT) + near(),
                end + near(),
                TcpSegment.ACK | (random.nextInt(8) == 0 ? random.nextInt(64) : 0),
                random.nextInt(1 << 16),
                new byte[0],
                randomBytes(random.nextInt(1400)));
    }

    private int near() {
        return random.nextInt(3) == 0 ? random.nextInt(4000) - 1000 : 0;
    }

    private byte[] dhcp() {
        ByteBuf message = Unpooled.buffer().writeZero(DhcpMessage.OPTIONS);
        message.setByte(0, 1).setByte(1, 1).setByte(2, 6);
        Ethernet.setMac(message, DhcpMessage.CHADDR, NatLab.MAC);
        message.setInt(DhcpMessage.COOKIE, DhcpMessage.MAGIC_COOKIE);
        message.writeByte(53).writeByte(1).writeByte(1 + random.nextInt(8));
        message.writeByte(50).writeByte(4).writeInt(address());
        message.writeBytes(randomBytes(random.nextInt(60)));
        byte[] bytes = new byte[message.readableBytes()];
        message.readBytes(bytes);
        return Packets.udp(0, 68, -1, 67, bytes);
    }

    private byte[] dns() {
        ByteBuf query = Unpooled.buffer();
        query.writeShort(random.nextInt()).writeShort(0x100).writeShort(1).writeZero(6);
        query.writeByte(3).writeBytes(randomBytes(3)).writeByte(0).writeShort(1).writeShort(1);
        byte[] bytes = new byte[query.readableBytes()];
        query.readBytes(bytes);
        return Packets.udp(address(), 5353, NatLab.DNS, 53, bytes);
    }

    private byte[] fragment() {
        int more = random.nextBoolean() ? Ipv4.MORE_FRAGMENTS : 0;
        return Packets.ip(
                NatLab.MAC,
                address(),
                destination(),
                random.nextBoolean() ? Ipv4.UDP : Ipv4.TCP,
                randomBytes(8 * random.nextInt(20) + random.nextInt(2)),
                random.nextInt(40),
                more | random.nextInt(20) * random.nextInt(400));
    }

    private byte[] mutate(byte[] packet) {
        byte[] mutated = packet;
        if (random.nextInt(4) == 0 && packet.length > 0) {
            mutated = packet.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
            }
        }
        return random.nextInt(10) == 0
                ? Arrays.copyOf(mutated, random.nextInt(mutated.length + 1))
                : mutated;
    }

    /** A wrong header checksum would stop most mutants before they reach anything. */
    private static void fixChecksums(byte[] packet) {
        if (packet.length >= Packets.PAYLOAD && packet[12] == 8 && packet[13] == 0) {
            ByteBuf view = Packets.view(packet);
            int headerBytes = Math.min((packet[Packets.IP] & 0xf) * 4, packet.length - Packets.IP);
            view.setShort(Packets.IP + Ipv4.CHECKSUM, 0);
            view.setShort(
                    Packets.IP + Ipv4.CHECKSUM,
                    InternetChecksum.of(view, Packets.IP, headerBytes, 0));
        }
    }

    private long mac() {
        return random.nextInt(10) == 0 ? random.nextLong() >>> 16 : NatLab.MAC;
    }

    private int address() {
        return random.nextInt(10) == 0
                ? random.nextInt()
                : NatLab.GUEST - 15 + random.nextInt(random.nextBoolean() ? 256 : 20);
    }

    private int destination() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> NatLab.DNS;
            default -> NatLab.GATEWAY;
        };
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
