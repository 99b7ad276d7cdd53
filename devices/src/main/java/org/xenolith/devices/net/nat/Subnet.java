package org.xenolith.devices.net.nat;

import io.netty.util.NetUtil;

/**
 * The network of the guests behind a {@link UserModeNat}: its addresses, and the two of them that
 * are the NAT's own.
 *
 * @param network lowest address, host bits zero
 * @param prefixBits length of the network part, 16 to 29
 * @param gateway the host, as guests see it
 * @param dns the name server, as guests see it
 */
public record Subnet(int network, int prefixBits, int gateway, int dns) {
    /** Of whoever does not choose another one: as slirp's users know it, 240 guests. */
    public static final Subnet STANDARD = parse("10.0.2.0/24");

    private static final int MIN_PREFIX_BITS = 16, MAX_PREFIX_BITS = 29;
    private static final int GATEWAY_HOST = 2, DNS_HOST = 3;
    private static final int FIRST_HOST = 15, SMALL_FIRST_HOST = 4;
    private static final String FORM = "write it as 10.64.0.0/16";

    /**
     * @param text address and prefix length, as 10.0.2.0/24
     * @throws IllegalArgumentException when it is none that guests can have; the message is a
     *     sentence without its stop that begins with the text
     */
    public static Subnet parse(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(address);
        if (bytes != null && bytes.length != Integer.BYTES) {
            throw bad(text, "is of IPv6, and the network is chosen for IPv4 alone; " + FORM);
        }
        if (bytes == null || slash < 0) {
            throw bad(text, "is no network; " + FORM);
        }
        int prefixBits = prefixBits(text.substring(slash + 1), text);
        int first = Ipv4.fromBytes(bytes);
        int network = first & -1 << 32 - prefixBits;
        if (!Ipv4.isUnicastOutside(first)) {
            throw bad(text, "is loopback, multicast or reserved, and nothing for guests");
        }
        if (first != network) {
            String meant = Ipv4.format(network) + "/" + prefixBits;
            throw bad(text, "is an address in the network " + meant + "; write that");
        }
        return new Subnet(network, prefixBits, network + GATEWAY_HOST, network + DNS_HOST);
    }

    private static int prefixBits(String digits, String text) {
        try {
            int bits = Integer.parseInt(digits);
            if (bits >= MIN_PREFIX_BITS && bits <= MAX_PREFIX_BITS) {
                return bits;
            }
        } catch (NumberFormatException notANumber) {
            // The sentence below is for both.
        }
        throw bad(text, "has to have a number from 16 to 29 behind its /");
    }

    private static IllegalArgumentException bad(String text, String why) {
        return new IllegalArgumentException("'" + text + "' " + why);
    }

    int mask() {
        return -1 << 32 - prefixBits;
    }

    /** Addresses in it, network and broadcast address included. */
    int size() {
        return 1 << 32 - prefixBits;
    }

    /** Host number of the first guest: 15, as slirp's users know it; less in a small network. */
    int firstHost() {
        return size() > 2 * FIRST_HOST ? FIRST_HOST : SMALL_FIRST_HOST;
    }

    /** How many guests' interfaces can have an address of their own. */
    public int guests() {
        return size() - 1 - firstHost();
    }

    int broadcast() {
        return network + size() - 1;
    }

    boolean contains(int address) {
        return (address & mask()) == network;
    }

    int hostNumber(int address) {
        return address - network;
    }

    /** Whether a guest may have this address. */
    boolean isGuest(int address) {
        return contains(address)
                && address != network
                && address != broadcast()
                && address != gateway
                && address != dns;
    }

    /** As {@link #isGuest(int)}, of a text that may be no address at all. */
    public boolean isGuest(String address) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(address);
        return bytes != null && bytes.length == Integer.BYTES && isGuest(Ipv4.fromBytes(bytes));
    }

    /** Whether the NAT itself answers at this address. */
    boolean isOwn(int address) {
        return address == gateway || address == dns;
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return Ipv4.format(network) + "/" + prefixBits;
    }
}
