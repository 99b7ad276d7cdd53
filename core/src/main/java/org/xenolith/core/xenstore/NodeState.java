package org.xenolith.core.xenstore;

/** A node without its children: what a saved domain keeps of the tree. */
public record NodeState(String path, byte[] value, Permissions permissions) {}
