package org.xenolith.devices.net.nat;

/**
 * Which MAC address has which guest address: what ARP calls its cache. Learned from every packet of
 * a guest; one entry per address of the subnet, so that no guest makes it grow. An address that was
 * leased belongs to the leaseholder, whatever others say.
 */
final class Neighbours {
    private final Subnet subnet;
    private final Leases leases;
    private final long[] macs; // by host number, 0 unknown

    Neighbours(Subnet subnet, Leases leases) {
        this.subnet = subnet;
        this.leases = leases;
        this.macs = new long[subnet.size()];
    }

    /**
     * @return false when the sender may not use the address
     */
    boolean learn(int address, long mac) {
        if (!subnet.isGuest(address) || !Mac.isUnicast(mac)) {
            return false;
        }
        long owner = leases.owner(address);
        if (owner != Leases.NOBODY && owner != mac) {
            return false;
        }
        macs[subnet.hostNumber(address)] = mac;
        return true;
    }

    /** The MAC address, or 0 when it is not known. */
    long mac(int address) {
        return subnet.isGuest(address) ? macs[subnet.hostNumber(address)] : 0;
    }

    void forget(long mac) {
        for (int host = 0; host < macs.length; host++) {
            if (macs[host] == mac) {
                macs[host] = 0;
            }
        }
    }
}
