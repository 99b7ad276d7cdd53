package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.watch.EventsReport;
import org.xenolith.core.watch.GrantsReport;
import org.xenolith.core.watch.PageTablesReport;
import org.xenolith.core.watch.PageTypesReport;
import org.xenolith.core.watch.RingsReport;
import org.xenolith.core.watch.StoreReport;
import org.xenolith.core.watch.WhereReport;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreException;
import org.xenolith.devices.console.Escaped;
import org.xenolith.pv.ring.ByteRing;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The verbs that look into a guest, and into xenstore. */
final class WatchVerbs {
    static final List<String> OF_GUEST = List.of("pages", "events", "grants", "rings", "where");
    static final List<String> OF_STORE = List.of("xenstore-ls", "xenstore-read", "xenstore-write");

    private static final int DEFAULT_LIMIT = 256;
    private static final int DEFAULT_DEPTH = 1;

    private WatchVerbs() {}

    // ---- guests ----

    static JsonElement perform(Guest guest, Xenstore store, String verb, JsonObject arguments)
            throws ControlException {
        int limit = number(arguments, "limit", DEFAULT_LIMIT, HostVerbs.MAX_LIMIT);
        Function<Boolean, JsonElement> look =
                switch (verb) {
                    case "pages" -> pages(guest, arguments, limit);
                    case "events" -> _ -> EventsReport.of(guest.domain(), uses(guest, store));
                    case "grants" ->
                            _ -> GrantsReport.of(guest.domain(), guest.mappedGrants(), limit);
                    case "rings" -> _ -> rings(guest);
                    case "where" -> where(guest, store);
                    default -> throw new IllegalStateException("no look is called " + verb);
                };
        return guest.whileStill(look)
                .orElseThrow(() -> new ControlException(guest.name() + " is gone."));
    }

    private static Function<Boolean, JsonElement> pages(
            Guest guest, JsonObject arguments, int limit) throws ControlException {
        Domain domain = guest.domain();
        int number = number(arguments, "vcpu", 0, domain.vcpus().size() - 1);
        int depth = number(arguments, "depth", DEFAULT_DEPTH, HostVerbs.MAX_DEPTH);
        boolean user = flag(arguments, "user");
        boolean map = flag(arguments, "map");
        Optional<Long> mfn = frame(arguments);
        return _ -> {
            VirtualCpu vcpu = domain.vcpu(number);
            long root = user ? vcpu.userBasePtr() : vcpu.basePtr();
            PageTypesReport types = new PageTypesReport(domain.frames());
            PageTablesReport tables = new PageTablesReport(domain.frames());
            JsonObject report = new JsonObject();
            report.addProperty("current_frames", domain.frames().reservation().currentPages());
            report.addProperty("maximum_frames", domain.frames().reservation().maximumPages());
            if (mfn.isPresent()) {
                report.add("frame", types.frame(mfn.get()));
                report.add("mapped_by", tables.mappers(mfn.get(), root, limit));
                return report;
            }
            report.add("types", types.totals());
            if (map) {
                report.add("map", types.map(0, limit));
            }
            report.addProperty("vcpu", number);
            report.addProperty("mode", user ? "user" : "kernel");
            JsonObject tree = tables.tree(root, depth, limit);
            report.add("tree", tree == null ? JsonNull.INSTANCE : tree);
            return report;
        };
    }

    /** What takes long is done before the guest stands. */
    private static Function<Boolean, JsonElement> where(Guest guest, Xenstore store) {
        Symbols symbols = guest.trace().symbols();
        return paused -> WhereReport.of(guest.domain(), symbols, uses(guest, store), paused);
    }

    private static JsonElement rings(Guest guest) {
        List<ByteRing.State> bytes = new ArrayList<>(guest.rings().console().rings());
        bytes.addAll(guest.rings().store().rings());
        return RingsReport.of(bytes, guest.devices().rings().states());
    }

    /** What ports are for: the two of every guest, and what frontends say of theirs. */
    private static Map<Integer, String> uses(Guest guest, Xenstore store) {
        Map<Integer, String> uses = new HashMap<>();
        String devices = guest.tree().home() + "/device";
        for (String type : List.of("vbd", "vif", "9pfs")) {
            for (String id : store.list(devices + "/" + type)) {
                addUses(uses, store, devices + "/" + type + "/" + id, type + "/" + id);
            }
        }
        uses.put(guest.rings().console().port(), "console");
        uses.put(guest.rings().store().port(), "xenstore");
        return uses;
    }

    private static void addUses(
            Map<Integer, String> uses, Xenstore store, String directory, String device) {
        for (String key : store.list(directory)) {
            if (key.startsWith("event-channel")) {
                String port = store.read(directory + "/" + key).orElse("");
                if (port.matches("\\d{1,4}")) {
                    String name = StoreReport.text(device.getBytes());
                    uses.put(Integer.parseInt(port), name + key.substring(13));
                }
            } else if (key.startsWith("queue-")) {
                addUses(uses, store, directory + "/" + key, device + " " + key);
            }
        }
    }

    // ---- xenstore ----

    static JsonElement perform(Xenstore store, String verb, JsonObject arguments)
            throws ControlException {
        String path = text(arguments, "path");
        try {
            return switch (verb) {
                case "xenstore-ls" -> list(store, path);
                case "xenstore-read" ->
                        new JsonPrimitive(
                                store.readBytes(path)
                                        .map(StoreReport::text)
                                        .orElseThrow(() -> noNode(path)));
                case "xenstore-write" -> {
                    store.write(path, text(arguments, "value"));
                    yield JsonNull.INSTANCE;
                }
                default -> throw new IllegalStateException("no verb of xenstore is called " + verb);
            };
        } catch (XenstoreException refused) {
            throw new ControlException(sentence(path, refused));
        }
    }

    private static String sentence(String path, XenstoreException refused) {
        String name = Escaped.of(path);
        return switch (refused.error()) {
            case EINVAL ->
                    "'%s' is no path of xenstore: / and names of letters, digits, '-', '_' and '@'."
                            .formatted(name);
            case E2BIG, ENOSPC -> "xenstore has no room for that at '" + name + "'.";
            default -> "xenstore refuses '" + name + "': " + refused.getMessage() + ".";
        };
    }

    private static JsonArray list(Xenstore store, String path) throws ControlException {
        JsonArray nodes = StoreReport.list(store, path);
        if (nodes.isEmpty()) {
            throw noNode(path);
        }
        return nodes;
    }

    private static ControlException noNode(String path) {
        return new ControlException("There is nothing at '" + path + "' in xenstore.");
    }

    // ---- members of requests ----

    private static String text(JsonObject arguments, String name) throws ControlException {
        if (!(arguments.get(name) instanceof JsonPrimitive text)) {
            throw new ControlException("The request has no '" + name + "'.");
        }
        return text.getAsString();
    }

    private static boolean flag(JsonObject arguments, String name) {
        return arguments.get(name) instanceof JsonPrimitive flag && flag.getAsBoolean();
    }

    private static int number(JsonObject arguments, String name, int otherwise, int most)
            throws ControlException {
        if (!arguments.has(name)) {
            return otherwise;
        }
        String text = text(arguments, name);
        if (!text.matches("\\d{1,6}") || Integer.parseInt(text) > most) {
            throw new ControlException(
                    "'%s' is a number from 0 to %d, not %s.".formatted(name, most, text));
        }
        return Integer.parseInt(text);
    }

    /** A frame number, decimal or hexadecimal. */
    private static Optional<Long> frame(JsonObject arguments) throws ControlException {
        if (!arguments.has("mfn")) {
            return Optional.empty();
        }
        String text = text(arguments, "mfn");
        try {
            return Optional.of(Long.decode(text));
        } catch (NumberFormatException e) {
            throw new ControlException("'" + text + "' is no frame number.");
        }
    }
}
