package org.xenolith.core.fleet;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.HostPorts;
import org.xenolith.core.config.TomlFleetFile;
import org.xenolith.core.config.XlConfigFile;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Reads the files that describe a fleet: TOML with any number of guests, or xl.cfg with one. Names
 * ending in {@code .toml} and {@code .cfg} say which; otherwise a line with a table of TOML does.
 */
public final class FleetFiles {
    private static final Pattern TOML_TABLE =
            Pattern.compile("^\\s*\\[\\s*(guest|defaults)\\b", Pattern.MULTILINE);

    private final Consumer<String> warnings;
    private final List<GuestConfig> guests = new ArrayList<>();
    private final Map<String, Path> fileOfGuest = new HashMap<>();
    private final HostPorts ports = new HostPorts();
    private OptionalLong memoryLimit = OptionalLong.empty();
    private Optional<String> proxy = Optional.empty();
    private Optional<Subnet> network = Optional.empty();
    private boolean sharesMemory;

    private FleetFiles(Consumer<String> warnings) {
        this.warnings = warnings;
    }

    /**
     * All guests of all files, in their order.
     *
     * @param warnings gets a sentence for each part of a file that has no effect
     * @throws ConfigException when a file makes no sense, or two do not go together
     */
    public static FleetConfig read(List<Path> files, Consumer<String> warnings)
            throws IOException, ConfigException {
        FleetFiles all = new FleetFiles(warnings);
        for (Path file : files) {
            all.add(file, textOf(file));
        }
        return new FleetConfig(
                List.copyOf(all.guests), all.memoryLimit, all.proxy, all.network, all.sharesMemory);
    }

    private static String textOf(Path file) throws IOException, ConfigException {
        if (Files.isDirectory(file)) {
            throw new ConfigException(file + ": it is a directory, not a fleet or a guest");
        }
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new ConfigException(file + ": it is no text in UTF-8");
        }
    }

    private void add(Path file, String text) throws ConfigException {
        if (text.isBlank()) {
            throw new ConfigException(file + ": it is empty");
        }
        if (isToml(file, text)) {
            FleetConfig fleet = TomlFleetFile.parse(file.toString(), text);
            for (GuestConfig guest : fleet.guests()) {
                add(file, guest);
            }
            if (fleet.memoryLimitBytes().isPresent()) {
                requireFirst(memoryLimit.isPresent(), file, "memory-limit");
                memoryLimit = fleet.memoryLimitBytes();
            }
            if (fleet.proxy().isPresent()) {
                requireFirst(proxy.isPresent(), file, "proxy");
                proxy = fleet.proxy();
            }
            if (fleet.network().isPresent()) {
                requireFirst(network.isPresent(), file, "network");
                network = fleet.network();
            }
            sharesMemory |= fleet.sharesMemory();
        } else {
            XlConfigFile.Result result = XlConfigFile.parse(file.toString(), text);
            result.warnings().forEach(warnings);
            add(file, result.guest());
        }
    }

    private void add(Path file, GuestConfig guest) throws ConfigException {
        Path other = fileOfGuest.put(guest.name(), file);
        if (other != null) {
            throw new ConfigException(
                    "%s: a guest of %s is called %s already".formatted(file, other, guest.name()));
        }
        try {
            ports.take(guest);
        } catch (ConfigException e) {
            throw new ConfigException(file + ": " + e.getMessage());
        }
        guests.add(guest);
    }

    private static void requireFirst(boolean isSet, Path file, String key) throws ConfigException {
        if (isSet) {
            throw new ConfigException(file + ": another file sets " + key + " already");
        }
    }

    static boolean isToml(Path file, String text) {
        String name = file.getFileName().toString();
        return name.endsWith(".toml") || !name.endsWith(".cfg") && TOML_TABLE.matcher(text).find();
    }
}
