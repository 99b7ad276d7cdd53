package org.xenolith.core.xenstore;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * The part of the store that belongs to one domain, laid out as Xen's toolstack does: {@code
 * /local/domain/N} with what the guest may only read and what it may write, {@code /vm/UUID}, and
 * the frontend and backend directories of its devices.
 */
public final class DomainTree {
    /** Values of control/shutdown after which a guest is no more. */
    private static final Set<String> ENDS = Set.of("poweroff", "reboot", "halt");

    private static final int BACKEND_DOMID = 0;

    /** What is kept of a console's output for who looks at it later. */
    public static final int CONSOLE_LIMIT_BYTES = 16 << 10;

    // XenbusState, public/io/xenbus.h.
    private static final String XENBUS_STATE_INITIALISING = "1";
    private static final String MEMORY_TARGET = "memory/target";
    private static final String FEATURE_POWEROFF = "control/feature-poweroff";
    private static final String FEATURE_REBOOT = "control/feature-reboot";
    private static final String FEATURE_SUSPEND = "control/feature-suspend";

    // What a guest finds empty and fills in by itself.
    private static final String[] GUEST_WRITES = {
        "device/suspend/event-channel",
        "control/shutdown",
        FEATURE_POWEROFF,
        FEATURE_REBOOT,
        FEATURE_SUSPEND,
        "control/sysrq",
        "data",
        "drivers",
        "feature",
        "attr",
        "error"
    };

    /**
     * What the tree says about a domain.
     *
     * @param memoryKib target of the balloon
     * @param maxMemoryKib what the domain may grow to
     * @param storeMfn frame of the xenstore page, a decimal number in the store
     * @param storePort the guest's event channel of it
     */
    public record Description(
            int domid,
            String name,
            UUID uuid,
            long memoryKib,
            long maxMemoryKib,
            int vcpus,
            long storeMfn,
            int storePort,
            long consoleMfn,
            int consolePort) {}

    private final Xenstore store;
    private final int domid;
    private final String home;
    private final String vm;

    private DomainTree(Xenstore store, int domid, UUID uuid) {
        this.store = store;
        this.domid = domid;
        this.home = StorePath.homeOf(domid);
        this.vm = "/vm/" + uuid;
    }

    /** Writes the whole tree in one transaction. */
    public static DomainTree create(Xenstore store, Description description) {
        DomainTree tree = new DomainTree(store, description.domid(), description.uuid());
        store.update(access -> tree.write(access, description));
        return tree;
    }

    /** The topmost paths of all that belongs to a domain. */
    public static List<String> paths(Xenstore store, int domid, UUID uuid) {
        List<String> paths = new ArrayList<>();
        paths.add("/vm/" + uuid);
        paths.add(StorePath.homeOf(domid));
        String backends = StorePath.homeOf(BACKEND_DOMID) + "/backend";
        for (String type : store.list(backends)) {
            paths.add(backends + "/" + type + "/" + domid);
        }
        return paths;
    }

    /** The tree of a domain that is in the store already. */
    public static DomainTree of(Xenstore store, int domid, UUID uuid) {
        return new DomainTree(store, domid, uuid);
    }

    /** {@code /local/domain/N}. */
    public String home() {
        return home;
    }

    public static String frontendPath(int domid, String type, int id) {
        return StorePath.homeOf(domid) + "/device/" + type + "/" + id;
    }

    public static String backendPath(int domid, String type, int id) {
        return StorePath.homeOf(BACKEND_DOMID) + "/backend/" + type + "/" + domid + "/" + id;
    }

    /**
     * Announces a device: the backend's directory, which it owns and the guest may read, and the
     * frontend's the other way round, both in state Initialising and pointing at each other.
     *
     * @param type {@code vbd}, {@code vif}, ...
     * @param id number among the devices of that type, for a vbd its Xen device number
     * @param frontendKeys more keys of the frontend's directory, relative
     * @param backendKeys more keys of the backend's directory, relative
     */
    public void addDevice(
            String type,
            int id,
            Map<String, String> frontendKeys,
            Map<String, String> backendKeys) {
        String frontend = frontendPath(domid, type, id);
        String backend = backendPath(domid, type, id);
        store.update(
                access -> {
                    directory(access, backend, readableByGuest());
                    access.write(backend + "/frontend", frontend);
                    access.write(backend + "/frontend-id", "" + domid);
                    access.write(backend + "/online", "1");
                    access.write(backend + "/state", XENBUS_STATE_INITIALISING);
                    writeAll(access, backend, backendKeys);
                    directory(access, frontend, ownedByGuest());
                    access.write(frontend + "/backend", backend);
                    access.write(frontend + "/backend-id", "" + BACKEND_DOMID);
                    access.write(frontend + "/state", XENBUS_STATE_INITIALISING);
                    writeAll(access, frontend, frontendKeys);
                });
    }

    /** Whether a device was announced, by this host or by the one that the domain comes from. */
    public boolean hasDevice(String type, int id) {
        // The backend's directory: the frontend's is the guest's to write.
        return store.read(backendPath(domid, type, id) + "/frontend").isPresent();
    }

    /** Removes both directories of a device. */
    public void removeDevice(String type, int id) {
        store.update(
                access -> {
                    access.rm(frontendPath(domid, type, id));
                    access.rm(backendPath(domid, type, id));
                });
    }

    /**
     * Asks the guest to end, as {@code xl shutdown} and {@code xl reboot} do; nothing happens to
     * one that is gone.
     *
     * @param how {@code poweroff}, {@code reboot}, {@code halt} or {@code suspend}
     */
    public void requestShutdown(String how) {
        writeWhileThere("control/shutdown", how);
    }

    /**
     * Writes a key of a domain that is still in the store: the next one with its number would find
     * what came later, and power off before it has booted.
     */
    private void writeWhileThere(String key, String value) {
        store.update(
                access -> {
                    if (isThere(access)) {
                        access.write(home + "/" + key, value);
                    }
                });
    }

    private boolean isThere(StoreAccess access) {
        return access.read(home + "/domid").isPresent();
    }

    /**
     * Asks the guest's kernel to suspend itself, unless it has been asked to end and not heard it,
     * or is gone.
     */
    public void requestSuspend() {
        String path = home + "/control/shutdown";
        store.update(
                access -> {
                    if (isThere(access) && !ENDS.contains(access.read(path).orElse(""))) {
                        access.write(path, "suspend");
                    }
                });
    }

    /** Takes back what the guest has not heard: it would suspend itself for nobody. */
    public void withdrawSuspend() {
        String path = home + "/control/shutdown";
        store.update(
                access -> {
                    if (access.read(path).orElse("").equals("suspend")) {
                        access.write(path, "");
                    }
                });
    }

    /** Whether the guest's kernel has said that it suspends itself when asked. */
    public boolean saysItSuspends() {
        return store.read(home + "/" + FEATURE_SUSPEND).orElse("").equals("1");
    }

    /** A kernel says what it obeys when it boots, and in a copy of its domain not again. */
    public void takeFeaturesOf(DomainTree original) {
        store.update(
                access -> {
                    for (String feature :
                            List.of(FEATURE_POWEROFF, FEATURE_REBOOT, FEATURE_SUSPEND)) {
                        access.read(original.home + "/" + feature)
                                .ifPresent(value -> access.write(home + "/" + feature, value));
                    }
                });
    }

    /** Where its balloon driver reads how much memory the guest is meant to have. */
    public String memoryTargetPath() {
        return home + "/" + MEMORY_TARGET;
    }

    /**
     * Tells the guest's balloon driver how much memory it is meant to have; nothing happens to one
     * that is gone.
     */
    public void setMemoryTarget(long kib) {
        writeWhileThere(MEMORY_TARGET, "" + kib);
    }

    /** What the guest's balloon driver was told last, in KiB. */
    public long memoryTarget() {
        return store.read(memoryTargetPath()).map(Long::parseLong).orElse(0L);
    }

    /**
     * What the guest says it could use without taking anything from anybody, in KiB: an agent in it
     * writes this to {@code data/memory-available}. Empty when there is no agent, or it writes
     * nonsense.
     */
    public OptionalLong memoryAvailable() {
        String text = store.read(home + "/data/memory-available").orElse("");
        return text.matches("\\d{1,12}")
                ? OptionalLong.of(Long.parseLong(text))
                : OptionalLong.empty();
    }

    /** Removes everything about the domain. */
    public void remove() {
        store.update(
                access -> {
                    access.rm(home);
                    access.rm(vm);
                    String backends = StorePath.homeOf(BACKEND_DOMID) + "/backend";
                    for (String type : access.list(backends)) {
                        access.rm(backends + "/" + type + "/" + domid);
                    }
                });
    }

    private void write(StoreAccess access, Description description) {
        directory(access, vm, readableByGuest());
        access.write(vm + "/name", description.name());
        access.write(vm + "/uuid", description.uuid().toString());

        directory(access, home, readableByGuest());
        access.write(home + "/vm", vm);
        access.write(home + "/name", description.name());
        access.write(home + "/domid", "" + domid);
        for (int vcpu = 0; vcpu < description.vcpus(); vcpu++) {
            access.write(home + "/cpu/" + vcpu + "/availability", "online");
        }
        access.write(home + "/memory/static-max", "" + description.maxMemoryKib());
        access.write(home + "/memory/target", "" + description.memoryKib());
        access.write(home + "/memory/videoram", "0");
        access.mkdir(home + "/device");
        access.write(home + "/control/platform-feature-multiprocessor-suspend", "1");
        access.write(home + "/control/platform-feature-xs_reset_watches", "1");
        for (String key : GUEST_WRITES) {
            directory(access, home + "/" + key, writableByGuest());
        }
        access.write(home + "/store/port", "" + description.storePort());
        access.write(home + "/store/ring-ref", "" + description.storeMfn());
        writeConsole(access, description);
    }

    private void writeConsole(StoreAccess access, Description description) {
        String frontend = home + "/console";
        String backend = backendPath(domid, "console", 0);
        directory(access, backend, readableByGuest());
        access.write(backend + "/frontend", frontend);
        access.write(backend + "/frontend-id", "" + domid);
        access.write(backend + "/online", "1");
        access.write(backend + "/state", XENBUS_STATE_INITIALISING);
        access.write(backend + "/protocol", "vt100");
        // The guest takes its primary console from start_info and never writes here.
        access.write(frontend + "/backend", backend);
        access.write(frontend + "/backend-id", "" + BACKEND_DOMID);
        access.write(frontend + "/limit", "" + CONSOLE_LIMIT_BYTES);
        access.write(frontend + "/type", "xenconsoled");
        access.write(frontend + "/output", "pty");
        access.write(frontend + "/tty", "");
        access.write(frontend + "/port", "" + description.consolePort());
        access.write(frontend + "/ring-ref", "" + description.consoleMfn());
    }

    private static void directory(StoreAccess access, String path, Permissions permissions) {
        access.mkdir(path);
        access.setPerms(path, permissions);
    }

    private static void writeAll(StoreAccess access, String directory, Map<String, String> keys) {
        keys.forEach((key, value) -> access.write(directory + "/" + key, value));
    }

    private Permissions readableByGuest() {
        return Permissions.of("n" + BACKEND_DOMID, "r" + domid);
    }

    private Permissions writableByGuest() {
        return Permissions.of("n" + domid);
    }

    private Permissions ownedByGuest() {
        return Permissions.of("n" + domid, "r" + BACKEND_DOMID);
    }
}
