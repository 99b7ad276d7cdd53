package org.xenolith.pv.netback;

/** Numbers of public/io/netif.h. */
final class Netif {
    /**
     * Flags of a transmit request, {@code NETTXF_*}, and of a receive response, {@code NETRXF_*}.
     */
    static final int TX_CSUM_BLANK = 1, TX_DATA_VALIDATED = 2, TX_MORE_DATA = 4, TX_EXTRA_INFO = 8;

    static final int RX_DATA_VALIDATED = 1, RX_CSUM_BLANK = 2, RX_MORE_DATA = 4, RX_EXTRA_INFO = 8;
    static final int EXTRA_TYPE_GSO = 1, EXTRA_TYPE_MCAST_ADD = 2, EXTRA_TYPE_MCAST_DEL = 3;
    static final int EXTRA_TYPE_MAX = 5;
    static final int EXTRA_FLAG_MORE = 1;

    static final int GSO_TYPE_TCPV4 = 1, GSO_TYPE_TCPV6 = 2;

    /** Statuses of responses, {@code NETIF_RSP_*}. */
    static final int RSP_ERROR = -1, RSP_OKAY = 0, RSP_NULL = 1;

    /** Slots of one packet that Linux's backend lets pass: 18 that it promises, and some. */
    static final int MAX_SLOTS = 20;

    private Netif() {}
}
