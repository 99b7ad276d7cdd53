package org.xenolith.core.xenstore;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.SequencedSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The store. One object serves all domains and the toolstack from any thread: one lock guards
 * everything, is held for single operations only, and is never held while foreign code runs but in
 * an {@link #update} that guests have hindered too often. Events are queued under the lock, hence
 * in the order of the changes, and delivered after it.
 */
public final class Xenstore implements StoreAccess {
    private static final String INTRODUCE_DOMAIN = "@introduceDomain";
    private static final String RELEASE_DOMAIN = "@releaseDomain";

    /** Commits of the host's that may conflict before it keeps everybody else out. */
    private static final int FREE_ATTEMPTS = 8;

    private final Object lock = new Object();
    private final Quota quota;
    // Starts above 0, which stands for "no such node".
    private final AtomicLong generations = new AtomicLong();

    // All below is guarded by the lock, and so are the queues of connections and host watches.
    private final Tree tree = Tree.empty(generations::incrementAndGet);
    private final Watches watches = new Watches();
    private final Map<Integer, XenstoreConnection> connections = new HashMap<>();
    private final SequencedSet<XenstoreConnection> unattended = new LinkedHashSet<>();
    private final Queue<HostWatch> unheard = new ArrayDeque<>();
    private boolean delivering;

    public Xenstore() {
        this(Quota.DEFAULT);
    }

    public Xenstore(Quota quota) {
        this.quota = quota;
    }

    // ---- domains

    /**
     * Opens the connection of a new domain and fires {@code @introduceDomain}.
     *
     * @param attention called, on any thread and without a lock, when events wait for the domain:
     *     its ring must be serviced
     */
    public XenstoreConnection introduce(int domid, Runnable attention) {
        return introduce(new XenstoreConnection(this, domid, quota, attention), () -> {});
    }

    /**
     * Opens the connection of a restored domain as it was saved. Its nodes must be back already,
     * since its watches do not fire for what came before.
     */
    public XenstoreConnection introduce(int domid, Runnable attention, ConnectionState saved) {
        XenstoreConnection connection = new XenstoreConnection(this, domid, quota, attention);
        return introduce(connection, () -> connection.restore(saved));
    }

    private XenstoreConnection introduce(XenstoreConnection connection, Runnable prepare) {
        int domid = connection.domid();
        synchronized (lock) {
            if (connections.putIfAbsent(domid, connection) != null) {
                throw new IllegalStateException("domain " + domid + " introduced twice");
            }
            prepare.run();
            watches.fireSpecial(INTRODUCE_DOMAIN);
        }
        deliver();
        return connection;
    }

    /**
     * Closes the connection of a domain that is gone, drops its watches and transactions and fires
     * {@code @releaseDomain}. Its nodes stay: removing them is the toolstack's, see {@link
     * DomainTree#remove}.
     */
    public void release(int domid) {
        synchronized (lock) {
            XenstoreConnection connection = connections.remove(domid);
            if (connection == null) {
                return;
            }
            connection.release();
            watches.fireSpecial(RELEASE_DOMAIN);
        }
        deliver();
    }

    // ---- toolstack

    /** Whether a domain hears when a node changes: it watches it, or one above it. */
    public boolean isWatched(int domid, String path) {
        synchronized (lock) {
            XenstoreConnection connection = connections.get(domid);
            return connection != null && watches.cover(connection, path);
        }
    }

    @Override
    public Optional<byte[]> readBytes(String path) {
        return asHost(access -> access.readBytes(path));
    }

    @Override
    public List<String> list(String path) {
        return asHost(access -> access.list(path));
    }

    @Override
    public void writeBytes(String path, byte[] value) {
        asHost(
                access -> {
                    access.writeBytes(path, value);
                    return null;
                });
    }

    @Override
    public void mkdir(String path) {
        asHost(
                access -> {
                    access.mkdir(path);
                    return null;
                });
    }

    @Override
    public void rm(String path) {
        asHost(
                access -> {
                    access.rm(path);
                    return null;
                });
    }

    @Override
    public Permissions perms(String path) {
        return asHost(access -> access.perms(path));
    }

    @Override
    public void setPerms(String path, Permissions permissions) {
        asHost(
                access -> {
                    access.setPerms(path, permissions);
                    return null;
                });
    }

    @Override
    public List<NodeState> save(String path) {
        return asHost(access -> access.save(path));
    }

    /** In one transaction, so that nobody sees half of it. */
    @Override
    public void restore(List<NodeState> nodes) {
        update(access -> access.restore(nodes));
    }

    /**
     * Does several things in one transaction: others see all or nothing, and watches fire at the
     * end.
     *
     * @param work runs again when somebody changed what it used, without a lock at first; it must
     *     have no effect but through its argument, nor wait for anybody
     */
    public void update(Consumer<StoreAccess> work) {
        boolean done = false;
        for (int i = 0; i < FREE_ATTEMPTS && !done; i++) {
            done = tryUpdate(work);
        }
        if (!done) {
            // A guest that writes without end must not win for ever: nothing comes in between now.
            synchronized (lock) {
                if (!tryUpdate(work)) {
                    throw new IllegalStateException("an update wrote past its own transaction");
                }
            }
        }
        deliver();
    }

    /** Whether nobody changed meanwhile what the work used. */
    private boolean tryUpdate(Consumer<StoreAccess> work) {
        Transaction transaction = begin(Permissions.PRIVILEGED);
        work.accept(new HostAccess(transaction.view()));
        synchronized (lock) {
            return commit(transaction);
        }
    }

    /**
     * Watches a path, which need not exist, and everything below it. The listener is called once at
     * once, before this returns unless another thread is just delivering events.
     *
     * @param path absolute, or one of {@code @introduceDomain} and {@code @releaseDomain}
     */
    public HostWatch watch(String path, WatchListener listener) {
        if (!path.startsWith("@")) {
            StorePath.parse(path, Permissions.PRIVILEGED, quota);
        }
        HostWatch hostWatch = new HostWatch(this, path, listener);
        synchronized (lock) {
            watches.add(hostWatch.watch());
            hostWatch.fired(hostWatch.watch(), path);
        }
        deliver();
        return hostWatch;
    }

    /**
     * The whole tree, a line a node in the manner of {@code xenstore-ls -f}: {@code /a/b =
     * "value"}.
     */
    public String dump() {
        Node root;
        synchronized (lock) {
            root = tree.root();
        }
        StringBuilder text = new StringBuilder();
        dumpBelow("", root, text);
        return text.toString();
    }

    private static void dumpBelow(String path, Node node, StringBuilder text) {
        node.children()
                .forEach(
                        (name, child) -> {
                            String childPath = path + "/" + name;
                            text.append(childPath).append(" = \"");
                            appendPrintable(child.value(), text);
                            text.append("\"\n");
                            dumpBelow(childPath, child, text);
                        });
    }

    private static void appendPrintable(byte[] value, StringBuilder text) {
        for (char c : new String(value, StandardCharsets.ISO_8859_1).toCharArray()) {
            if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
                text.append(c);
            } else {
                text.append("\\x%02x".formatted((int) c));
            }
        }
    }

    // ---- for connections; every caller holds the lock but of those that say so

    /** Runs one request of a guest under the lock, then delivers what it caused. */
    void serve(Runnable request) {
        synchronized (lock) {
            request.run();
        }
        deliver();
    }

    /** Runs something that causes no events under the lock. */
    <T> T locked(Supplier<T> action) {
        synchronized (lock) {
            return action.get();
        }
    }

    /** Runs an operation on the store itself, as the domain, and fires the watches. */
    <T> T direct(int domid, Function<View, T> operation) {
        Changes changes = new Changes(Integer.MAX_VALUE);
        Node before = tree.root();
        T result = operation.apply(new View(domid, tree, quota, changes));
        watches.fire(changes, before, tree.root());
        return result;
    }

    /** Starts a transaction; takes the lock itself. */
    Transaction begin(int domid) {
        synchronized (lock) {
            return new Transaction(domid, tree, quota);
        }
    }

    /** Ends a transaction and fires the watches; false if it conflicts. */
    boolean commit(Transaction transaction) {
        Node before = tree.root();
        boolean committed = transaction.commit(tree);
        if (committed) {
            watches.fire(transaction.changes(), before, tree.root());
        }
        return committed;
    }

    Watches watches() {
        return watches;
    }

    boolean isIntroduced(int domid) {
        return domid == Permissions.PRIVILEGED || connections.containsKey(domid);
    }

    // ---- delivery

    /** Notes that events wait for this host watch. */
    void hasEvents(HostWatch hostWatch) {
        if (!unheard.contains(hostWatch)) {
            unheard.add(hostWatch);
        }
    }

    /** Notes that events wait for this guest. */
    void hasEvents(XenstoreConnection connection) {
        unattended.add(connection);
    }

    /** Removes a host watch; takes the lock itself. */
    void unwatch(HostWatch hostWatch) {
        synchronized (lock) {
            if (watches.find(hostWatch, hostWatch.watch().node(), "") != null) {
                watches.remove(hostWatch.watch());
                unheard.remove(hostWatch);
            }
        }
    }

    private <T> T asHost(Function<StoreAccess, T> operation) {
        T result;
        synchronized (lock) {
            result = direct(Permissions.PRIVILEGED, view -> operation.apply(new HostAccess(view)));
        }
        deliver();
        return result;
    }

    private void deliver() {
        List<XenstoreConnection> attend;
        synchronized (lock) {
            attend = List.copyOf(unattended);
            unattended.clear();
        }
        attend.forEach(XenstoreConnection::callAttention);
        while (deliverOne()) {}
    }

    /**
     * Calls one listener once. Only one thread at a time delivers, and not from within a listener,
     * so that listeners hear events in order and never nested; a thread that finds another at it
     * leaves its events to that one.
     */
    private boolean deliverOne() {
        HostWatch hostWatch;
        EventQueue.Event event;
        synchronized (lock) {
            if (delivering || unheard.isEmpty()) {
                return false;
            }
            hostWatch = unheard.remove();
            event = hostWatch.events().poll();
            if (!hostWatch.events().isEmpty()) {
                unheard.add(hostWatch);
            }
            delivering = event != null;
        }
        if (event != null) {
            call(hostWatch, event.path());
        }
        return true;
    }

    private void call(HostWatch hostWatch, String path) {
        try {
            hostWatch.listener().changed(path);
        } catch (RuntimeException bug) {
            // The thread is that of a guest or a backend which did nothing wrong: it goes on.
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
        } finally {
            synchronized (lock) {
                delivering = false;
            }
        }
    }
}
