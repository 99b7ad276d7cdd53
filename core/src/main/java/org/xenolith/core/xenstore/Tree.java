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
        return new NodeFinder(root).find(path);
    }

    /**
     * The deepest node that exists on the way to a path.
     *
     * @param node the node at the path if {@code missing} is 0
     * @param missing how many names at the end of the path have no node
     */
    record Nearest(Node node, int missing) {}

    Nearest nearest(StorePath path) {
        Node node = root;
        String[] names = path.names();
        for (int depth = 0; depth < names.length; depth++) {
            Node child = node.child(names[depth]);
            if (child == null) {
                return new Nearest(node, names.length - depth);
            }
            node = child;
        }
        return new Nearest(node, 0);
    }

    /**
     * Creates or changes a node. Missing parents get the same permissions and no value. However
     * many are missing, the way from the root is copied once: a guest decides how deep it is.
     */
    void put(StorePath path, byte[] value, Permissions permissions) {
        long generation = generations.getAsLong();
        Nearest nearest = nearest(path);
        if (nearest.missing() == 0) {
            count(nearest.node().permissions().owner(), -1);
            count(permissions.owner(), 1);
        } else {
            count(permissions.owner(), nearest.missing());
        }
        Node base = nearest.missing() == 0 ? nearest.node() : Node.empty(permissions, generation);
        replace(path, base.withContent(value, permissions, generation), permissions, generation);
    }

    /** Adds a node with all that is below it where there is none; its parent exists. */
    void graft(StorePath path, Node node) {
        countAll(node, 1);
        replace(path, node, node.permissions(), generations.getAsLong());
    }

    /** Removes a node, not the root, with everything below it, if it is there. */
    void remove(StorePath path) {
        Node old = find(path);
        if (old != null) {
            countAll(old, -1);
            root = without(root, path.names(), 0, generations.getAsLong());
        }
    }

    /** Missing parents get {@code permissions}. */
    private void replace(StorePath path, Node put, Permissions permissions, long generation) {
        root = with(root, path.names(), 0, put, Node.empty(permissions, generation));
    }

    private static Node with(Node node, String[] names, int depth, Node put, Node blank) {
        if (depth == names.length) {
            return put;
        }
        String name = names[depth];
        Node base = node == null ? blank : node;
        return base.withChild(
                name, with(base.child(name), names, depth + 1, put, blank), blank.generation());
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
