package org.xenolith.core.backend;

import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.SwitchPort;

import java.util.function.Function;

/**
 * A network interface to attach.
 *
 * @param id number among the domain's interfaces, from 0
 * @param mac its address, {@code 00:16:3e:00:00:01}
 * @param mtu largest payload of a frame in bytes
 * @param network name of what it is plugged into, for those who look into the store
 * @param plug plugs an endpoint in; the port is closed when the device is gone
 */
public record NetworkInterface(
        int id, String mac, int mtu, String network, Function<NetworkEndpoint, SwitchPort> plug) {
    public static final int DEFAULT_MTU = 1500;
}
