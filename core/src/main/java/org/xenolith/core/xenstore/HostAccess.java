package org.xenolith.core.xenstore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The toolstack's operations in terms of one view. */
final class HostAccess implements StoreAccess {
    private final View view;

    HostAccess(View view) {
        this.view = view;
    }

    @Override
    public Optional<byte[]> readBytes(String path) {
        StorePath parsed = parse(path);
        return view.exists(parsed)
                ? Optional.of(view.read(parsed).value().clone())
                : Optional.empty();
    }

    @Override
    public List<String> list(String path) {
        StorePath parsed = parse(path);
        return view.exists(parsed) ? List.copyOf(view.read(parsed).children().keySet()) : List.of();
    }

    @Override
    public void writeBytes(String path, byte[] value) {
        view.write(parse(path), value.clone());
    }

    @Override
    public void mkdir(String path) {
        view.mkdir(parse(path));
    }

    @Override
    public void rm(String path) {
        StorePath parsed = parse(path);
        if (view.exists(parsed)) {
            view.rm(parsed);
        }
    }

    @Override
    public Permissions perms(String path) {
        return view.read(parse(path)).permissions();
    }

    @Override
    public void setPerms(String path, Permissions permissions) {
        view.setPermissions(parse(path), permissions);
    }

    @Override
    public List<NodeState> save(String path) {
        StorePath parsed = parse(path);
        List<NodeState> nodes = new ArrayList<>();
        if (view.exists(parsed)) {
            collect(parsed, view.read(parsed), nodes);
        }
        return nodes;
    }

    private static void collect(StorePath path, Node node, List<NodeState> nodes) {
        nodes.add(new NodeState(path.text(), node.value().clone(), node.permissions()));
        node.children().forEach((name, child) -> collect(path.child(name), child, nodes));
    }

    private static StorePath parse(String path) {
        return StorePath.parse(path, Permissions.PRIVILEGED, Quota.DEFAULT);
    }
}
