package org.xenolith.core.cli;

import org.xenolith.devices.net.nat.Subnet;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The addresses of guests on the network 'nat', as {@code --network} has them. */
final class NatNetwork {
    private NatNetwork() {}

    /**
     * @throws ParameterException if it is no network that guests can have
     */
    static Subnet parse(CommandSpec spec, String text) {
        try {
            return Subnet.parse(text);
        } catch (IllegalArgumentException e) {
            throw NamedFile.usage(spec, "--network " + e.getMessage() + ".");
        }
    }
}
