package org.xenolith.core.xenstore;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds many nodes below one root, each from where the way to the one before parts from its own. A
 * path may have a thousand names: of paths that come in order, each name is looked up once.
 *
 * <p>For one thread, under whatever lock its user holds.
 */
final class NodeFinder {
    /** A node on the way to the path that was asked for last. */
    private record Step(Node node, int end) {}

    /** From the root, whose end is 0, as far as there are nodes. */
    private final List<Step> way = new ArrayList<>();

    /**
     * The path that was asked for last, a byte a character: the ends of the way are offsets in it.
     */
    private byte[] last = {};

    NodeFinder(Node root) {
        way.add(new Step(root, 0));
    }

    /** The node at that path, or null. */
    Node find(StorePath path) {
        String text = path.isRoot() ? "" : path.text();
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int differs = Arrays.mismatch(last, bytes);
        goBackTo(text, differs < 0 ? bytes.length : differs);
        last = bytes;
        Step at = way.getLast();
        while (at.end < text.length()) {
            int slash = text.indexOf('/', at.end + 1);
            int end = slash < 0 ? text.length() : slash;
            Node child = at.node.child(text.substring(at.end + 1, end));
            if (child == null) {
                return null;
            }
            at = new Step(child, end);
            way.add(at);
        }
        return at.node;
    }

    /**
     * Leaves on the way what is the path's own or above it.
     *
     * @param common characters that it begins with as the last path did
     */
    private void goBackTo(String text, int common) {
        while (!leadsTo(text, common, way.getLast().end)) {
            way.removeLast();
        }
    }

    private static boolean leadsTo(String text, int common, int end) {
        return end <= common && (end == text.length() || text.charAt(end) == '/');
    }
}
