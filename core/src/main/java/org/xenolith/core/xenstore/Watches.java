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
                                case REMOVED_WITH_ANCESTOR -> fireOn(path, path, before, after);
                                case CHANGED -> {
                                    fireOn(path, path, before, after);
                                    for (StorePath up = path; !up.isRoot(); ) {
                                        up = up.parent();
                                        fireOn(up, path, before, after);
                                    }
                                }
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

    private void fireOn(StorePath watched, StorePath changed, Node before, Node after) {
        for (Watch watch : byNode.getOrDefault(watched.text(), List.of())) {
            if (mayHear(watch.watcher().domid(), changed, before, after)) {
                watch.watcher().fired(watch, watch.spell(changed.text()));
            }
        }
    }

    /** Whether the domain could read the node before, can now, or can read its parent. */
    private static boolean mayHear(int domid, StorePath changed, Node before, Node after) {
        return domid == Permissions.PRIVILEGED
                || mayRead(domid, Tree.find(before, changed))
                || mayRead(domid, Tree.find(after, changed))
                || !changed.isRoot() && mayRead(domid, Tree.find(after, changed.parent()));
    }

    private static boolean mayRead(int domid, Node node) {
        return node != null && node.permissions().mayRead(domid);
    }
}
