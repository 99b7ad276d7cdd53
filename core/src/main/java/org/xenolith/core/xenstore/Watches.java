package org.xenolith.core.xenstore;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All watches of a store, found by the node they are on. */
final class Watches {
    private final Map<String, List<Watch>> byNode = new HashMap<>();
    private final Map<Watcher, Integer> counts = new HashMap<>();

    void add(Watch watch) {
        byNode.computeIfAbsent(watch.node(), _ -> new ArrayList<>()).add(watch);
        counts.merge(watch.watcher(), 1, Integer::sum);
    }

    /** The watch that its owner registered with this node and token, or null. */
    Watch find(Watcher watcher, String node, String token) {
        for (Watch watch : byNode.getOrDefault(node, List.of())) {
            if (watch.watcher() == watcher && watch.token().equals(token)) {
                return watch;
            }
        }
        return null;
    }

    int countOf(Watcher watcher) {
        return counts.getOrDefault(watcher, 0);
    }

    void remove(Watch watch) {
        List<Watch> atNode = byNode.get(watch.node());
        atNode.remove(watch);
        if (atNode.isEmpty()) {
            byNode.remove(watch.node());
        }
        counts.merge(watch.watcher(), -1, (was, less) -> was + less == 0 ? null : was + less);
        watch.watcher().forget(watch);
    }

    List<Watch> allOf(Watcher watcher) {
        return byNode.values().stream()
                .flatMap(List::stream)
                .filter(watch -> watch.watcher() == watcher)
                .toList();
    }

    void removeAllOf(Watcher watcher) {
        allOf(watcher).forEach(this::remove);
    }

    /** Queues the events of what changed between two roots. */
    void fire(Changes changes, Node before, Node after) {
        changes.changed()
                .forEach(
                        (path, kind) -> {
                            switch (kind) {
                                case PARENT_CREATED -> {}
                                case REMOVED_WITH_ANCESTOR ->
                                        fireOn(path, Changed.of(path, before, after));
                                case CHANGED -> fireUpFrom(path, Changed.of(path, before, after));
                            }
                        });
    }

    private void fireUpFrom(StorePath path, Changed changed) {
        fireOn(path, changed);
        for (StorePath up = path; !up.isRoot(); ) {
            up = up.parent();
            fireOn(up, changed);
        }
    }

    /** Queues a special event such as {@code @introduceDomain}, which only domain 0 may hear. */
    void fireSpecial(String name) {
        for (Watch watch : byNode.getOrDefault(name, List.of())) {
            if (watch.watcher().domid() == Permissions.PRIVILEGED) {
                watch.watcher().fired(watch, name);
            }
        }
    }

    private void fireOn(StorePath watched, Changed changed) {
        for (Watch watch : byNode.getOrDefault(watched.text(), List.of())) {
            if (changed.mayBeHeardBy(watch.watcher().domid())) {
                watch.watcher().fired(watch, watch.spell(changed.path.text()));
            }
        }
    }

    /**
     * A node that changed and who may hear of it: looked up once, however many watch it, since a
     * path may have hundreds of names and a guest a hundred watches on each of them.
     *
     * @param before null if it was not there, and likewise the others
     */
    private record Changed(StorePath path, Node before, Node after, Node parent) {
        static Changed of(StorePath path, Node before, Node after) {
            return new Changed(
                    path,
                    Tree.find(before, path),
                    Tree.find(after, path),
                    path.isRoot() ? null : Tree.find(after, path.parent()));
        }

        /** Whether the domain could read the node before, can now, or can read its parent. */
        boolean mayBeHeardBy(int domid) {
            return domid == Permissions.PRIVILEGED
                    || mayRead(domid, before)
                    || mayRead(domid, after)
                    || mayRead(domid, parent);
        }

        private static boolean mayRead(int domid, Node node) {
            return node != null && node.permissions().mayRead(domid);
        }
    }
}
