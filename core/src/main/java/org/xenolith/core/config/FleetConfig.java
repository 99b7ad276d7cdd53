package org.xenolith.core.config;

import org.xenolith.devices.net.nat.Subnet;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Guests that are started together.
 *
 * @param memoryLimitBytes what all of them together may have; the balloons share it out
 * @param proxy host address of the HTTP proxy that leads to each guest by name, such as
 *     127.0.0.1:8080; empty for none
 * @param network the addresses of guests behind the user-mode NAT; empty for its usual ones
 * @param sharesMemory whether the host holds pages that guests have in common only once
 */
public record FleetConfig(
        List<GuestConfig> guests,
        OptionalLong memoryLimitBytes,
        Optional<String> proxy,
        Optional<Subnet> network,
        boolean sharesMemory) {}
