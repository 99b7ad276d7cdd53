package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;

import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * An Ethernet address.
 *
 * @param value the six bytes as a number, first byte highest
 */
public record MacAddress(long value) {
    /** Bytes of an address on the wire. */
    public static final int BYTES = 6;

    private static final long MAXIMUM = (1L << 48) - 1;

    /** The individual/group bit: lowest of the first byte. IEEE 802-2014, 8.2.2. */
    private static final long GROUP_BIT = 1L << 40;

    /** 01-80-C2-00-00-00 to -0F: bridges keep these on the link. IEEE 802.1D-2004, table 7-10. */
    private static final long LINK_LOCAL = 0x01_80_c2_00_00_00L;

    private static final Pattern TEXT = Pattern.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}");

    public MacAddress {
        if (value < 0 || value > MAXIMUM) {
            throw new IllegalArgumentException("MAC address of more than 48 bits: " + value);
        }
    }

    /**
     * @param text six bytes in hexadecimal with colons: {@code 00:16:3e:00:00:01}
     * @throws IllegalArgumentException with a sentence if it is none
     */
    public static MacAddress parse(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (!TEXT.matcher(lower).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no MAC address; write it like 00:16:3e:00:00:01");
        }
        return new MacAddress(HexFormat.fromHexDigitsToLong(lower.replace(":", "")));
    }

    /**
     * The six bytes at an index, as {@link #value} has them.
     *
     * @param index absolute; six bytes must follow
     */
    static long read(ByteBuf bytes, int index) {
        return (long) bytes.getUnsignedShort(index) << 32 | bytes.getUnsignedInt(index + 2);
    }

    static boolean isGroup(long address) {
        return (address & GROUP_BIT) != 0;
    }

    static boolean isLinkLocal(long address) {
        return (address & ~0xfL) == LINK_LOCAL;
    }

    /** Whether a station may have it: no group address, and not all zeroes. */
    static boolean isStation(long address) {
        return !isGroup(address) && address != 0;
    }

    @Override
    public String toString() {
        return HexFormat.ofDelimiter(":").formatHex(bytes());
    }

    /** The address as it stands on the wire. */
    public byte[] bytes() {
        byte[] bytes = new byte[BYTES];
        for (int i = 0; i < BYTES; i++) {
            bytes[i] = (byte) (value >>> 8 * (BYTES - 1 - i));
        }
        return bytes;
    }
}
