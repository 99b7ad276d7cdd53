package org.xenolith.core.xenstore;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A node, immutable: a change makes new nodes from the root down to the place of the change and
 * shares all others, so that holding a root is holding a snapshot.
 */
final class Node {
    private static final byte[] NO_VALUE = {};

    private final byte[] value;
    private final Permissions permissions;
    // Changes with the value, the permissions and the set of children, but not with what happens
    // inside a child: that is what transactions compare.
    private final long generation;
    // Never modified after construction.
    private final SequencedMap<String, Node> children;

    private Node(
            byte[] value,
            Permissions permissions,
            long generation,
            SequencedMap<String, Node> children) {
        this.value = value;
        this.permissions = permissions;
        this.generation = generation;
        this.children = children;
    }

    static Node empty(Permissions permissions, long generation) {
        return new Node(NO_VALUE, permissions, generation, new LinkedHashMap<>());
    }

    Node withContent(byte[] value, Permissions permissions, long generation) {
        return new Node(value, permissions, generation, children);
    }

    /** This node with another child of that name; it counts as a change of this node if new. */
    Node withChild(String name, Node child, long generation) {
        SequencedMap<String, Node> changed = new LinkedHashMap<>(children);
        boolean added = changed.put(name, child) == null;
        return new Node(value, permissions, added ? generation : this.generation, changed);
    }

    Node withoutChild(String name, long generation) {
        SequencedMap<String, Node> changed = new LinkedHashMap<>(children);
        changed.remove(name);
        return new Node(value, permissions, generation, changed);
    }

    /** The value; never modified by anyone. */
    byte[] value() {
        return value;
    }

    Permissions permissions() {
        return permissions;
    }

    long generation() {
        return generation;
    }

    /** The child of that name, or null. */
    Node child(String name) {
        return children.get(name);
    }

    /** Children in the order in which they were created. */
    Map<String, Node> children() {
        return children;
    }
}
