package org.xenolith.core.xenstore;

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
        for (StorePath path : changes.accessed()) {
            if (generation(base, path) != generation(store.root(), path)) {
                return false;
            }
        }
        Tree merged = store.copy();
        changes.changed().sequencedKeySet().forEach(path -> carryOver(path, merged));
        int owned = merged.nodesOwnedBy(domid);
        if (isLimited() && owned > quota.nodes() && owned > store.nodesOwnedBy(domid)) {
            throw new XenstoreException(
                    XenstoreError.ENOSPC, "domain " + domid + " owns too many nodes");
        }
        store.become(merged);
        return true;
    }

    private void carryOver(StorePath path, Tree merged) {
        Node node = working.find(path);
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

    /** The generation of a node, or 0, which no node has, where there is none. */
    private static long generation(Node root, StorePath path) {
        Node node = Tree.find(root, path);
        return node == null ? 0 : node.generation();
    }

    private boolean isLimited() {
        return domid != Permissions.PRIVILEGED;
    }
}
