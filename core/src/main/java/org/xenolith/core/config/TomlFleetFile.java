package org.xenolith.core.config;

import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlInvalidTypeException;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.GuestConfig.Fork;
import org.xenolith.devices.net.nat.Subnet;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A fleet in TOML:
 *
 * <pre>
 * memory-limit = "384M"              # all guests together; without it each has its maximum
 * share-memory = true                # pages that guests have in common are held once
 * network = "10.64.0.0/16"           # addresses of guests on 'nat'; without it 10.0.2.0/24
 * proxy = "127.0.0.1:8080"           # http://web1.localhost:8080 leads to web1's port 80
 *
 * [defaults]                         # for each guest that does not say otherwise
 * image = "lamp"
 * memory = "96M..160M"
 *
 * [guest.web1]
 * disk = "lamp.img,overlay=web1.qcow2"
 * share = "site=/srv/web1,ro"        # a folder of the host, to be mounted as 9p
 * network = "nat,mac=00:16:3e:00:00:01"
 * forward = ["8081:80"]
 * on-crash = "restart"
 *
 * [guest.worker]
 * count = 10                         # worker1 to worker10
 * fork-when = "READY"                # worker2 to worker10 are copies of worker1 when it says so
 * </pre>
 *
 * An unknown key is an error: a typing mistake should not start a guest without its disk.
 */
public final class TomlFleetFile {
    private static final Set<String> TOP_KEYS =
            Set.of("memory-limit", "share-memory", "proxy", "network", "defaults", "guest");
    private static final Set<String> GUEST_KEYS =
            Set.of(
                    "image",
                    "kernel",
                    "initrd",
                    "cmdline",
                    "memory",
                    "vcpus",
                    "disk",
                    "share",
                    "network",
                    "forward",
                    "bootloader",
                    "timer-slack",
                    "count",
                    "fork-when",
                    "on-poweroff",
                    "on-reboot",
                    "on-crash");
    private static final int MAX_COUNT = 1000;

    private final String source;
    private final TomlParseResult file;
    private final TomlTable defaults;
    private final HostPorts ports = new HostPorts();

    private TomlFleetFile(String source, TomlParseResult file) throws ConfigException {
        this.source = source;
        this.file = file;
        TomlTable written = file.getTableOrEmpty("defaults");
        checkKeys(written, GUEST_KEYS);
        this.defaults = written;
    }

    /**
     * @param source name of the file, for messages
     */
    public static FleetConfig parse(String source, String text) throws ConfigException {
        TomlParseResult file = read(source, text);
        if (file.hasErrors()) {
            TomlParseError first = file.errors().getFirst();
            throw new ConfigException(source, first.position().line(), first.getMessage());
        }
        try {
            return new TomlFleetFile(source, file).fleet();
        } catch (TomlInvalidTypeException e) {
            String grammatical = e.getMessage().replace(" is a integer", " is an integer");
            throw new ConfigException(source, 0, grammatical);
        }
    }

    private static TomlParseResult read(String source, String text) throws ConfigException {
        try {
            return Toml.parse(text);
        } catch (StackOverflowError e) { // the parser calls itself for each bracket
            throw new ConfigException(source, 0, "it has too many brackets within one another");
        }
    }

    private FleetConfig fleet() throws ConfigException {
        checkKeys(file, TOP_KEYS);
        TomlTable written = file.getTableOrEmpty("guest");
        List<GuestConfig> guests = new ArrayList<>();
        for (String name : written.keySet()) {
            if (!(written.get(List.of(name)) instanceof TomlTable guest)) {
                throw bad(written, name, "write a guest as [guest." + name + "]");
            }
            checkKeys(guest, GUEST_KEYS);
            addCopies(name, guest, guests);
        }
        if (guests.isEmpty()) {
            throw new ConfigException(source, 0, "there is no guest in it; write [guest.NAME]");
        }
        Set<String> names = new HashSet<>();
        for (GuestConfig guest : guests) {
            if (!names.add(guest.name())) {
                throw new ConfigException(source, 0, "two guests are called " + guest.name());
            }
        }
        Optional<String> limit = string(file, "memory-limit");
        Optional<String> proxy = string(file, "proxy");
        if (proxy.isPresent() && HostPort.parse(proxy.get()).isEmpty()) {
            throw bad(file, "proxy", "proxy is written as 127.0.0.1:8080");
        }
        return new FleetConfig(
                guests,
                limit.isEmpty()
                        ? OptionalLong.empty()
                        : OptionalLong.of(size(file, "memory-limit", limit.get()).maxBytes()),
                proxy,
                network(),
                isTrue(file, "share-memory"));
    }

    private Optional<Subnet> network() throws ConfigException {
        Object value = file.get(List.of("network"));
        boolean isOne = value instanceof String text && text.contains("/");
        if (value != null && !isOne) {
            throw bad(
                    file,
                    "network",
                    "network at the top is the addresses of guests on 'nat', written as"
                            + " 10.64.0.0/16; what a guest is joined to stands in [defaults] or"
                            + " [guest.NAME]");
        }
        try {
            return string(file, "network").map(Subnet::parse);
        } catch (IllegalArgumentException e) {
            throw bad(file, "network", "network " + e.getMessage());
        }
    }

    private boolean isTrue(TomlTable table, String key) throws ConfigException {
        Object value = table.get(List.of(key));
        if (value != null && !(value instanceof Boolean)) {
            throw bad(table, key, key + " is true or false, without quotes");
        }
        return value != null && (Boolean) value;
    }

    private void addCopies(String name, TomlTable guest, List<GuestConfig> guests)
            throws ConfigException {
        long count = number(guest, "count", 1, MAX_COUNT);
        Optional<String> forkWhen = text(guest, "fork-when");
        boolean isOfNoUse = count == 1 && guest.contains("fork-when");
        boolean isALine =
                forkWhen.isEmpty() || !forkWhen.get().isBlank() && !forkWhen.get().contains("\n");
        if (forkWhen.isPresent() && (isOfNoUse || !isALine)) {
            throw bad(
                    holder(guest, "fork-when"),
                    "fork-when",
                    "fork-when is a text in one line, for a guest with a count above 1");
        }
        if (forkWhen.isPresent() && !texts(guest, "share", List.of()).isEmpty()) {
            throw bad(
                    holder(guest, "fork-when"),
                    "fork-when",
                    "a guest with a share cannot be copied: Linux does not find the folder again,"
                            + " its driver for 9pfs cannot resume");
        }
        if (!holder(guest, "count").contains("count")) {
            guests.add(guest(name, guest, Optional.empty()));
            return;
        }
        guests.add(guest(name + 1, guest, Optional.empty()));
        for (int i = 2; i <= count; i++) {
            guests.add(guest(name + i, guest, forkWhen.map(when -> new Fork(name + 1, when))));
        }
    }

    private GuestConfig guest(String name, TomlTable guest, Optional<Fork> fork)
            throws ConfigException {
        GuestName.check(source, 0, name);
        MemoryRange memory = size(guest, "memory", text(guest, "memory").orElse("256M"));
        List<DiskSpec> disks = new ArrayList<>();
        for (String disk : texts(guest, "disk", List.of())) {
            disks.add(disk(guest, disk.replace("%n", name)));
        }
        List<String> networks = texts(guest, "network", List.of("nat"));
        List<String> forwards = texts(guest, "forward", List.of());
        if (!forwards.isEmpty() && networks.stream().noneMatch(GuestConfig::isNat)) {
            throw bad(
                    holder(guest, "forward"),
                    "forward",
                    "%s has no network 'nat', over which a forward leads".formatted(name));
        }
        List<ShareSpec> shares = new ArrayList<>();
        for (String share : texts(guest, "share", List.of())) {
            shares.add(share(guest, share.replace("%n", name)));
        }
        GuestConfig config =
                new GuestConfig(
                        name,
                        text(guest, "image"),
                        text(guest, "kernel").map(Path::of),
                        text(guest, "initrd").map(Path::of),
                        text(guest, "cmdline").orElse(""),
                        memory.minBytes(),
                        memory.maxBytes(),
                        (int) number(guest, "vcpus", 1, SharedInfo.LEGACY_MAX_VCPUS),
                        disks,
                        shares,
                        networks,
                        forwards,
                        text(guest, "bootloader").map(Path::of),
                        timerSlack(guest),
                        fork,
                        action(guest, "on-poweroff", Action.DESTROY),
                        action(guest, "on-reboot", Action.RESTART),
                        action(guest, "on-crash", Action.DESTROY));
        takePorts(guest, config);
        return config;
    }

    private void takePorts(TomlTable guest, GuestConfig config) throws ConfigException {
        try {
            ports.take(config);
        } catch (ConfigException e) {
            throw bad(holder(guest, "forward"), "forward", e.getMessage());
        }
    }

    private Duration timerSlack(TomlTable guest) throws ConfigException {
        String key = "timer-slack";
        Duration slack = TimeSyntax.parse(text(guest, key).orElse("0")).orElse(Duration.ofDays(1));
        if (slack.compareTo(GuestConfig.MOST_TIMER_SLACK) > 0) {
            throw bad(
                    holder(guest, key),
                    key,
                    "timer-slack is a time such as 500ms or 4s, of at most "
                            + GuestConfig.MOST_TIMER_SLACK_TEXT);
        }
        return slack;
    }

    private DiskSpec disk(TomlTable guest, String text) throws ConfigException {
        try {
            return DiskSpec.parse(text);
        } catch (ConfigException e) {
            throw bad(holder(guest, "disk"), "disk", e.getMessage());
        }
    }

    private ShareSpec share(TomlTable guest, String text) throws ConfigException {
        try {
            return ShareSpec.parse(text);
        } catch (ConfigException e) {
            throw bad(holder(guest, "share"), "share", e.getMessage());
        }
    }

    private Action action(TomlTable guest, String key, Action otherwise) throws ConfigException {
        Optional<String> named = text(guest, key);
        if (named.isEmpty()) {
            return otherwise;
        }
        for (Action action : Action.values()) {
            if (action.name().toLowerCase(Locale.ROOT).equals(named.get())) {
                return action;
            }
        }
        throw bad(
                holder(guest, key),
                key,
                key + " is destroy, restart or preserve, not '" + named.get() + "'");
    }

    private MemoryRange size(TomlTable table, String key, String text) throws ConfigException {
        try {
            return MemoryRange.parse(text);
        } catch (ConfigException e) {
            throw bad(holder(table, key), key, e.getMessage());
        }
    }

    // ---- one key of a guest, or else of the defaults

    private TomlTable holder(TomlTable guest, String key) {
        return guest.contains(key) ? guest : defaults;
    }

    private Optional<String> text(TomlTable guest, String key) throws ConfigException {
        return string(holder(guest, key), key);
    }

    /** A text; numbers count as what they look like, since {@code memory = 256} is natural. */
    private Optional<String> string(TomlTable table, String key) throws ConfigException {
        return switch (table.get(List.of(key))) {
            case null -> Optional.empty();
            case String text -> Optional.of(withoutNul(table, key, text));
            case Long number -> Optional.of(number.toString());
            default -> throw bad(table, key, key + " is a text");
        };
    }

    private List<String> texts(TomlTable guest, String key, List<String> otherwise)
            throws ConfigException {
        TomlTable table = holder(guest, key);
        if (table.get(List.of(key)) instanceof TomlArray array) {
            List<String> texts = new ArrayList<>();
            for (Object item : array.toList()) {
                if (!(item instanceof String text)) {
                    throw bad(table, key, key + " is a text or a list of texts");
                }
                texts.add(withoutNul(table, key, text));
            }
            return texts;
        }
        return string(table, key).map(List::of).orElse(otherwise);
    }

    /** Most texts end as names of files or in start_info, and neither can hold a NUL. */
    private String withoutNul(TomlTable table, String key, String text) throws ConfigException {
        if (text.indexOf('\0') >= 0) {
            throw bad(table, key, ConfigException.NUL_INSIDE);
        }
        return text;
    }

    private long number(TomlTable guest, String key, long least, long most) throws ConfigException {
        TomlTable table = holder(guest, key);
        Object value = table.get(List.of(key));
        if (value == null) {
            return least;
        }
        if (!(value instanceof Long number) || number < least || number > most) {
            throw bad(table, key, key + " is a number from " + least + " to " + most);
        }
        return number;
    }

    private void checkKeys(TomlTable table, Set<String> known) throws ConfigException {
        for (String key : table.keySet()) {
            if (!known.contains(key)) {
                throw bad(table, key, "there is no key '" + key + "' here");
            }
        }
    }

    private ConfigException bad(TomlTable table, String key, String why) {
        TomlPosition position = table.inputPositionOf(List.of(key));
        return new ConfigException(source, position == null ? 0 : position.line(), why);
    }
}
