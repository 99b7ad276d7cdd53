package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.xenstore.ConnectionState;
import org.xenolith.core.xenstore.ConnectionState.SavedWatch;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.NodeState;
import org.xenolith.core.xenstore.Permissions;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.core.xenstore.XenstoreException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A domain's part of xenstore, and its connection. */
record StoreSection(List<NodeState> nodes, ConnectionState connection) {
    private static final int DOMIDS = 0x1_0000;
    private static final int HEADER_BYTES = 16;
    private static final int LENGTH_OFFSET = 12;
    private static final int MAX_PAYLOAD = 4096;

    static StoreSection of(Xenstore store, Domain domain, XenstoreConnection connection) {
        List<NodeState> nodes = new ArrayList<>();
        for (String path : DomainTree.paths(store, domain.id(), domain.uuid())) {
            nodes.addAll(store.save(path));
        }
        return new StoreSection(nodes, connection.save());
    }

    Fields toFields() {
        Fields out = new Fields().i32(nodes.size());
        for (NodeState node : nodes) {
            out.text(node.path()).bytes(node.value()).i32(node.permissions().entries().size());
            for (Permissions.Entry entry : node.permissions().entries()) {
                out.i32(entry.domid()).u8(entry.access().ordinal());
            }
        }
        out.bytes(connection.input()).bytes(connection.output());
        out.i32(connection.watches().size());
        connection.watches().forEach(watch -> out.text(watch.path()).text(watch.token()));
        out.i32s(connection.transactions()).i32(connection.lastTransactionId());
        return out;
    }

    static StoreSection from(FieldReader in) throws SnapshotException {
        List<NodeState> nodes = new ArrayList<>();
        for (int left = in.i32(); left > 0; left--) {
            nodes.add(new NodeState(in.text(), in.bytes(), permissions(in)));
        }
        byte[] input = in.bytes();
        in.require(isPartialRequest(input), "a request that is under way");
        byte[] output = in.bytes();
        List<SavedWatch> watches = new ArrayList<>();
        for (int left = in.i32(); left > 0; left--) {
            watches.add(new SavedWatch(in.text(), in.text()));
        }
        ConnectionState connection =
                new ConnectionState(input, output, watches, in.ints(), in.i32());
        in.end();
        return new StoreSection(nodes, connection);
    }

    /** Whether it is the beginning of a message and not all of it. public/io/xs_wire.h. */
    private static boolean isPartialRequest(byte[] input) {
        if (input.length < HEADER_BYTES) {
            return true;
        }
        ByteBuffer header = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
        int length = header.getInt(LENGTH_OFFSET);
        return length > input.length - HEADER_BYTES && length <= MAX_PAYLOAD;
    }

    private static Permissions permissions(FieldReader in) throws SnapshotException {
        List<Permissions.Entry> entries = new ArrayList<>();
        for (int left = in.i32(1, DOMIDS, "permissions"); left > 0; left--) {
            int domid = in.i32(0, DOMIDS, "permissions");
            int access = in.u8();
            in.require(access < Permissions.Access.values().length, "permissions");
            entries.add(new Permissions.Entry(domid, Permissions.Access.values()[access]));
        }
        return new Permissions(entries);
    }

    /**
     * Puts the nodes into a store and opens the connection there.
     *
     * @throws SnapshotException when the store refuses one of them; it holds none then
     */
    XenstoreConnection restore(Xenstore store, Relocation to, Runnable attention)
            throws SnapshotException {
        List<NodeState> moved = nodes.stream().map(to::node).toList();
        for (NodeState node : moved) {
            if (!to.isOwn(node.path())) {
                throw SnapshotException.damaged("it has nodes of others in xenstore");
            }
        }
        try {
            store.restore(moved);
            return store.introduce(to.newId(), attention, to.connection(connection));
        } catch (XenstoreException refused) {
            store.release(to.newId());
            DomainTree.of(store, to.newId(), to.newUuid()).remove();
            throw new SnapshotException(
                    "The snapshot is damaged: xenstore refuses its part of the tree", refused);
        }
    }
}
