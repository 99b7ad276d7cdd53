package org.xenolith.core.config;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Guests that are started together.
 *
 * @param memoryLimitBytes what all of them together may have; the balloons share it out
 * @param proxy host address of the HTTP proxy that leads to each guest by name, such as
 *     127.0.0.1:8080; empty for none
 * @param sharesMemory whether the host holds pages that guests have in common only once
 */
public record FleetConfig(
        List<GuestConfig> guests,
        OptionalLong memoryLimitBytes,
        Optional<String> proxy,
        boolean sharesMemory) {}
