package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The wire records against the offsets that a C compiler gives public/io/netif.h. */
class NetifTest {
    private final MemorySegment slot = MemorySegment.ofArray(new byte[NetifTxRequest.SIZE]);

    @Test
    void transmitRequestLiesAsTheHeaderSays() {
        NetifTxRequest request = new NetifTxRequest(-2, 4095, 0x8000, 65535, 65534);
        request.writeTo(slot);
        assertThat(slot.get(Wire.INT, 0)).isEqualTo(-2);
        assertThat(slot.get(Wire.SHORT, 4)).isEqualTo((short) 4095);
        assertThat(slot.get(Wire.SHORT, 6)).isEqualTo((short) 0x8000);
        assertThat(slot.get(Wire.SHORT, 8)).isEqualTo((short) -1);
        assertThat(slot.get(Wire.SHORT, 10)).isEqualTo((short) -2);
        assertThat(NetifTxRequest.readFrom(slot)).isEqualTo(request);
    }

    @Test
    void transmitResponseLiesAsTheHeaderSays() {
        NetifTxResponse response = new NetifTxResponse(65535, Netif.RSP_ERROR);
        response.writeTo(slot);
        assertThat(slot.get(Wire.SHORT, 0)).isEqualTo((short) -1);
        assertThat(slot.get(Wire.SHORT, 2)).isEqualTo((short) -1);
        assertThat(NetifTxResponse.readFrom(slot)).isEqualTo(response);
    }

    @Test
    void receiveRequestAndResponseLieAsTheHeaderSays() {
        NetifRxRequest request = new NetifRxRequest(255, 0x1234);
        request.writeTo(slot);
        assertThat(slot.get(Wire.INT, 4)).isEqualTo(0x1234);
        assertThat(NetifRxRequest.readFrom(slot)).isEqualTo(request);
        NetifRxResponse response = new NetifRxResponse(7, 2, 0xf, -1);
        response.writeTo(slot);
        assertThat(slot.get(Wire.SHORT, 2)).isEqualTo((short) 2);
        assertThat(slot.get(Wire.SHORT, 4)).isEqualTo((short) 0xf);
        assertThat(slot.get(Wire.SHORT, 6)).isEqualTo((short) -1);
        assertThat(NetifRxResponse.readFrom(slot)).isEqualTo(response);
    }

    @Test
    void extraInfoLiesAsTheHeaderSays() {
        NetifExtraInfo.gso(Netif.GSO_TYPE_TCPV6, 1448).writeTo(slot);
        assertThat(slot.get(Wire.BYTE, 0)).isEqualTo((byte) 1);
        assertThat(slot.get(Wire.SHORT, 2)).isEqualTo((short) 1448);
        assertThat(slot.get(Wire.BYTE, 4)).isEqualTo((byte) 2);
        new NetifExtraInfo(Netif.EXTRA_TYPE_MCAST_ADD, 1, 0, 0, 0x01005e000001L).writeTo(slot);
        assertThat(slot.asSlice(0, 8).toArray(ValueLayout.JAVA_BYTE))
                .containsExactly(2, 1, 1, 0, 0x5e, 0, 0, 1);
        NetifExtraInfo read = NetifExtraInfo.readFrom(slot);
        assertThat(read.address()).isEqualTo(0x01005e000001L);
        assertThat(read.isLast()).isFalse();
    }
}
