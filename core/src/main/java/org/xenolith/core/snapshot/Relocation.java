package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.xenstore.ConnectionState;
import org.xenolith.core.xenstore.ConnectionState.SavedWatch;
import org.xenolith.core.xenstore.NodeState;
import org.xenolith.core.xenstore.Permissions;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/**
 * A domain's part of xenstore under another id and UUID: paths, values that are such paths or the
 * bare id where a toolstack writes it, permissions, and watches.
 */
record Relocation(int oldId, UUID oldUuid, int newId, UUID newUuid) {
    private static final String HOMES = "/local/domain/";
    private static final String VMS = "/vm/";
    private static final String BACKENDS = "/local/domain/0/backend/";

    static Relocation of(Description saved, Domain domain) {
        return new Relocation(saved.id(), saved.uuid(), domain.id(), domain.uuid());
    }

    NodeState node(NodeState node) {
        return new NodeState(path(node.path()), value(node), permissions(node.permissions()));
    }

    /** Whether a relocated path belongs to the domain. */
    boolean isOwn(String path) {
        String home = HOMES + newId;
        String vm = VMS + newUuid;
        return isBelow(path, home) || isBelow(path, vm) || isBackend(path, newId);
    }

    private static boolean isBelow(String path, String directory) {
        return path.startsWith(directory)
                && (path.length() == directory.length() || path.charAt(directory.length()) == '/');
    }

    /** {@code /local/domain/0/backend/TYPE/ID/...}. */
    private static boolean isBackend(String path, int id) {
        if (!path.startsWith(BACKENDS)) {
            return false;
        }
        int type = path.indexOf('/', BACKENDS.length());
        return type > 0 && isBelow(path.substring(type), "/" + id);
    }

    private String path(String path) {
        if (isBelow(path, HOMES + oldId)) {
            return HOMES + newId + path.substring((HOMES + oldId).length());
        }
        if (isBelow(path, VMS + oldUuid)) {
            return VMS + newUuid + path.substring((VMS + oldUuid).length());
        }
        if (isBackend(path, oldId)) {
            int id = path.indexOf('/', BACKENDS.length()) + 1;
            return path.substring(0, id) + newId + path.substring(id + ("" + oldId).length());
        }
        return path;
    }

    private byte[] value(NodeState node) {
        String text = new String(node.value(), StandardCharsets.ISO_8859_1);
        boolean isId = node.path().endsWith("/domid") || node.path().endsWith("/frontend-id");
        boolean isUuid = node.path().equals(VMS + oldUuid + "/uuid");
        String moved = path(text);
        if (isId && text.equals("" + oldId)) {
            moved = "" + newId;
        } else if (isUuid && text.equals(oldUuid.toString())) {
            moved = newUuid.toString();
        }
        return moved.getBytes(StandardCharsets.ISO_8859_1);
    }

    private Permissions permissions(Permissions permissions) {
        List<Permissions.Entry> entries =
                permissions.entries().stream()
                        .map(
                                entry ->
                                        entry.domid() == oldId
                                                ? new Permissions.Entry(newId, entry.access())
                                                : entry)
                        .toList();
        return new Permissions(entries);
    }

    ConnectionState connection(ConnectionState saved) {
        List<SavedWatch> watches =
                saved.watches().stream()
                        .map(watch -> new SavedWatch(path(watch.path()), watch.token()))
                        .toList();
        return new ConnectionState(
                saved.input(),
                saved.output(),
                watches,
                saved.transactions(),
                saved.lastTransactionId());
    }
}
