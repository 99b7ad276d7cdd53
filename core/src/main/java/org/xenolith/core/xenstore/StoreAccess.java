package org.xenolith.core.xenstore;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The store as the toolstack and the backends use it: with the rights of domain 0, by absolute
 * path. Every method throws {@link XenstoreException} with EINVAL for a malformed path.
 */
public interface StoreAccess {
    /** The value of a node; empty when there is no such node. */
    Optional<byte[]> readBytes(String path);

    /** The value of a node as text; empty when there is no such node. */
    default Optional<String> read(String path) {
        return readBytes(path).map(value -> new String(value, StandardCharsets.UTF_8));
    }

    /** Names of the children, in the order of creation; none when there is no such node. */
    List<String> list(String path);

    /** Sets a value, and creates the node and its parents if missing. */
    void writeBytes(String path, byte[] value);

    /** Sets a value, and creates the node and its parents if missing. */
    default void write(String path, String value) {
        writeBytes(path, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Creates a node and its parents if missing; it inherits its parent's permissions. */
    void mkdir(String path);

    /** Removes a node and everything below it, if it is there. */
    void rm(String path);

    /**
     * @throws XenstoreException ENOENT when there is no such node
     */
    Permissions perms(String path);

    /**
     * @throws XenstoreException ENOENT when there is no such node
     */
    void setPerms(String path, Permissions permissions);

    /** A node and everything below it, parents first; empty when there is no such node. */
    List<NodeState> save(String path);

    /** Writes nodes with their permissions, over what is there. */
    default void restore(List<NodeState> nodes) {
        for (NodeState node : nodes) {
            writeBytes(node.path(), node.value());
            setPerms(node.path(), node.permissions());
        }
    }
}
