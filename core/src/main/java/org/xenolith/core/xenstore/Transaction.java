package org.xenolith.core.xenstore;

import java.util.Comparator;

/**
 * A series of operations that take effect together or not at all. It works on a copy of the tree as
 * it was at the start and commits only if every node it read or wrote is unchanged since then; of
 * two that conflict, the first to end succeeds.
 */
final class Transaction {
    private final int domid;
    private final Quota quota;
    private final Node base;
    private final Tree working;
    private final Changes changes;
    private boolean doomed;

    Transaction(int domid, Tree store, Quota quota) {
        this.domid = domid;
        this.quota = quota;
        this.base = store.root();
        this.working = store.copy();
        this.changes = new Changes(isLimited() ? quota.nodesPerTransaction() : Integer.MAX_VALUE);
    }

    View view() {
        return new View(domid, working, quota, changes);
    }

    /** Makes the commit fail as if it conflicted: the transaction is not the one its user began. */
    void doom() {
        doomed = true;
    }

    /** What the commit changed; watches fire for it. */
    Changes changes() {
        return changes;
    }

    /**
     * Brings the changes into the store's tree.
     *
     * @return false, and nothing is changed, when somebody else changed a node that this
     *     transaction depends on
     * @throws XenstoreException ENOSPC, and nothing is changed, when the domain would own too many
     *     nodes together with those it made meanwhile
     */
    boolean commit(Tree store) {
        if (doomed) {
            return false;
        }
        if (store.root() == base) {
            store.become(working);
            return true;
        }
        if (!isUpToDate(store.root())) {
            return false;
        }
        Tree merged = store.copy();
        NodeFinder made = new NodeFinder(working.root());
        changes.changed().sequencedKeySet().forEach(path -> carryOver(path, made, merged));
        int owned = merged.nodesOwnedBy(domid);
        if (isLimited() && owned > quota.nodes() && owned > store.nodesOwnedBy(domid)) {
            throw new XenstoreException(
                    XenstoreError.ENOSPC, "domain " + domid + " owns too many nodes");
        }
        store.become(merged);
        return true;
    }

    /** Whether nobody has changed a node that this transaction depends on. */
    private boolean isUpToDate(Node current) {
        NodeFinder then = new NodeFinder(base);
        NodeFinder now = new NodeFinder(current);
        // In order, however the transaction came to them: a thousand may lie a thousand deep.
        return changes.accessed().stream()
                .sorted(Comparator.comparing(StorePath::text))
                .allMatch(path -> generation(then.find(path)) == generation(now.find(path)));
    }

    private static void carryOver(StorePath path, NodeFinder made, Tree merged) {
        Node node = made.find(path);
        Node there = merged.find(path);
        if (node == null) {
            merged.remove(path);
        } else if (there == null) {
            // Nobody else has it, so all below was made here too: it comes as a whole, and the
            // paths below find it done.
            merged.graft(path, node);
        } else if (there != node) {
            merged.put(path, node.value(), node.permissions());
        }
    }

    /** The generation of a node, or 0, which no node has, for null. */
    private static long generation(Node node) {
        return node == null ? 0 : node.generation();
    }

    private boolean isLimited() {
        return domid != Permissions.PRIVILEGED;
    }
}
