package org.xenolith.core.boot;

import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.ShareSpec;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.NetworkSpec.Uplink;
import org.xenolith.devices.net.nat.PortForward;

import java.util.List;

/**
 * The devices that a guest starts with.
 *
 * @param disks in the order of their names: xvda first, unless they name themselves
 * @param networks an interface each
 * @param forwards ports of the host that lead to the guest, through the user-mode NAT
 * @param shares folders of the host that it may mount
 */
public record GuestDevices(
        List<DiskSpec> disks,
        List<NetworkSpec> networks,
        List<PortForward> forwards,
        List<ShareSpec> shares) {
    /** A guest with console and xenstore only. */
    public static final GuestDevices NONE = new GuestDevices(List.of(), List.of(), List.of());

    /** Without a share. */
    public GuestDevices(
            List<DiskSpec> disks, List<NetworkSpec> networks, List<PortForward> forwards) {
        this(disks, networks, forwards, List.of());
    }

    /** Whether some interface of the guest is behind the user-mode NAT. */
    public boolean isOnNat() {
        return networks.stream().anyMatch(each -> each.uplink() instanceof Uplink.Nat);
    }

    /** These disks and shares, with the interfaces and ports of others. */
    public GuestDevices withNetworkOf(GuestDevices others) {
        return new GuestDevices(disks, others.networks, others.forwards, shares);
    }

    public boolean isEmpty() {
        return disks.isEmpty() && networks.isEmpty() && shares.isEmpty();
    }

    public GuestDevices {
        disks = List.copyOf(disks);
        networks = List.copyOf(networks);
        forwards = List.copyOf(forwards);
        shares = List.copyOf(shares);
    }
}
