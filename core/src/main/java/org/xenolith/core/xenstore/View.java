package org.xenolith.core.xenstore;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The operations on nodes as one domain may do them on one tree: the store's own or a
 * transaction's. Checks permissions and quotas and notes what it touched. An operation that throws
 * has changed nothing.
 */
final class View {
    private static final byte[] NO_VALUE = {};

    private final int domid;
    private final Tree tree;
    private final Quota quota;
    private final Changes changes;

    View(int domid, Tree tree, Quota quota, Changes changes) {
        this.domid = domid;
        this.tree = tree;
        this.quota = quota;
        this.changes = changes;
    }

    private enum Need {
        READ,
        WRITE
    }

    Node read(StorePath path) {
        return existing(path, Need.READ);
    }

    boolean exists(StorePath path) {
        return find(path, Need.READ) != null;
    }

    void write(StorePath path, byte[] value) {
        if (isLimited() && value.length > quota.valueBytes()) {
            throw refused(XenstoreError.ENOSPC, path, "value of " + value.length + " bytes");
        }
        Node node = find(path, Need.WRITE);
        if (node == null) {
            create(path, value);
        } else {
            tree.put(path, value, node.permissions());
            changes.change(path, Changes.Kind.CHANGED);
        }
    }

    void mkdir(StorePath path) {
        if (find(path, Need.WRITE) == null) {
            create(path, NO_VALUE);
        }
    }

    void rm(StorePath path) {
        if (path.isRoot()) {
            throw refused(XenstoreError.EINVAL, path, "the root stays");
        }
        Node node = find(path, Need.WRITE);
        changes.access(path.parent());
        if (node == null) {
            if (tree.find(path.parent()) == null) {
                throw refused(XenstoreError.ENOENT, path, "no such parent");
            }
            return;
        }
        List<StorePath> below = new ArrayList<>();
        collectBelow(path, node, below);
        below.forEach(changes::access);
        tree.remove(path);
        below.forEach(gone -> changes.change(gone, Changes.Kind.REMOVED_WITH_ANCESTOR));
        changes.change(path, Changes.Kind.CHANGED);
    }

    void setPermissions(StorePath path, Permissions permissions) {
        Node node = existing(path, Need.WRITE);
        if (!node.permissions().isOwner(domid)) {
            throw refused(XenstoreError.EACCES, path, "not the owner");
        }
        if (isLimited() && permissions.owner() != node.permissions().owner()) {
            throw refused(XenstoreError.EPERM, path, "the owner cannot give it away");
        }
        if (isLimited() && permissions.entries().size() > quota.permissions()) {
            throw refused(XenstoreError.ENOSPC, path, "too many permissions");
        }
        tree.put(path, node.value(), permissions);
        changes.change(path, Changes.Kind.CHANGED);
    }

    private void create(StorePath path, byte[] value) {
        Tree.Nearest nearest = tree.nearest(path);
        Deque<StorePath> missing = new ArrayDeque<>();
        StorePath ancestor = path;
        for (int i = 0; i < nearest.missing(); i++) {
            changes.access(ancestor);
            missing.push(ancestor);
            ancestor = ancestor.parent();
        }
        // Its list of children changes.
        changes.access(ancestor);
        if (isLimited() && tree.nodesOwnedBy(domid) + missing.size() > quota.nodes()) {
            throw refused(XenstoreError.ENOSPC, path, "domain owns too many nodes");
        }
        tree.put(path, value, nearest.node().permissions().inheritedBy(domid));
        missing.removeLast();
        missing.forEach(created -> changes.change(created, Changes.Kind.PARENT_CREATED));
        changes.change(path, Changes.Kind.CHANGED);
    }

    private Node existing(StorePath path, Need need) {
        Node node = find(path, need);
        if (node == null) {
            throw refused(XenstoreError.ENOENT, path, "no such node");
        }
        return node;
    }

    /**
     * The node, or null if there is none and the domain may know that.
     *
     * @throws XenstoreException EACCES when the node, or the nearest node above the place where it
     *     would be, does not grant the need
     */
    private Node find(StorePath path, Need need) {
        changes.access(path);
        Tree.Nearest nearest = tree.nearest(path);
        Permissions permissions = nearest.node().permissions();
        boolean granted =
                switch (need) {
                    case READ -> permissions.mayRead(domid);
                    case WRITE -> permissions.mayWrite(domid);
                };
        if (!granted) {
            throw refused(XenstoreError.EACCES, path, "no " + need + " access");
        }
        return nearest.missing() == 0 ? nearest.node() : null;
    }

    private static void collectBelow(StorePath path, Node node, List<StorePath> below) {
        node.children()
                .forEach(
                        (name, child) -> {
                            StorePath childPath = path.child(name);
                            below.add(childPath);
                            collectBelow(childPath, child, below);
                        });
    }

    private boolean isLimited() {
        return domid != Permissions.PRIVILEGED;
    }

    private XenstoreException refused(XenstoreError error, StorePath path, String reason) {
        return new XenstoreException(error, "domain %d, %s: %s".formatted(domid, path, reason));
    }
}
