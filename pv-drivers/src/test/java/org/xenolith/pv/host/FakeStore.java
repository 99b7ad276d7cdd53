package org.xenolith.pv.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A store in a test: values by path, and watches that fire at once. */
public final class FakeStore implements Store {
    private record Watcher(String path, Runnable changed) {}

    private final TreeMap<String, String> values = new TreeMap<>();
    private final List<Watcher> watchers = new ArrayList<>();

    /** What was written, in order, {@code path=value}. */
    public final List<String> history = new ArrayList<>();

    @Override
    public Optional<String> read(String path) {
        return Optional.ofNullable(values.get(path));
    }

    @Override
    public void write(Map<String, String> changes) {
        changes.forEach(
                (path, value) -> {
                    values.put(path, value);
                    history.add(path + "=" + value);
                });
        changes.keySet().forEach(this::fire);
    }

    /** Removes a node and all below it. */
    public void remove(String path) {
        values.keySet().removeIf(key -> key.equals(path) || key.startsWith(path + "/"));
        fire(path);
    }

    private void fire(String path) {
        for (Watcher watcher : List.copyOf(watchers)) {
            if (path.startsWith(watcher.path) || watcher.path.startsWith(path + "/")) {
                watcher.changed.run();
            }
        }
    }

    public int watches() {
        return watchers.size();
    }

    @Override
    public Watch watch(String path, Runnable changed) {
        Watcher watcher = new Watcher(path, changed);
        watchers.add(watcher);
        changed.run();
        return () -> watchers.remove(watcher);
    }
}
