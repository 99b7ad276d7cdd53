package org.xenolith.core.machine;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.NetworkSpec.Uplink;
import org.xenolith.devices.net.PcapFile;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.PortStatistics;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;
import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.NatConfig;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;
import org.xenolith.devices.net.nat.UserModeNat;
import org.xenolith.devices.net.proxy.ReverseProxy;
import org.xenolith.devices.net.tunnel.StreamTunnel;
import org.xenolith.devices.net.tunnel.TapPort;
import org.xenolith.devices.net.tunnel.UdpTunnel;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The switches of a host: one for each way out that some guest's interface names, so that guests
 * who name the same one are on the same network. What nobody names is not there: it goes when the
 * last interface that names it is detached. Between a guest's lives it stays.
 *
 * <p>Thread-safe.
 */
final class HostNetwork implements AutoCloseable {
    private static final int HTTP_PORT = 80;
    private static final String UPLINK = "uplink";

    private final NetworkLoop loop = NetworkLoop.create();
    private final Map<Uplink, Joined> networks = new HashMap<>();
    private final Deque<AutoCloseable> closing = new ArrayDeque<>();
    private final Map<Path, PcapFile> captures = new HashMap<>();
    private final HostForwards forwards = new HostForwards();
    private final Set<NatPlace> behindNat = new HashSet<>(); // those that are taken
    private final Subnet natNetwork;

    /** What restored guests call themselves behind the NAT. */
    private final Map<MacAddress, String> addressesInUse = new HashMap<>();

    private UserModeNat nat;

    /** Ways out that are closed and that the host may not have back yet; guarded by this. */
    private int leaving;

    /** With the NAT's usual addresses. */
    HostNetwork() {
        this(Subnet.STANDARD);
    }

    /**
     * @param natNetwork the addresses of the NAT and of those behind it
     */
    HostNetwork(Subnet natNetwork) {
        this.natNetwork = natNetwork;
        closing.push(loop::close);
    }

    /**
     * Makes a place for a guest's interface.
     *
     * @param guest name under which the NAT's other guests and the host find it
     * @return plugs an endpoint in, or throws an {@link IllegalArgumentException}: the address is
     *     taken, or the NAT has none left
     */
    synchronized Function<NetworkEndpoint, SwitchPort> place(
            NetworkSpec spec, MacAddress mac, String guest, String interfaceName)
            throws IOException {
        network(spec.uplink()); // or the reason why there is none
        PortSettings settings = PortSettings.PLAIN.withAddress(mac);
        if (!spec.macCheck()) {
            settings = settings.withOthersBehind();
        }
        if (spec.impairment().isPresent()) {
            settings = settings.withImpairment(spec.impairment().get());
        }
        if (spec.capture().isPresent()) {
            settings = settings.withCapture(capture(spec.capture().get()));
        }
        PortSettings chosen = settings;
        return endpoint -> {
            synchronized (this) {
                SwitchPort port =
                        networkAgain(spec.uplink()).connect(interfaceName, endpoint, chosen);
                return spec.uplink() instanceof Uplink.Nat
                        ? placeBehindNat(port, mac, guest, spec.ipv6())
                        : port;
            }
        };
    }

    /** Nearly always the one that is there: another guest may just have been its last user. */
    private VirtualSwitch networkAgain(Uplink uplink) {
        try {
            return network(uplink);
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** Guests that will be placed behind the NAT use these addresses already. */
    synchronized void useAddresses(Map<MacAddress, String> inUse) {
        addressesInUse.putAll(inUse);
    }

    /** The addresses of a guest's interfaces behind the NAT. */
    synchronized Map<MacAddress, String> natAddresses(String guest) {
        Map<MacAddress, String> all = new HashMap<>();
        for (NatPlace place : behindNat) {
            if (place.guest.equals(guest)) {
                nat.addressOf(place.mac).ifPresent(address -> all.put(place.mac, address));
            }
        }
        return all;
    }

    /** The switch has taken the guest, who has not sent anything yet. */
    private NatPlace placeBehindNat(SwitchPort port, MacAddress mac, String guest, boolean ipv6) {
        try {
            nat.expect(mac, guest, Optional.ofNullable(addressesInUse.get(mac)));
        } catch (IllegalArgumentException noAddressLeft) {
            port.close();
            throw noAddressLeft;
        }
        if (!ipv6) {
            nat.withoutIpv6(mac);
        }
        NatPlace place = new NatPlace(port, mac, guest);
        behindNat.add(place);
        return place;
    }

    /** A guest's port behind the NAT. When the guest has left it, the NAT forgets the guest. */
    private final class NatPlace implements SwitchPort {
        private final SwitchPort port;
        private final MacAddress mac;
        private final String guest;

        NatPlace(SwitchPort port, MacAddress mac, String guest) {
            this.port = port;
            this.mac = mac;
            this.guest = guest;
        }

        @Override
        public boolean send(EthernetFrame frame) {
            return port.send(frame);
        }

        @Override
        public void resume() {
            port.resume();
        }

        @Override
        public void close() {
            synchronized (HostNetwork.this) { // nobody takes the address in between
                if (behindNat.remove(this)) {
                    port.close();
                    nat.forget(mac);
                }
            }
        }
    }

    /** A guest that starts again goes on in the file that it has; two writers would spoil it. */
    private PcapFile capture(Path file) throws IOException {
        Path path = file.toAbsolutePath().normalize();
        PcapFile open = captures.get(path);
        if (open == null) {
            open = PcapFile.create(path, PcapFile.LargeFrames.CUT);
            closing.push(open);
            captures.put(path, open);
        }
        return open;
    }

    /**
     * A switch and its way out.
     *
     * @param end of the wire that leads out of it; to be closed first
     */
    private record Joined(VirtualSwitch ports, AutoCloseable end) implements AutoCloseable {
        boolean isUsed() {
            return ports.statistics().stream().anyMatch(port -> !port.name().equals(UPLINK));
        }

        @Override
        public void close() throws Exception {
            end.close();
            ports.close();
        }
    }

    private VirtualSwitch network(Uplink uplink) throws IOException {
        if (!networks.containsKey(uplink) && takesOfTheHost(uplink)) {
            awaitNobodyLeaves(); // it may be what another had: the same address, the same device
        }
        Joined known = networks.get(uplink);
        if (known != null) {
            return known.ports;
        }
        VirtualSwitch ports = new VirtualSwitch(loop);
        Joined joined = new Joined(ports, connect(uplink, ports));
        closing.push(joined);
        networks.put(uplink, joined);
        return ports;
    }

    private static boolean takesOfTheHost(Uplink uplink) {
        return switch (uplink) {
            case Uplink.None _, Uplink.Nat _ -> false;
            case Uplink.Tap _, Uplink.Udp _ -> true;
            case Uplink.StreamConnect _, Uplink.StreamListen _ -> true;
        };
    }

    /** Holds the lock before and after, and nobody's meanwhile: others come and go. */
    private void awaitNobodyLeaves() {
        boolean interrupted = false;
        while (leaving > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private AutoCloseable connect(Uplink uplink, VirtualSwitch network) throws IOException {
        return switch (uplink) {
            case Uplink.None() -> () -> {};
            case Uplink.Nat() -> {
                nat = UserModeNat.create(NatConfig.builder().subnet(natNetwork).build(), loop);
                nat.plugInto(network, PortSettings.PLAIN);
                yield nat::close;
            }
            case Uplink.Tap(String name) ->
                    TapPort.open(loop, network, UPLINK, name, PortSettings.PLAIN);
            case Uplink.Udp(InetSocketAddress local, InetSocketAddress remote) ->
                    UdpTunnel.open(
                            loop,
                            network,
                            UPLINK,
                            resolved(local),
                            resolved(remote),
                            PortSettings.PLAIN);
            case Uplink.StreamConnect(InetSocketAddress remote) ->
                    StreamTunnel.connect(
                            loop, network, UPLINK, resolved(remote), PortSettings.PLAIN);
            case Uplink.StreamListen(InetSocketAddress local) ->
                    StreamTunnel.listen(loop, network, UPLINK, resolved(local), PortSettings.PLAIN);
        };
    }

    /**
     * Closes a way out that no guest's interface uses any more, with its switch; returns when the
     * host has it back. Other networks can be had meanwhile; what would open another way out waits.
     * The NAT stays: it has the ports that lead to guests, and the proxy.
     */
    void closeIfUnused(Uplink uplink) {
        if (!leaves(uplink)) {
            return;
        }
        try {
            loop.awaitClosed();
        } finally {
            synchronized (this) {
                leaving--;
                notifyAll();
            }
        }
    }

    private synchronized boolean leaves(Uplink uplink) {
        Joined joined = networks.get(uplink);
        if (joined == null || joined.isUsed() || uplink instanceof Uplink.Nat) {
            return false;
        }
        networks.remove(uplink);
        closing.remove(joined);
        close(joined);
        leaving++;
        return true;
    }

    private static InetSocketAddress resolved(InetSocketAddress address) throws IOException {
        InetSocketAddress resolved =
                new InetSocketAddress(address.getHostString(), address.getPort());
        if (resolved.isUnresolved()) {
            throw new IOException("The host " + address.getHostString() + " is not known");
        }
        return resolved;
    }

    /**
     * Leads a port of the host to a guest that starts. One that starts again finds its ports open.
     *
     * @throws IOException when there is no NAT, or the host does not let us
     */
    synchronized void forwardAtStart(PortForward forward, String guest) throws IOException {
        requireNat("-p " + forward);
        forwards.openAtStart(nat, forward, guest);
    }

    /**
     * Leads one more port of the host to a guest.
     *
     * @return with the port that was chosen for 0
     * @throws IOException when the guest is not behind the NAT, or the host does not let us
     */
    synchronized PortForward forward(PortForward forward, String guest) throws IOException {
        if (behindNat.stream().noneMatch(place -> place.guest.equals(guest))) {
            throw new IOException(
                    "The guest '" + guest + "' has no interface on the network 'nat'");
        }
        return forwards.open(nat, forward, guest);
    }

    /**
     * Takes back a port that leads to a guest.
     *
     * @throws IOException when it does not
     */
    synchronized void takeBack(ListeningPort port, String guest) throws IOException {
        if (!forwards.takeBack(port, guest)) {
            throw new IOException(
                    "The host's port %s does not lead to the guest '%s'".formatted(port, guest));
        }
    }

    /** Closes all ports that lead to a guest. */
    synchronized void closeForwards(String guest) {
        forwards.closeAll(guest);
    }

    /** What leads to a guest, with the ports that were chosen. */
    synchronized List<PortForward> forwardsTo(String guest) {
        return forwards.openTo(guest);
    }

    /** The same as it was asked for, for the guest's next start, here or elsewhere. */
    synchronized List<PortForward> forwardsAskedFor(String guest) {
        return forwards.askedFor(guest);
    }

    /**
     * Opens the HTTP proxy that leads to each guest by name.
     *
     * @return the address it listens on
     */
    synchronized InetSocketAddress openProxy(InetSocketAddress address) throws IOException {
        requireNat("the proxy");
        ReverseProxy proxy = ReverseProxy.open(loop, address, nat.webServers(HTTP_PORT));
        closing.push(proxy);
        return proxy.localAddress();
    }

    private void requireNat(String what) throws IOException {
        if (nat == null) {
            throw new IOException(
                    "For " + what + " some guest needs an interface on the network 'nat'");
        }
    }

    /** Counters of every port of every switch. */
    synchronized List<PortStatistics> statistics() {
        List<PortStatistics> all = new ArrayList<>();
        networks.values().forEach(network -> all.addAll(network.ports.statistics()));
        return all;
    }

    @Override
    public synchronized void close() {
        awaitNobodyLeaves();
        // Last opened, first closed: ends of wires before switches, and the loop when all is quiet.
        networks.clear();
        while (!closing.isEmpty()) {
            close(closing.pop());
        }
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception e) {
            System.err.println("xenolith: closing the network: " + e.getMessage());
        }
    }
}
