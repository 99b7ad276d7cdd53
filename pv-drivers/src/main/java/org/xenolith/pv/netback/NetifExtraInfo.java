package org.xenolith.pv.netback;

import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What a packet has beside its bytes, in a slot of its own: {@code struct netif_extra_info},
 * public/io/netif.h.
 *
 * @param type {@code XEN_NETIF_EXTRA_TYPE_*}
 * @param flags {@code XEN_NETIF_EXTRA_FLAG_*}
 * @param gsoSize payload of each segment, for the type GSO
 * @param gsoType {@code XEN_NETIF_GSO_TYPE_*}
 * @param address the six bytes of a MAC address, first byte highest, for the multicast types; it
 *     lies where the other two do
 */
record NetifExtraInfo(int type, int flags, int gsoSize, int gsoType, long address) {
    static final int SIZE = 8;
    private static final int TYPE = 0, FLAGS = 1, GSO_SIZE = 2, GSO_TYPE = 4, ADDRESS = 2;
    private static final ValueLayout.OfShort BE_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt BE_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static NetifExtraInfo gso(int type, int segmentBytes) {
        return new NetifExtraInfo(Netif.EXTRA_TYPE_GSO, 0, segmentBytes, type, 0);
    }

    static NetifExtraInfo readFrom(MemorySegment slot) {
        long high = Short.toUnsignedLong(slot.get(BE_SHORT, ADDRESS));
        long low = Integer.toUnsignedLong(slot.get(BE_INT, ADDRESS + 2));
        return new NetifExtraInfo(
                Byte.toUnsignedInt(slot.get(Wire.BYTE, TYPE)),
                Byte.toUnsignedInt(slot.get(Wire.BYTE, FLAGS)),
                Short.toUnsignedInt(slot.get(Wire.SHORT, GSO_SIZE)),
                Byte.toUnsignedInt(slot.get(Wire.BYTE, GSO_TYPE)),
                high << 32 | low);
    }

    void writeTo(MemorySegment slot) {
        slot.asSlice(0, SIZE).fill((byte) 0);
        slot.set(Wire.BYTE, TYPE, (byte) type);
        slot.set(Wire.BYTE, FLAGS, (byte) flags);
        if (type == Netif.EXTRA_TYPE_GSO) {
            slot.set(Wire.SHORT, GSO_SIZE, (short) gsoSize);
            slot.set(Wire.BYTE, GSO_TYPE, (byte) gsoType);
        } else {
            slot.set(BE_SHORT, ADDRESS, (short) (address >>> 32));
            slot.set(BE_INT, ADDRESS + 2, (int) address);
        }
    }

    boolean isLast() {
        return (flags & Netif.EXTRA_FLAG_MORE) == 0;
    }
}
