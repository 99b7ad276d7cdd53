package org.xenolith.devices.net.nat;

/**
 * The guests' network: its addresses, and the two of them that are the NAT's own.
 *
 * @param network lowest address, host bits zero
 * @param prefixBits length of the network part, 16 to 29
 * @param gateway the host, as guests see it
 * @param dns the name server, as guests see it
 */
record Subnet(int network, int prefixBits, int gateway, int dns) {
    private static final int MIN_PREFIX_BITS = 16, MAX_PREFIX_BITS = 29;
    private static final int GATEWAY_HOST = 2, DNS_HOST = 3;

    /**
     * @param text address and prefix length, as 10.0.2.0/24
     */
    static Subnet parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("'" + text + "' has no /prefix length");
        }
        int prefixBits = prefixBits(text.substring(slash + 1), text);
        int network = Ipv4.parse(text.substring(0, slash)) & -1 << 32 - prefixBits;
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
        throw new IllegalArgumentException(
                "'" + text + "': the prefix length has to be from 16 to 29");
    }

    int mask() {
        return -1 << 32 - prefixBits;
    }

    /** Addresses in it, network and broadcast address included. */
    int size() {
        return 1 << 32 - prefixBits;
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

    /** Whether the NAT itself answers at this address. */
    boolean isOwn(int address) {
        return address == gateway || address == dns;
    }
}
