package org.xenolith.core.explain;

import org.xenolith.core.abi.GrantCommand;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.Operation;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.abi.XenErrno;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** All texts, and how they are found. */
public final class Reference {
    private static final int SUGGESTIONS = 3;

    private final List<Entry> entries = new ArrayList<>();

    private Reference() {}

    /** Reads the texts. */
    public static Reference load() {
        Reference reference = new Reference();
        for (Kind kind : Kind.values()) {
            TextFile.read(kind).forEach((name, text) -> reference.add(kind, name, text));
        }
        return reference;
    }

    private void add(Kind kind, String name, Map<String, String> text) {
        String code = text.get("code");
        if (code == null && kind == Kind.OPERATION) {
            code = codeOf(Hypercall.name(operation(name).hypercall()));
        }
        if (code == null || text.size() != (text.containsKey("code") ? 4 : 3)) {
            throw new IllegalStateException(name + " has not what, why, hardware and code");
        }
        entries.add(
                new Entry(
                        kind,
                        name,
                        number(kind, name),
                        form(kind, name),
                        required(name, text, "what"),
                        required(name, text, "why"),
                        required(name, text, "hardware"),
                        code));
    }

    private static String required(String name, Map<String, String> text, String key) {
        String value = text.get(key);
        if (value == null) {
            throw new IllegalStateException(name + " has no '" + key + "'");
        }
        return value;
    }

    private String codeOf(String hypercall) {
        return entries.stream()
                .filter(entry -> entry.kind() == Kind.HYPERCALL && entry.name().equals(hypercall))
                .map(Entry::code)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no text about " + hypercall));
    }

    private static Operation operation(String name) {
        return Operation.all().stream()
                .filter(operation -> operation.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("there is no operation " + name));
    }

    // ---- what the tables of core.abi add to a text ----

    private static String number(Kind kind, String name) {
        return switch (kind) {
            case HYPERCALL -> "number " + constant(Hypercall.class, name);
            case ERROR -> "number " + constant(XenErrno.class, name);
            case GRANT_STATUS -> "number " + constant(GrantCommand.class, name);
            case OPERATION -> {
                Operation operation = operation(name);
                yield "number %d of %s"
                        .formatted(operation.command(), Hypercall.name(operation.hypercall()));
            }
            case START_INFO -> "offset " + constant(StartInfo.class, fieldOf(name));
            case SHARED_INFO -> "offset " + constant(recordOf(name), fieldOf(name));
            case EVENT, STORE_PATH -> "";
        };
    }

    private static String fieldOf(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    private static Class<?> recordOf(String name) {
        return switch (name.substring(0, name.indexOf('.'))) {
            case "shared_info" -> SharedInfo.class;
            case "vcpu_info" -> VcpuInfo.class;
            case "vcpu_time_info" -> VcpuInfo.Time.class;
            default -> throw new IllegalStateException(name + " is of no record we know");
        };
    }

    /** A number of {@code core.abi}, whose constants have the headers' names in upper case. */
    private static int constant(Class<?> numbers, String name) {
        try {
            return numbers.getField(name.toUpperCase(Locale.ROOT)).getInt(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(name + " is no number of " + numbers.getName(), e);
        }
    }

    private static String form(Kind kind, String name) {
        return switch (kind) {
            case HYPERCALL -> {
                int number = constant(Hypercall.class, name);
                yield name + "(" + String.join(", ", Hypercall.arguments(number)) + ")";
            }
            case OPERATION -> form(operation(name));
            case ERROR, GRANT_STATUS, EVENT, START_INFO, SHARED_INFO, STORE_PATH -> "";
        };
    }

    private static String form(Operation operation) {
        List<String> fields =
                operation.argument().fields().stream().map(field -> field.name()).toList();
        String arguments = fields.isEmpty() ? "" : ", {" + String.join(", ", fields) + "}";
        return Hypercall.name(operation.hypercall()) + "(" + operation.name() + arguments + ")";
    }

    // ---- finding ----

    /** All texts of a kind, in the order of their file. */
    public List<Entry> of(Kind kind) {
        return entries.stream().filter(entry -> entry.kind() == kind).toList();
    }

    /**
     * What is called so: the whole name or its last part, in any case, with Xen's prefixes or
     * without. Several things may be called alike.
     *
     * @return the whole names first; empty when nothing is
     */
    public List<Entry> find(String name) {
        String wanted = plain(name);
        List<Entry> exact = entries.stream().filter(e -> plain(e.name()).equals(wanted)).toList();
        return exact.isEmpty()
                ? entries.stream().filter(e -> plain(e.shortName()).equals(wanted)).toList()
                : exact;
    }

    /** Numbers in a path of xenstore are anybody's; the prefix of hypercall numbers is noise. */
    private static String plain(String name) {
        String lower = name.strip().toLowerCase(Locale.ROOT);
        lower = lower.replaceFirst("^__hypervisor_", "").replaceFirst("^-(?=e[a-z0-9]+$)", "");
        if (!lower.startsWith("/")) {
            return lower;
        }
        return lower.replaceFirst(
                        "^/local/domain/0/backend/(\\w+)/(\\d+|domid)/(\\d+|n)/", "/be/$1/")
                .replaceFirst(
                        "^/local/domain/0/error/backend/(\\w+)/(\\d+|domid)/(\\d+|n)/", "/err/$1/")
                .replaceFirst("^/local/domain/(\\d+|domid)/", "/fe/")
                .replaceFirst("/(cpu|device/vbd|device/vif|device/9pfs)/(\\d+|n)/", "/$1/");
    }

    /** Names that look most like one that is none; the nearest first. */
    public List<String> suggestions(String name) {
        String wanted = plain(name);
        Map<String, Integer> distances = new LinkedHashMap<>();
        for (Entry entry : entries) {
            int whole = Spelling.distance(wanted, plain(entry.name()));
            int last = Spelling.distance(wanted, plain(entry.shortName()));
            int part = plain(entry.name()).contains(wanted) ? 1 : Integer.MAX_VALUE;
            distances.put(entry.name(), Math.min(part, Math.min(whole, last)));
        }
        int limit = Spelling.slips(wanted);
        return distances.entrySet().stream()
                .filter(entry -> entry.getValue() <= limit)
                .sorted(Comparator.comparingInt(Map.Entry::getValue))
                .limit(SUGGESTIONS)
                .map(Map.Entry::getKey)
                .toList();
    }
}
