package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.Verbs;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.statistics.TierTotals;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.translate.Jit;
import org.xenolith.devices.console.ConsoleSink;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** {@code xl}'s verbs, carried out on a {@link Host}. */
public final class HostVerbs implements Verbs {
    /** All that {@link #perform} knows; docs/control.md describes each. */
    static final List<String> NAMES =
            List.of(
                    "list",
                    "stat",
                    "pause",
                    "unpause",
                    "save",
                    "fork",
                    "network-attach",
                    "forward-add",
                    "forward-remove",
                    "forward-list",
                    "network-detach",
                    "shutdown",
                    "reboot",
                    "destroy",
                    "mem-set",
                    "timer-slack",
                    "network-list",
                    "block-list",
                    "pages",
                    "events",
                    "grants",
                    "rings",
                    "where",
                    "xenstore-ls",
                    "xenstore-read",
                    "xenstore-write");

    /** What a guest that has ended cannot do, or be. */
    private static final Map<String, String> OF_LIVING =
            Map.of(
                    "pause", "be paused",
                    "unpause", "go on",
                    "shutdown", "be shut down",
                    "reboot", "be rebooted",
                    "fork", "be copied",
                    "mem-set", "have another size",
                    "timer-slack", "have other timers");

    /** What a request may have a list bounded by, and a tree of page tables. */
    public static final int MAX_LIMIT = 10_000, MAX_DEPTH = 4;

    private static final double NANOS = 1e9;

    /** How long the answer to a save waits for who closes the guest; its disks are settled then. */
    private static final Duration GONE_PATIENCE = Duration.ofSeconds(10);

    private final Host host;
    private final ForkVerb fork;

    /** Verbs of a host that makes no copies of its guests. */
    public HostVerbs(Host host) {
        this(host, CopyKeeper.NONE);
    }

    /**
     * @param copies whose copies of guests are
     */
    public HostVerbs(Host host, CopyKeeper copies) {
        this.host = host;
        this.fork = new ForkVerb(host, copies);
    }

    @Override
    public JsonElement perform(String verb, JsonObject arguments) throws ControlException {
        if (!NAMES.contains(verb)) {
            throw new ControlException("There is no verb '" + verb + "'.");
        }
        if (verb.equals("list")) {
            return list(arguments);
        }
        if (WatchVerbs.OF_STORE.contains(verb)) {
            return WatchVerbs.perform(host.store(), verb, arguments);
        }
        if (verb.equals("destroy")) {
            destroy(name(arguments));
            return JsonNull.INSTANCE;
        }
        if (verb.equals("shutdown") && host.callOff(name(arguments))) {
            return JsonNull.INSTANCE;
        }
        Guest guest = guest(arguments);
        if (OF_LIVING.containsKey(verb) && guest.hasEnded()) {
            throw new ControlException(
                    "A guest that has ended cannot " + OF_LIVING.get(verb) + ".");
        }
        if (WatchVerbs.OF_GUEST.contains(verb)) {
            return WatchVerbs.perform(guest, host.store(), verb, arguments);
        }
        if (ForwardVerbs.NAMES.contains(verb)) {
            return ForwardVerbs.perform(host, guest, verb, arguments);
        }
        switch (verb) {
            case "pause" -> guest.pause();
            case "unpause" -> guest.unpause();
            case "shutdown" -> guest.request(Guest.Request.POWEROFF);
            case "reboot" -> guest.request(Guest.Request.REBOOT);
            case "mem-set" -> memSet(guest, arguments);
            case "timer-slack" -> TimerSlackVerb.perform(guest, arguments);
            case "save" -> save(guest, arguments);
            case "fork" -> {
                return describe(fork.perform(guest, arguments));
            }
            case "stat" -> {
                return stat(guest);
            }
            case "network-list" -> {
                return DeviceLists.of(host.store(), guest, "vif");
            }
            case "network-attach" -> {
                return new InterfaceVerbs(host, guest).attach(arguments);
            }
            case "network-detach" -> new InterfaceVerbs(host, guest).detach(arguments);
            case "block-list" -> {
                return DeviceLists.of(host.store(), guest, "vbd");
            }
            default -> throw new IllegalStateException("'" + verb + "' has a name and no case");
        }
        return JsonNull.INSTANCE;
    }

    @Override
    public Trace trace(JsonObject request) throws ControlException {
        return LiveTrace.start(guest(request), TraceRequest.parse(request));
    }

    private Guest guest(JsonObject arguments) throws ControlException {
        return guest(name(arguments));
    }

    private Guest guest(String name) throws ControlException {
        Optional<Guest> found = host.guest(name);
        if (found.isEmpty()) {
            Optional<WaitingGuest> waiting = host.waiting(name);
            if (waiting.isPresent()) {
                throw new ControlException(startsAgain(waiting.get()));
            }
            found = host.guest(name); // it may have started again between the two looks
        }
        return found.orElseThrow(() -> new ControlException("No guest is called '" + name + "'."));
    }

    private static String name(JsonObject arguments) throws ControlException {
        JsonElement named = arguments.get("guest");
        if (named == null || !named.isJsonPrimitive()) {
            throw new ControlException("The request names no guest.");
        }
        return named.getAsString();
    }

    private static String startsAgain(WaitingGuest guest) {
        long seconds = guest.secondsLeft();
        return "%s has ended, and starts again %s."
                .formatted(guest.name(), seconds == 0 ? "now" : "in " + seconds + " s");
    }

    /**
     * One that has just ended, and is to start again, is destroyed first: who starts it looks at
     * that when it has said that it is to be waited for.
     */
    private void destroy(String name) throws ControlException {
        Optional<Guest> found = host.guest(name);
        found.ifPresent(Guest::destroy);
        if (!host.callOff(name) && found.isEmpty()) {
            guest(name).destroy();
        }
    }

    private JsonElement list(JsonObject arguments) throws ControlException {
        JsonArray list = new JsonArray();
        if (arguments.has("guest")) {
            list.add(listed(name(arguments)));
        } else {
            listAll(list);
        }
        return list;
    }

    /** A guest that ends or starts just now is found in one of three looks, and shown once. */
    private void listAll(JsonArray list) {
        SortedMap<String, WaitingGuest> waiting = new TreeMap<>();
        host.waiting().forEach(guest -> waiting.put(guest.name(), guest));
        List<Guest> guests = host.guests();
        host.waiting().forEach(guest -> waiting.put(guest.name(), guest));
        for (Guest guest : guests) {
            waiting.remove(guest.name());
            list.add(describe(guest));
        }
        waiting.values().forEach(guest -> list.add(describe(guest)));
    }

    private JsonObject listed(String name) throws ControlException {
        Optional<Guest> guest = host.guest(name);
        if (guest.isPresent()) {
            return describe(guest.get());
        }
        Optional<WaitingGuest> waiting = host.waiting(name);
        return waiting.isPresent() ? describe(waiting.get()) : describe(guest(name));
    }

    private static JsonObject describe(WaitingGuest guest) {
        JsonObject entry = new JsonObject();
        entry.addProperty("name", guest.name());
        entry.addProperty("id", guest.id());
        entry.addProperty("uuid", guest.uuid().toString());
        entry.addProperty("memory_kib", 0);
        entry.addProperty("target_kib", guest.options().memoryBytes() >> 10);
        entry.addProperty("max_kib", guest.options().maxMemoryBytes() >> 10);
        entry.addProperty("vcpus", guest.options().vcpus());
        entry.addProperty("state", "waiting");
        entry.addProperty("cpu_seconds", 0.0);
        entry.addProperty("starts_again_in_seconds", guest.secondsLeft());
        return entry;
    }

    private static JsonObject describe(Guest guest) {
        JsonObject entry = new JsonObject();
        entry.addProperty("name", guest.name());
        entry.addProperty("id", guest.id());
        entry.addProperty("uuid", guest.domain().uuid().toString());
        entry.addProperty("memory_kib", guest.balloon().currentKib());
        entry.addProperty("target_kib", guest.balloon().targetKib());
        entry.addProperty("max_kib", guest.balloon().maxKib());
        entry.addProperty("vcpus", guest.domain().vcpus().size());
        entry.addProperty("state", guest.state());
        entry.addProperty("cpu_seconds", guest.domain().runningNanos() / NANOS);
        return entry;
    }

    private void memSet(Guest guest, JsonObject arguments) throws ControlException {
        JsonElement kib = arguments.get("kib");
        if (kib == null || !(kib instanceof JsonPrimitive number) || !number.isNumber()) {
            throw new ControlException("mem-set needs the amount as 'kib'.");
        }
        try {
            guest.balloon().requireTargetKib(number.getAsLong());
            if (!host.store().isWatched(guest.id(), guest.tree().memoryTargetPath())) {
                throw new ControlException(
                        ("%s has no balloon, or none yet: its kernel does not look at"
                                        + " memory/target in xenstore.")
                                .formatted(guest.name()));
            }
            guest.balloon().setTargetKib(number.getAsLong());
        } catch (IllegalArgumentException e) {
            throw new ControlException(e.getMessage() + ".");
        }
    }

    private void save(Guest guest, JsonObject arguments) throws ControlException {
        Path file =
                ControlPath.absolute(
                        text(arguments, "file"), "save needs an absolute path as 'file'.");
        try {
            switch (text(arguments, "leave")) {
                case "" -> {
                    guest.saveAndEnd(file);
                    awaitGone(guest);
                }
                case "running" -> guest.save(file);
                case "paused" -> guest.savePaused(file);
                default -> throw new ControlException("'leave' is 'running' or 'paused'.");
            }
        } catch (FileSystemException e) {
            String why = FileSentence.reason(e);
            throw new ControlException("%s cannot be written: %s.".formatted(file, why));
        } catch (IOException e) {
            throw new ControlException(FileSentence.of(e) + ".");
        }
    }

    /** Whoever is told that it is saved may restore it, with the disks and ports that it had. */
    private void awaitGone(Guest guest) {
        if (guest.awaitClosed(GONE_PATIENCE)) {
            host.freePorts(guest.name());
        }
    }

    /** A member that is a text; empty when there is none. */
    private static String text(JsonObject arguments, String member) {
        JsonElement value = arguments.get(member);
        return value instanceof JsonPrimitive text && text.isString() ? text.getAsString() : "";
    }

    private static JsonObject stat(Guest guest) {
        JsonObject stat = describe(guest);
        long hypercalls = 0;
        long faults = 0;
        long upcalls = 0;
        long walks = 0;
        long[] byNumber = new long[Hypercall.COUNT];
        for (VirtualCpu vcpu : guest.domain().vcpus()) {
            hypercalls += vcpu.counts.hypercalls();
            faults += vcpu.counts.faults;
            upcalls += vcpu.counts.upcalls;
            walks += vcpu.mmu().walks();
            for (int number = 0; number < byNumber.length; number++) {
                byNumber[number] += vcpu.counts.hypercalls(number);
            }
        }
        stat.addProperty(
                "shared_kib", guest.domain().frames().sharedPages() << Ram.PAGE_SHIFT >> 10);
        stat.addProperty("instructions", guest.domain().retired());
        stat.addProperty("faults", faults);
        stat.addProperty("upcalls", upcalls);
        stat.addProperty("page_walks", walks);
        stat.addProperty("events", guest.domain().events().delivered());
        stat.addProperty("blocks_decoded", guest.domain().code().decodedBlocks());
        stat.addProperty("stores_into_code", guest.domain().code().storesIntoCode());
        stat.addProperty("decoded_code_bytes", guest.domain().code().heapBytes());
        stat.addProperty("code_dropped_for_room", guest.domain().code().roomMade());
        Jit jit = guest.options().tier().jit();
        if (jit != null) {
            stat.add("translation", translation(guest.domain(), jit));
        }
        stat.addProperty("hypercalls", hypercalls);
        JsonObject names = new JsonObject();
        for (int number = 0; number < byNumber.length; number++) {
            if (byNumber[number] > 0) {
                names.addProperty(Hypercall.name(number), byNumber[number]);
            }
        }
        stat.add("hypercalls_by_name", names);
        return stat;
    }

    /** What ran in translated code; the translator's own figures are those of all guests. */
    private static JsonObject translation(Domain domain, Jit jit) {
        TierTotals totals = TierTotals.of(domain);
        JsonObject figures = new JsonObject();
        figures.addProperty("translated_instructions", totals.translated());
        figures.addProperty("interpreted_instructions", domain.retired() - totals.translated());
        figures.addProperty("left_to_go_on", totals.on());
        figures.addProperty("left_by_a_miss", totals.misses());
        figures.addProperty("left_for_the_budget", totals.budget());
        figures.addProperty("left_otherwise", totals.special());
        figures.addProperty("units_dropped", domain.code().unitsDropped());
        figures.addProperty("units_of_all_guests", jit.units());
        figures.addProperty("units_entered_from_other_pages", jit.library().reused());
        figures.addProperty("units_gone_cold", jit.library().cold());
        figures.addProperty(
                "milliseconds_of_translation", TimeUnit.NANOSECONDS.toMillis(jit.nanos()));
        return figures;
    }

    @Override
    public Attachment attach(String name, ConsoleSink sink, Runnable ended)
            throws ControlException {
        return guest(name).console().attach(sink, ended);
    }
}
