package org.xenolith.devices.net.nat;

import org.xenolith.devices.net.MacAddress;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * How a {@link UserModeNat} is set up. Immutable; {@link #builder} starts from what suits most:
 * 10.0.2.0/24, the host's loopback reachable at the gateway, the host's own name servers.
 */
public final class NatConfig {
    /** The bytes of an Ethernet payload, as every switch carries them. */
    public static final int DEFAULT_MTU = 1500;

    private static final int MIN_MTU = 576, MAX_MTU = 65521;

    private final Subnet subnet;
    private final int mtu;
    private final boolean hostLoopback;
    private final boolean restrict;
    private final boolean ipv6;
    private final boolean offload;
    private final List<FixedGuest> guests;
    private final List<InetSocketAddress> resolvers; // null: those of resolv.conf
    private final int maxTcpConnections;
    private final int maxUdpFlows;
    private final int leaseSeconds;
    private final long bufferBytes;

    private NatConfig(Builder from) {
        subnet = from.subnet;
        mtu = from.mtu;
        hostLoopback = from.hostLoopback;
        restrict = from.restrict;
        ipv6 = from.ipv6;
        offload = from.offload;
        guests = List.copyOf(from.guests);
        resolvers = from.resolvers;
        maxTcpConnections = from.maxTcpConnections;
        maxUdpFlows = from.maxUdpFlows;
        leaseSeconds = from.leaseSeconds;
        bufferBytes = from.bufferBytes;
    }

    public static Builder builder() {
        return new Builder();
    }

    Subnet subnet() {
        return subnet;
    }

    int mtu() {
        return mtu;
    }

    boolean hostLoopback() {
        return hostLoopback;
    }

    boolean restrict() {
        return restrict;
    }

    boolean ipv6() {
        return ipv6;
    }

    boolean offload() {
        return offload;
    }

    List<FixedGuest> guests() {
        return guests;
    }

    /** Null when the host's resolv.conf decides. */
    List<InetSocketAddress> resolvers() {
        return resolvers;
    }

    int maxTcpConnections() {
        return maxTcpConnections;
    }

    int maxUdpFlows() {
        return maxUdpFlows;
    }

    int leaseSeconds() {
        return leaseSeconds;
    }

    long bufferBytes() {
        return bufferBytes;
    }

    /** Collects settings; each refuses what makes no sense with a sentence. */
    public static final class Builder {
        private record PendingGuest(String mac, String address, String name) {}

        private final List<PendingGuest> pending = new ArrayList<>();
        private Subnet subnet = Subnet.STANDARD;
        private int mtu = DEFAULT_MTU;
        private boolean hostLoopback = true;
        private boolean restrict;
        private boolean ipv6 = true;
        private boolean offload = true;
        private final List<FixedGuest> guests = new ArrayList<>();
        private List<InetSocketAddress> resolvers;
        private int maxTcpConnections = 8192;
        private int maxUdpFlows = 1024;
        private int leaseSeconds = 86_400;
        private long bufferBytes = 64L << 20;

        private Builder() {}

        /**
         * The guests' network: gateway at .2, name server at .3, guests from .15.
         *
         * @param network address and prefix length from 16 to 29, as {@code 10.0.2.0/24}
         * @throws IllegalArgumentException when it is not that
         */
        public Builder subnet(String network) {
            return subnet(Subnet.parse(network));
        }

        /** As {@link #subnet(String)}. */
        public Builder subnet(Subnet network) {
            subnet = network;
            return this;
        }

        /**
         * @param bytes largest IP packet, 576 to 65521
         */
        public Builder mtu(int bytes) {
            if (bytes < MIN_MTU || bytes > MAX_MTU) {
                throw new IllegalArgumentException(
                        "an MTU of " + bytes + " is not within " + MIN_MTU + " to " + MAX_MTU);
            }
            mtu = bytes;
            return this;
        }

        /** Whether the gateway's address reaches services on the host's 127.0.0.1; it does. */
        public Builder hostLoopback(boolean reachable) {
            hostLoopback = reachable;
            return this;
        }

        /** Whether guests reach nothing but what is forwarded to them and each other; off. */
        public Builder restrict(boolean locked) {
            restrict = locked;
            return this;
        }

        /**
         * Whether guests have IPv6 too; they have: addresses of their own making in fd00::/64, the
         * gateway at fd00::2, the name server at fd00::3.
         */
        public Builder ipv6(boolean available) {
            ipv6 = available;
            return this;
        }

        /**
         * Whether frames to guests may be large TCP segments with a checksum that is due; they may,
         * because the switch completes them where it has to.
         */
        public Builder offload(boolean allowed) {
            offload = allowed;
            return this;
        }

        /**
         * A guest with an address and a name of its own.
         *
         * @param mac as {@code 00:16:3e:00:00:01}
         * @param address within the subnet, or null to let the NAT choose
         * @param name under which other guests and the host find it, or null
         */
        public Builder guest(String mac, String address, String name) {
            pending.add(new PendingGuest(mac, address, name));
            return this;
        }

        /** Name servers to ask instead of those in the host's resolv.conf; none means SERVFAIL. */
        public Builder resolvers(List<InetSocketAddress> servers) {
            resolvers = List.copyOf(servers);
            return this;
        }

        /**
         * Connections of all guests together, of which one guest may have half; beyond that a SYN
         * is not answered.
         */
        public Builder maxTcpConnections(int count) {
            maxTcpConnections = count;
            return this;
        }

        /** UDP flows of all guests together; beyond that the longest idle one ends. */
        public Builder maxUdpFlows(int count) {
            maxUdpFlows = count;
            return this;
        }

        /**
         * @param seconds how long an address belongs to a guest that is not heard of
         */
        public Builder leaseSeconds(int seconds) {
            leaseSeconds = seconds;
            return this;
        }

        /**
         * @param bytes memory for TCP data on its way, all connections together
         */
        public Builder bufferBytes(long bytes) {
            bufferBytes = bytes;
            return this;
        }

        /**
         * @throws IllegalArgumentException when two guests want the same, or one wants what is not
         *     in the subnet
         */
        public NatConfig build() {
            guests.clear();
            for (PendingGuest guest : pending) {
                guests.add(resolve(guest));
            }
            return new NatConfig(this);
        }

        private FixedGuest resolve(PendingGuest wanted) {
            long mac = MacAddress.parse(wanted.mac).value();
            int address = wanted.address == null ? nextFree() : Ipv4.parse(wanted.address);
            String name = wanted.name == null ? null : wanted.name.toLowerCase(Locale.ROOT);
            if (name != null && !Leases.isHostName(name)) {
                throw new IllegalArgumentException("'" + wanted.name + "' is not a host name");
            }
            if (!Mac.isUnicast(mac)) {
                throw new IllegalArgumentException(wanted.mac + " is a group address");
            }
            if (!subnet.isGuest(address)) {
                throw new IllegalArgumentException(
                        Ipv4.format(address) + " is no guest's address in the NAT's network");
            }
            for (FixedGuest other : guests) {
                if (other.mac() == mac
                        || other.address() == address
                        || name != null && Objects.equals(other.name(), name)) {
                    throw new IllegalArgumentException(
                            "two guests of the NAT share an address or a name: "
                                    + new MacAddress(mac)
                                    + " and "
                                    + new MacAddress(other.mac()));
                }
            }
            return new FixedGuest(mac, address, name);
        }

        private int nextFree() {
            int address = subnet.network() + subnet.firstHost();
            while (isTaken(address)) {
                address++;
            }
            return address;
        }

        private boolean isTaken(int address) {
            String text = Ipv4.format(address);
            return guests.stream().anyMatch(guest -> guest.address() == address)
                    || pending.stream().anyMatch(guest -> text.equals(guest.address));
        }
    }
}
