package org.xenolith.core.xenstore;

import java.io.ByteArrayOutputStream;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Answers the requests of one guest: what each message type means. Holds the guest's transactions.
 * All methods are called under the store's lock.
 */
final class GuestSession {
    private static final byte[] OK = Message.strings("OK");

    private final Xenstore store;
    private final XenstoreConnection connection;
    private final int domid;
    private final Quota quota;
    private final Map<Integer, Transaction> transactions = new HashMap<>();
    private int lastTransactionId;

    GuestSession(Xenstore store, XenstoreConnection connection, Quota quota) {
        this.store = store;
        this.connection = connection;
        this.domid = connection.domid();
        this.quota = quota;
    }

    /** Does what the request says; the reply is an ERROR message if that was refused. */
    Message answer(Message request) {
        try {
            byte[] payload = perform(request);
            return payload.length > Message.PAYLOAD_MAX
                    ? request.reply(XenstoreError.E2BIG)
                    : request.reply(payload);
        } catch (XenstoreException refused) {
            return request.reply(refused.error());
        }
    }

    /** Drops all watches and transactions. */
    void reset() {
        store.watches().removeAllOf(connection);
        transactions.clear();
    }

    List<ConnectionState.SavedWatch> savedWatches() {
        return store.watches().allOf(connection).stream()
                .map(watch -> new ConnectionState.SavedWatch(watch.spelled(), watch.token()))
                .sorted(
                        Comparator.comparing(ConnectionState.SavedWatch::path)
                                .thenComparing(ConnectionState.SavedWatch::token))
                .toList();
    }

    List<Integer> openTransactions() {
        return transactions.keySet().stream().sorted().toList();
    }

    int lastTransactionId() {
        return lastTransactionId;
    }

    /**
     * Registers the saved watches, without a first event, and lets the transactions fail.
     *
     * @throws XenstoreException when no guest can have them
     */
    void restore(ConnectionState saved) {
        for (ConnectionState.SavedWatch watch : saved.watches()) {
            register(watch.path(), watch.token());
        }
        for (int id : saved.transactions()) {
            if (id == 0 || transactions.containsKey(id)) {
                throw refused(XenstoreError.EINVAL, "no transaction has such an id");
            }
            Transaction lost = beginTransaction(id);
            lost.doom();
        }
        lastTransactionId = saved.lastTransactionId();
    }

    private byte[] perform(Message request) {
        MessageType type =
                MessageType.of(request.type())
                        .orElseThrow(() -> refused(XenstoreError.ENOSYS, "unknown type"));
        Arguments arguments = Arguments.of(request.payload());
        int tx = request.transactionId();
        return switch (type) {
            case DIRECTORY -> names(children(tx, arguments.single()));
            case DIRECTORY_PART -> directoryPart(tx, arguments.pair());
            case READ -> {
                StorePath path = path(arguments.single());
                yield on(tx, view -> view.read(path).value());
            }
            case GET_PERMS -> {
                StorePath path = path(arguments.single());
                yield Message.strings(on(tx, view -> view.read(path).permissions().toStrings()));
            }
            case SET_PERMS -> setPermissions(tx, arguments);
            case WRITE -> {
                StorePath path = path(arguments.firstOf(1));
                yield change(tx, view -> view.write(path, arguments.afterFirst()));
            }
            case MKDIR -> {
                StorePath path = path(arguments.single());
                yield change(tx, view -> view.mkdir(path));
            }
            case RM -> {
                StorePath path = path(arguments.single());
                yield change(tx, view -> view.rm(path));
            }
            case WATCH -> watch(arguments.pair().get(0), arguments.pair().get(1));
            case UNWATCH -> unwatch(arguments.pair().get(0), arguments.pair().get(1));
            case RESET_WATCHES -> {
                reset();
                yield OK;
            }
            case TRANSACTION_START -> startTransaction(tx);
            case TRANSACTION_END -> endTransaction(tx, arguments.single());
            case GET_DOMAIN_PATH ->
                    Message.strings(StorePath.homeOf(Arguments.decimal(arguments.single())));
            case IS_DOMAIN_INTRODUCED ->
                    Message.strings(
                            store.isIntroduced(Arguments.decimal(arguments.single())) ? "T" : "F");
            case CONTROL, INTRODUCE, RELEASE, RESUME, SET_TARGET ->
                    throw refused(XenstoreError.EACCES, type + " is for domain 0");
            case WATCH_EVENT, ERROR -> throw refused(XenstoreError.ENOSYS, type + " is no request");
        };
    }

    // ---- nodes

    private Node children(int tx, String path) {
        StorePath parsed = path(path);
        return on(tx, view -> view.read(parsed));
    }

    /**
     * All names.
     *
     * @throws XenstoreException E2BIG when they do not fit into one reply
     */
    private byte[] names(Node node) {
        ByteArrayOutputStream names = new ByteArrayOutputStream();
        for (String name : node.children().keySet()) {
            // Not after the last of them: a guest may have megabytes of names.
            if (names.size() + name.length() >= Message.PAYLOAD_MAX) {
                throw refused(XenstoreError.E2BIG, "too many names for one reply");
            }
            names.writeBytes(Message.strings(name));
        }
        return names.toByteArray();
    }

    /**
     * A piece of a list that is too long for one reply: the node's generation, as many whole names
     * as fit, and an empty string when the list ends here.
     */
    private byte[] directoryPart(int tx, List<String> pathAndOffset) {
        int offset = Arguments.decimal(pathAndOffset.get(1));
        Node node = children(tx, pathAndOffset.get(0));
        ByteArrayOutputStream part = new ByteArrayOutputStream();
        part.writeBytes(Message.strings(Long.toString(node.generation())));
        int at = 0;
        for (String name : node.children().keySet()) {
            int end = at + name.length() + 1;
            if (end > offset) {
                String rest = name.substring(Math.max(0, offset - at));
                if (part.size() + rest.length() + 2 > Message.PAYLOAD_MAX) {
                    return part.toByteArray();
                }
                part.writeBytes(Message.strings(rest));
            }
            at = end;
        }
        part.write(0);
        return part.toByteArray();
    }

    private byte[] setPermissions(int tx, Arguments arguments) {
        StorePath path = path(arguments.firstOf(2));
        List<String> entries = arguments.strings().subList(1, arguments.strings().size());
        Permissions permissions = Permissions.of(entries.toArray(String[]::new));
        return change(tx, view -> view.setPermissions(path, permissions));
    }

    private StorePath path(String spelled) {
        return StorePath.parse(spelled, domid, quota);
    }

    private byte[] change(int tx, Consumer<View> operation) {
        return on(
                tx,
                view -> {
                    operation.accept(view);
                    return OK;
                });
    }

    private <T> T on(int tx, Function<View, T> operation) {
        return tx == 0 ? store.direct(domid, operation) : operation.apply(transaction(tx).view());
    }

    // ---- watches

    private byte[] watch(String spelled, String token) {
        connection.fireAfterReply(register(spelled, token));
        return OK;
    }

    private Watch register(String spelled, String token) {
        String node = watchedNode(spelled);
        Watches watches = store.watches();
        if (watches.find(connection, node, token) != null) {
            throw refused(XenstoreError.EEXIST, "watch exists");
        }
        if (watches.countOf(connection) >= quota.watches()) {
            throw refused(XenstoreError.E2BIG, "too many watches");
        }
        Watch watch = new Watch(connection, node, spelled, token);
        watches.add(watch);
        return watch;
    }

    private byte[] unwatch(String spelled, String token) {
        Watch watch = store.watches().find(connection, watchedNode(spelled), token);
        if (watch == null) {
            throw refused(XenstoreError.ENOENT, "no such watch");
        }
        store.watches().remove(watch);
        return OK;
    }

    private String watchedNode(String spelled) {
        if (!spelled.startsWith("@")) {
            return path(spelled).text();
        }
        if (spelled.length() > quota.pathBytes()) {
            throw refused(XenstoreError.EINVAL, "special path too long");
        }
        return spelled;
    }

    // ---- transactions

    private byte[] startTransaction(int tx) {
        if (tx != 0) {
            transaction(tx);
            throw refused(XenstoreError.EBUSY, "transactions do not nest");
        }
        do {
            lastTransactionId++;
        } while (lastTransactionId == 0 || transactions.containsKey(lastTransactionId));
        beginTransaction(lastTransactionId);
        return Message.strings(Integer.toUnsignedString(lastTransactionId));
    }

    private Transaction beginTransaction(int id) {
        if (transactions.size() >= quota.transactions()) {
            throw refused(XenstoreError.ENOSPC, "too many transactions");
        }
        Transaction begun = store.begin(domid);
        transactions.put(id, begun);
        return begun;
    }

    private byte[] endTransaction(int tx, String verdict) {
        boolean commit = verdict.equals("T");
        if (!commit && !verdict.equals("F")) {
            throw refused(XenstoreError.EINVAL, "end with T or F");
        }
        Transaction transaction = transaction(tx);
        transactions.remove(tx);
        if (commit && !store.commit(transaction)) {
            throw refused(XenstoreError.EAGAIN, "conflict");
        }
        return OK;
    }

    private Transaction transaction(int tx) {
        Transaction transaction = transactions.get(tx);
        if (transaction == null) {
            throw refused(XenstoreError.ENOENT, "no such transaction");
        }
        return transaction;
    }

    private XenstoreException refused(XenstoreError error, String reason) {
        return new XenstoreException(error, "domain " + domid + ": " + reason);
    }
}
