package org.xenolith.core.boot;

import org.xenolith.core.config.DiskSpec;
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
 */
public record GuestDevices(
        List<DiskSpec> disks, List<NetworkSpec> networks, List<PortForward> forwards) {
    /** A guest with console and xenstore only. */
    public static final GuestDevices NONE = new GuestDevices(List.of(), List.of(), List.of());

    /** Whether some interface of the guest is behind the user-mode NAT. */
    public boolean isOnNat() {
        return networks.stream().anyMatch(each -> each.uplink() instanceof Uplink.Nat);
    }

    /** These disks, with the interfaces and ports of others. */
    public GuestDevices withNetworkOf(GuestDevices others) {
        return new GuestDevices(disks, others.networks, others.forwards);
    }

    public boolean isEmpty() {
        return disks.isEmpty() && networks.isEmpty();
    }

    public GuestDevices {
        disks = List.copyOf(disks);
        networks = List.copyOf(networks);
        forwards = List.copyOf(forwards);
    }
}
