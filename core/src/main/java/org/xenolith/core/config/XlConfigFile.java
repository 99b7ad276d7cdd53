package org.xenolith.core.config;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.config.GuestConfig.Action;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A guest in Xen's own notation, xl.cfg(5): {@code key = value} with strings, numbers and lists.
 * Keys that say something about real hardware or about HVM guests are named in a warning and left
 * aside, so that files of a Xen host work as they are.
 */
public final class XlConfigFile {
    private static final Set<String> USED =
            Set.of(
                    "name",
                    "type",
                    "builder",
                    "kernel",
                    "ramdisk",
                    "extra",
                    "root",
                    "cmdline",
                    "memory",
                    "maxmem",
                    "vcpus",
                    "maxvcpus",
                    "disk",
                    "p9",
                    "vif",
                    "bootloader",
                    "on_poweroff",
                    "on_reboot",
                    "on_crash");

    private final String source;
    private final Map<String, XlValue> values;
    private final List<String> warnings = new ArrayList<>();

    private XlConfigFile(String source, Map<String, XlValue> values) {
        this.source = source;
        this.values = values;
    }

    /**
     * A guest, and what of its description has no effect here.
     *
     * @param warnings a sentence each, with file and line
     */
    public record Result(GuestConfig guest, List<String> warnings) {}

    /**
     * @param source name of the file, for messages
     */
    public static Result parse(String source, String text) throws ConfigException {
        XlConfigFile file = new XlConfigFile(source, new XlParser(source, text).parse());
        return new Result(file.guest(), file.warnings);
    }

    private GuestConfig guest() throws ConfigException {
        requirePv();
        values.forEach(
                (key, value) -> {
                    if (!USED.contains(key)) {
                        warn(value, "'" + key + "' has no meaning for a PV guest here");
                    }
                });
        long memory = mebibytes("memory", GuestConfig.DEFAULT_MEMORY_BYTES >> 20);
        return new GuestConfig(
                name(),
                Optional.empty(),
                string("kernel").map(Path::of),
                string("ramdisk").map(Path::of),
                commandLine(),
                memory,
                Math.max(memory, mebibytes("maxmem", 0)),
                vcpus(),
                disks(),
                shares(),
                networks(),
                List.of(),
                bootloader(),
                Duration.ZERO,
                Optional.empty(),
                action("on_poweroff", Action.DESTROY),
                action("on_reboot", Action.RESTART),
                action("on_crash", Action.DESTROY));
    }

    private String name() throws ConfigException {
        String name =
                string("name")
                        .orElseThrow(() -> new ConfigException(source, 0, "the guest has no name"));
        return GuestName.check(source, values.get("name").line(), name);
    }

    private void requirePv() throws ConfigException {
        String type = string("type").orElse("pv");
        String builder = string("builder").orElse("generic");
        if (!type.equals("pv") || builder.equals("hvm")) {
            XlValue value = values.get(values.containsKey("type") ? "type" : "builder");
            throw new ConfigException(
                    source, value.line(), "only PV guests run here, this one is " + value.text());
        }
    }

    private String commandLine() throws ConfigException {
        Optional<String> whole = string("cmdline");
        if (whole.isPresent()) {
            return whole.get();
        }
        String root = string("root").map(device -> "root=" + device + " ").orElse("");
        return (root + string("extra").orElse("")).strip();
    }

    private List<DiskSpec> disks() throws ConfigException {
        List<DiskSpec> disks = new ArrayList<>();
        for (XlValue item : items("disk")) {
            try {
                disks.add(DiskSpec.parse(item.string(source)));
            } catch (ConfigException e) {
                throw new ConfigException(source, item.line(), e.getMessage());
            }
        }
        return disks;
    }

    private List<ShareSpec> shares() throws ConfigException {
        List<ShareSpec> shares = new ArrayList<>();
        for (XlValue item : items("p9")) {
            try {
                shares.add(ShareSpec.parseXl(item.string(source)));
            } catch (ConfigException e) {
                throw new ConfigException(source, item.line(), e.getMessage());
            }
        }
        return shares;
    }

    /** xl's keys to the switch's: the bridge is ours, the rest is kept. */
    private List<String> networks() throws ConfigException {
        List<String> networks = new ArrayList<>();
        for (XlValue item : items("vif")) {
            StringBuilder spec = new StringBuilder("nat");
            for (String part : item.string(source).split(",")) {
                String key = part.strip().split("=", 2)[0].toLowerCase(Locale.ROOT);
                switch (key) {
                    case "mac", "ip" -> spec.append(',').append(part.strip());
                    case "" -> {}
                    default -> warn(item, "'" + part.strip() + "' of a vif has no effect here");
                }
            }
            networks.add(spec.toString());
        }
        return networks;
    }

    /** pygrub's work is done by the host itself; a bootloader that is a guest is run as one. */
    private Optional<Path> bootloader() throws ConfigException {
        Optional<String> named = string("bootloader");
        if (named.isPresent() && named.get().endsWith("pygrub")) {
            return Optional.empty();
        }
        return named.map(Path::of);
    }

    private Action action(String key, Action otherwise) throws ConfigException {
        Optional<String> named = string(key);
        if (named.isEmpty()) {
            return otherwise;
        }
        return switch (named.get()) {
            case "destroy", "coredump-destroy" -> Action.DESTROY;
            case "restart", "rename-restart", "coredump-restart" -> Action.RESTART;
            case "preserve" -> Action.PRESERVE;
            default ->
                    throw new ConfigException(
                            source,
                            values.get(key).line(),
                            key + " is destroy, restart or preserve, not '" + named.get() + "'");
        };
    }

    private int vcpus() throws ConfigException {
        long vcpus = number("vcpus", 1);
        if (vcpus < 1 || vcpus > SharedInfo.LEGACY_MAX_VCPUS) {
            throw new ConfigException(
                    source,
                    values.get("vcpus").line(),
                    "vcpus is a number from 1 to " + SharedInfo.LEGACY_MAX_VCPUS);
        }
        return (int) vcpus;
    }

    private long mebibytes(String key, long otherwise) throws ConfigException {
        return number(key, otherwise) << 20;
    }

    private long number(String key, long otherwise) throws ConfigException {
        XlValue value = values.get(key);
        return value == null ? otherwise : value.number(source);
    }

    private Optional<String> string(String key) throws ConfigException {
        XlValue value = values.get(key);
        return value == null ? Optional.empty() : Optional.of(value.string(source));
    }

    private List<XlValue> items(String key) {
        XlValue value = values.get(key);
        return value == null ? List.of() : value.items();
    }

    private void warn(XlValue value, String what) {
        warnings.add("%s:%d: %s".formatted(source, value.line(), what));
    }
}
