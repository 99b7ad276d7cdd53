package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.EthernetFrame;

import java.util.Arrays;

class OwnQuestionsTest {
    private static final long MAC = 0x00_16_3e_00_00_01L;
    private static final int ALL = -1;

    private final Subnet subnet = Subnet.parse("10.64.0.0/16");

    private boolean isOne(byte[] frame) {
        return OwnQuestions.isOne(Unpooled.wrappedBuffer(frame), subnet);
    }

    private static int ip(String text) {
        return Ipv4.parse(text);
    }

    @Test
    void whoAsksForTheGatewayOrTheNameServerAsksTheNatAlone() {
        int guest = ip("10.64.0.15");
        assertThat(isOne(Packets.arp(ArpResponder.REQUEST, MAC, guest, ip("10.64.0.2")))).isTrue();
        assertThat(isOne(Packets.arp(ArpResponder.REQUEST, MAC, guest, ip("10.64.0.3")))).isTrue();
        assertThat(isOne(Packets.arp(ArpResponder.REQUEST, MAC, guest, ip("10.64.0.16"))))
                .isFalse();
        assertThat(isOne(Packets.arp(ArpResponder.REPLY, MAC, guest, ip("10.64.0.2")))).isFalse();
    }

    @Test
    void whoAsksForAnAddressAsksTheNatAlone() {
        byte[] message = new byte[300];
        assertThat(isOne(Packets.udp(Ipv4.ANY, 68, ALL, 67, message))).isTrue();
        assertThat(isOne(Packets.udp(Ipv4.ANY, 68, ALL, 68, message))).isFalse();
        assertThat(isOne(Packets.udp(Ipv4.ANY, 68, ip("10.64.255.255"), 67, message))).isFalse();
    }

    /** A guest may send anything to all. */
    @Test
    void frameThatEndsBeforeItsQuestionIsNone() {
        for (byte[] whole :
                new byte[][] {
                    Packets.arp(ArpResponder.REQUEST, MAC, ip("10.64.0.15"), ip("10.64.0.2")),
                    Packets.udp(Ipv4.ANY, 68, ALL, 67, new byte[0])
                }) {
            assertThat(isOne(whole)).isTrue();
            for (int length = EthernetFrame.HEADER_BYTES; length < whole.length; length++) {
                assertThat(isOne(Arrays.copyOf(whole, length))).isFalse();
            }
        }
    }
}
