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

    /** Whether somebody watches a node, or one above it. */
    boolean cover(Watcher watcher, String node) {
        return allOf(watcher).stream()
                .map(Watch::node)
                .anyMatch(
                        watched ->
                                node.equals(watched)
                                        || node.startsWith(
                                                watched.endsWith("/") ? watched : watched + "/"));
    }

    void removeAllOf(Watcher watcher) {
        allOf(watcher).forEach(this::remove);
    }

    /** Queues the events of what changed between two roots. */
    void fire(Changes changes, Node before, Node after) {
        Firing firing = new Firing(before, after);
        changes.changed()
                .forEach(
                        (path, kind) -> {
                            switch (kind) {
                                case PARENT_CREATED -> {}
                                case REMOVED_WITH_ANCESTOR -> firing.tellThoseOn(path);
                                case CHANGED -> firing.tellThoseFrom(path);
                            }
                        });
    }

    /** Queues a special event such as {@code @introduceDomain}, which only domain 0 may hear. */
    void fireSpecial(String name) {
        for (Watch watch : byNode.getOrDefault(name, List.of())) {
            if (watch.watcher().domid() == Permissions.PRIVILEGED) {
                watch.watcher().fired(watch, name);
            }
        }
    }

    /**
     * Changes between two roots on their way to the watches. With one request a guest changes a
     * thousand nodes, each of which may have a thousand names: nodes are looked up for those that
     * somebody watches, once for all watches, and what is above a node once for all below it.
     */
    private final class Firing {
        private final NodeFinder before;
        private final NodeFinder after;

        /** Of paths, which are watched among themselves and what is above them, downmost first. */
        private final Map<StorePath, List<String>> watchedFrom = new HashMap<>();

        Firing(Node before, Node after) {
            this.before = new NodeFinder(before);
            this.after = new NodeFinder(after);
        }

        void tellThoseOn(StorePath changed) {
            if (byNode.containsKey(changed.text())) {
                tell(List.of(changed.text()), changed);
            }
        }

        void tellThoseFrom(StorePath changed) {
            List<String> watched = watchedFrom(changed);
            if (!watched.isEmpty()) {
                tell(watched, changed);
            }
        }

        private List<String> watchedFrom(StorePath path) {
            List<String> found = watchedFrom.get(path);
            if (found == null) {
                found = path.isRoot() ? List.of() : watchedFrom(path.parent());
                if (byNode.containsKey(path.text())) {
                    found = new ArrayList<>(found);
                    found.addFirst(path.text());
                }
                watchedFrom.put(path, found);
            }
            return found;
        }

        private void tell(List<String> watchedNodes, StorePath path) {
            Node parent = path.isRoot() ? null : after.find(path.parent());
            Changed changed = new Changed(before.find(path), after.find(path), parent);
            for (String node : watchedNodes) {
                for (Watch watch : byNode.get(node)) {
                    if (changed.mayBeHeardBy(watch.watcher().domid())) {
                        watch.watcher().fired(watch, watch.spell(path.text()));
                    }
                }
            }
        }
    }

    /**
     * What is at a path that changed, which says who may hear of it.
     *
     * @param before null if it was not there, and likewise the others
     */
    private record Changed(Node before, Node after, Node parent) {
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
