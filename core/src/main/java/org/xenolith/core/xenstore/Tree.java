package org.xenolith.core.xenstore;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * A root and how many nodes each domain owns below it. The nodes are immutable, the tree is the
 * variable that holds them; a copy costs nothing but the counts.
 */
final class Tree {
    private final LongSupplier generations;
    private final Map<Integer, Integer> nodesOwned;
    private Node root;

    private Tree(LongSupplier generations, Map<Integer, Integer> nodesOwned, Node root) {
        this.generations = generations;
        this.nodesOwned = nodesOwned;
        this.root = root;
    }

    /**
     * A tree with nothing but its root, which domain 0 owns and nobody else may read.
     *
     * @param generations numbers never given before, shared by a tree and its copies
     */
    static Tree empty(LongSupplier generations) {
        Node root = Node.empty(Permissions.of("n0"), generations.getAsLong());
        return new Tree(generations, new HashMap<>(Map.of(Permissions.PRIVILEGED, 1)), root);
    }

    Tree copy() {
        return new Tree(generations, new HashMap<>(nodesOwned), root);
    }

    void become(Tree other) {
        root = other.root;
        nodesOwned.clear();
        nodesOwned.putAll(other.nodesOwned);
    }

    Node root() {
        return root;
    }

    int nodesOwnedBy(int domid) {
        return nodesOwned.getOrDefault(domid, 0);
    }

    /** The node at that path, or null. */
    Node find(StorePath path) {
        return find(root, path);
    }

    static Node find(Node root, StorePath path) {
        Node node = root;
        for (String name : path.names()) {
            node = node.child(name);
            if (node == null) {
                return null;
            }
        }
        return node;
    }

    /** Creates or changes a node; its parent exists. */
    void put(StorePath path, byte[] value, Permissions permissions) {
        long generation = generations.getAsLong();
        Node old = find(path);
        if (old != null) {
            count(old.permissions().owner(), -1);
        }
        count(permissions.owner(), 1);
        Node base = old == null ? Node.empty(permissions, generation) : old;
        root =
                with(
                        root,
                        path.names(),
                        0,
                        base.withContent(value, permissions, generation),
                        generation);
    }

    /** Removes a node, not the root, with everything below it, if it is there. */
    void remove(StorePath path) {
        Node old = find(path);
        if (old != null) {
            countAll(old, -1);
            root = without(root, path.names(), 0, generations.getAsLong());
        }
    }

    private static Node with(Node node, String[] names, int depth, Node put, long generation) {
        if (depth == names.length) {
            return put;
        }
        String name = names[depth];
        Node child = node.child(name);
        if (child == null && depth < names.length - 1) {
            throw new IllegalStateException("no parent for " + String.join("/", names));
        }
        return node.withChild(name, with(child, names, depth + 1, put, generation), generation);
    }

    private static Node without(Node node, String[] names, int depth, long generation) {
        String name = names[depth];
        return depth == names.length - 1
                ? node.withoutChild(name, generation)
                : node.withChild(
                        name, without(node.child(name), names, depth + 1, generation), generation);
    }

    private void countAll(Node node, int by) {
        count(node.permissions().owner(), by);
        node.children().values().forEach(child -> countAll(child, by));
    }

    private void count(int domid, int by) {
        nodesOwned.merge(domid, by, (was, more) -> was + more == 0 ? null : was + more);
    }
}
