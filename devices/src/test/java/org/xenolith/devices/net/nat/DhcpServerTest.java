package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

class DhcpServerTest {
    private static final long OTHER = 0x00_16_3e_00_00_02L;

    private NatLab lab = new NatLab();

    /** What a guest reads in an answer. */
    private record Answer(byte[] frame) {
        private static final int MESSAGE = Packets.PAYLOAD + UdpFlows.HEADER_BYTES;

        int type() {
            return option(DhcpMessage.MESSAGE_TYPE).getByte(0);
        }

        int address() {
            return Packets.view(frame).getInt(MESSAGE + DhcpMessage.YIADDR);
        }

        /** Null when it is not there. */
        ByteBuf option(int code) {
            int at = MESSAGE + DhcpMessage.OPTIONS;
            while ((frame[at] & 0xff) != DhcpMessage.END) {
                if ((frame[at] & 0xff) == code) {
                    return Packets.view(frame).slice(at + 2, frame[at + 1]);
                }
                at += 2 + frame[at + 1];
            }
            return null;
        }
    }

    @Test
    void aGuestGetsTheFirstAddressWithEverythingItNeeds() {
        Answer offer = ask(NatLab.MAC, DhcpMessage.DISCOVER, 0, null);
        assertThat(offer.type()).isEqualTo(DhcpMessage.OFFER);
        assertThat(Ipv4.format(offer.address())).isEqualTo("10.0.2.15");
        Answer ack = ask(NatLab.MAC, DhcpMessage.REQUEST, offer.address(), "web1");
        assertThat(ack.type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.address()).isEqualTo(offer.address());
        assertThat(ack.option(DhcpMessage.SUBNET_MASK).getInt(0)).isEqualTo(0xffffff00);
        assertThat(ack.option(DhcpMessage.ROUTER).getInt(0)).isEqualTo(NatLab.GATEWAY);
        assertThat(ack.option(DhcpMessage.DNS_SERVER).getInt(0)).isEqualTo(NatLab.DNS);
        assertThat(ack.option(DhcpMessage.LEASE_TIME).getInt(0)).isEqualTo(86_400);
        assertThat(ack.option(DhcpMessage.INTERFACE_MTU).getShort(0)).isEqualTo((short) 1500);
        assertThat(ack.option(DhcpMessage.HOST_NAME).toString(StandardCharsets.US_ASCII))
                .isEqualTo("web1");
        assertThat(lab.stack.addressOfGuest("WEB1")).isEqualTo(offer.address());
    }

    @Test
    void twoGuestsGetDifferentAddressesAndKeepThem() {
        int first = lease(NatLab.MAC);
        int second = lease(OTHER);
        assertThat(first).isNotEqualTo(second);
        lab.run(TimeUnit.DAYS.toNanos(3));
        assertThat(lease(OTHER)).isEqualTo(second);
        assertThat(lease(NatLab.MAC)).isEqualTo(first);
    }

    @Test
    void aConfiguredGuestGetsItsAddressAndNobodyElseDoes() {
        lab =
                new NatLab(
                        NatConfig.builder().guest("00:16:3e:00:00:02", "10.0.2.15", "db").build(),
                        1);
        assertThat(Ipv4.format(lease(NatLab.MAC))).isEqualTo("10.0.2.16");
        assertThat(Ipv4.format(lease(OTHER))).isEqualTo("10.0.2.15");
        assertThat(lab.stack.addressOfGuest("db")).isEqualTo(NatLab.GUEST);
        assertThat(ask(NatLab.MAC, DhcpMessage.REQUEST, NatLab.GUEST, null).type())
                .isEqualTo(DhcpMessage.NAK);
    }

    @Test
    void hundredsOfGuestsOfALargeNetworkGetAnAddressEachWithItsGatewayAndNameServer() {
        lab = new NatLab(NatConfig.builder().subnet("10.64.0.0/16").build(), 1);
        for (int guest = 0; guest < 600; guest++) {
            assertThat(lease(NatLab.MAC + guest)).isEqualTo(Ipv4.parse("10.64.0.15") + guest);
        }
        int last = Ipv4.parse("10.64.2.102");
        Answer ack = ask(NatLab.MAC + 599, DhcpMessage.REQUEST, last, "web600");
        assertThat(ack.type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.option(DhcpMessage.SUBNET_MASK).getInt(0)).isEqualTo(0xffff0000);
        assertThat(Ipv4.format(ack.option(DhcpMessage.ROUTER).getInt(0))).isEqualTo("10.64.0.2");
        assertThat(Ipv4.format(ack.option(DhcpMessage.DNS_SERVER).getInt(0)))
                .isEqualTo("10.64.0.3");
        assertThat(ack.option(DhcpMessage.BROADCAST_ADDRESS).getInt(0))
                .isEqualTo(Ipv4.parse("10.64.255.255"));
        assertThat(lab.stack.addressOfGuest("web600")).isEqualTo(last);
    }

    @Test
    void anotherGuestsAddressIsRefused() {
        int first = lease(NatLab.MAC);
        assertThat(ask(OTHER, DhcpMessage.REQUEST, first, null).type()).isEqualTo(DhcpMessage.NAK);
    }

    @Test
    void addressesOutsideTheSubnetAndTheNatsOwnAreRefused() {
        for (String wish : new String[] {"10.0.3.15", "10.0.2.2", "10.0.2.3", "10.0.2.255"}) {
            assertThat(ask(NatLab.MAC, DhcpMessage.REQUEST, Ipv4.parse(wish), null).type())
                    .as(wish)
                    .isEqualTo(DhcpMessage.NAK);
        }
    }

    @Test
    void aReleasedAddressServesAnotherGuestOnlyWhenNoneElseIsFree() {
        int first = lease(NatLab.MAC);
        silent(NatLab.MAC, DhcpMessage.RELEASE, 0);
        assertThat(lease(OTHER)).isNotEqualTo(first);
        assertThat(lease(NatLab.MAC)).isEqualTo(first);
    }

    @Test
    void aDeclinedAddressIsNotOfferedAgain() {
        int first = lease(NatLab.MAC);
        silent(NatLab.MAC, DhcpMessage.DECLINE, first);
        assertThat(lease(NatLab.MAC)).isNotEqualTo(first);
    }

    @Test
    void aGuestWithoutAnAddressThatDeclinesNoneIsIgnored() {
        silent(NatLab.MAC, DhcpMessage.DECLINE, 0);
        assertThat(lab.stack.leases().leased()).isZero();
    }

    @Test
    void informGetsOptionsAndNoLease() {
        Answer ack = ask(NatLab.MAC, DhcpMessage.INFORM, 0, null);
        assertThat(ack.type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.address()).isZero();
        assertThat(ack.option(DhcpMessage.LEASE_TIME)).isNull();
        assertThat(ack.option(DhcpMessage.ROUTER)).isNotNull();
    }

    @Test
    void aGuestWithManyAddressesFindsThePoolEmptyAndItsNeighbourKeepsItsLease() {
        int kept = lease(NatLab.MAC);
        Set<Integer> given = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            lab.deliver(message(OTHER + i, DhcpMessage.DISCOVER, 0, null), false);
        }
        lab.take().forEach(frame -> given.add(new Answer(frame).address()));
        assertThat(given).hasSize(255 - 15 - 1).doesNotContain(kept);
        assertThat(lease(NatLab.MAC)).isEqualTo(kept);
    }

    @Test
    void whoSpeaksForAnotherMacIsNotHeard() {
        byte[] forged = message(OTHER, DhcpMessage.DISCOVER, 0, null);
        Ethernet.setMac(Packets.view(forged), Ethernet.SOURCE, NatLab.MAC);
        lab.fromGuest(forged);
        assertThat(lab.take()).isEmpty();
    }

    @Test
    void aNameThatAnotherGuestHasStaysTheirs() {
        int first = lease(NatLab.MAC, "web1");
        lease(OTHER, "web1");
        assertThat(lab.stack.addressOfGuest("web1")).isEqualTo(first);
    }

    @Test
    void aNameOfTheFirstWhoIsExpectedUnderItGoesToTheSecondWhenHeLeaves() {
        Leases leases = lab.stack.leases();
        int first = leases.reserve(NatLab.MAC, "web1");
        int second = leases.reserve(OTHER, "web1");
        assertThat(leases.addressOf("web1")).isEqualTo(first);
        lease(OTHER, "web2");
        assertThat(leases.nameOf(second)).as("an expected guest chooses no name").isNull();

        lab.stack.forget(NatLab.MAC);
        assertThat(leases.addressOf("web1")).isEqualTo(second);
        assertThat(leases.owner(first)).isEqualTo(Leases.NOBODY);
        assertThat(leases.reserve(NatLab.MAC, "web1")).as("it is still free").isEqualTo(first);
        assertThat(leases.addressOf("web1")).isEqualTo(second);

        leases.reserve(OTHER, "shop");
        assertThat(leases.addressOf("web1")).isEqualTo(first);
        assertThat(leases.names()).containsExactly("web1", "shop");
    }

    @Test
    void aGuestThatLeftKeepsItsNameUntilAnotherHasItsAddress() {
        Leases leases = lab.stack.leases();
        int first = leases.reserve(NatLab.MAC, "web1");
        lab.stack.forget(NatLab.MAC);
        assertThat(leases.addressOf("web1")).isEqualTo(first);
        for (int i = 0; i < 240; i++) {
            assertThat(leases.reserve(OTHER + i, "n" + i)).isNotEqualTo(Leases.NO_ADDRESS);
        }
        assertThat(leases.addressOf("web1")).isEqualTo(Leases.NO_ADDRESS);
        assertThat(leases.reserve(NatLab.MAC, "web1")).isEqualTo(Leases.NO_ADDRESS);
    }

    @Test
    void aConfiguredNameIsNotGivenToAGuestThatIsExpectedUnderIt() {
        lab = new NatLab(NatConfig.builder().guest("00:16:3e:00:00:09", null, "web1").build(), 1);
        Leases leases = lab.stack.leases();
        int configured = leases.addressOf("web1");
        leases.reserve(NatLab.MAC, "web1");
        lab.stack.forget(0x00_16_3e_00_00_09L);
        assertThat(leases.addressOf("web1")).isEqualTo(configured);
    }

    @Test
    void aNameThatIsNoHostNameIsIgnored() {
        int address = lease(NatLab.MAC, "we b1\n.evil");
        assertThat(lab.stack.leases().nameOf(address)).isNull();
    }

    private int lease(long mac) {
        return lease(mac, null);
    }

    private int lease(long mac, String name) {
        int offered = ask(mac, DhcpMessage.DISCOVER, 0, null).address();
        Answer ack = ask(mac, DhcpMessage.REQUEST, offered, name);
        assertThat(ack.type()).isEqualTo(DhcpMessage.ACK);
        return ack.address();
    }

    private Answer ask(long mac, int type, int address, String name) {
        lab.fromGuest(message(mac, type, address, name));
        return new Answer(lab.takeOne());
    }

    private void silent(long mac, int type, int address) {
        lab.fromGuest(message(mac, type, address, null));
        assertThat(lab.take()).isEmpty();
    }

    private static byte[] message(long mac, int type, int address, String name) {
        ByteBuf message = Unpooled.buffer().writeZero(DhcpMessage.OPTIONS);
        message.setByte(DhcpMessage.OP, DhcpMessage.BOOTREQUEST);
        message.setByte(DhcpMessage.HTYPE, 1);
        message.setByte(DhcpMessage.HLEN, 6);
        Ethernet.setMac(message, DhcpMessage.CHADDR, mac);
        message.setInt(DhcpMessage.COOKIE, DhcpMessage.MAGIC_COOKIE);
        message.writeByte(DhcpMessage.MESSAGE_TYPE).writeByte(1).writeByte(type);
        if (address != 0) {
            message.writeByte(DhcpMessage.REQUESTED_ADDRESS).writeByte(4).writeInt(address);
        }
        if (name != null) {
            message.writeByte(DhcpMessage.HOST_NAME).writeByte(name.length());
            message.writeCharSequence(name, StandardCharsets.US_ASCII);
        }
        message.writeByte(DhcpMessage.END);
        byte[] bytes = new byte[message.readableBytes()];
        message.readBytes(bytes);
        return Packets.ip(
                mac,
                0,
                -1,
                Ipv4.UDP,
                Packets.udpDatagram(0, 68, -1, DhcpMessage.SERVER_PORT, bytes));
    }
}
