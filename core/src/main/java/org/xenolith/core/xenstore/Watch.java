package org.xenolith.core.xenstore;

/**
 * A registered watch. Two are never equal: identity is the registration.
 *
 * <p>Events name the path that changed as the watch was spelled: a watch on a relative path hears
 * relative paths.
 */
final class Watch {
    private final Watcher watcher;
    private final String node;
    private final String spelled;
    private final String token;

    /**
     * @param node absolute path, or a special name that starts with {@code @}
     * @param spelled the same as its owner wrote it
     */
    Watch(Watcher watcher, String node, String spelled, String token) {
        this.watcher = watcher;
        this.node = node;
        this.spelled = spelled;
        this.token = token;
    }

    Watcher watcher() {
        return watcher;
    }

    String node() {
        return node;
    }

    String spelled() {
        return spelled;
    }

    String token() {
        return token;
    }

    /** How an event at {@code path}, which is the watch's node or below it, names the path. */
    String spell(String path) {
        // What a relative spelling leaves out is the same for the node and for all below it.
        return path.substring(node.length() - spelled.length());
    }
}
