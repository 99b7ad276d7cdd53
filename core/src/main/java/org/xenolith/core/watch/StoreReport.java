package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.xenstore.NodeState;
import org.xenolith.core.xenstore.StoreAccess;
import org.xenolith.devices.console.Escaped;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/** Nodes of xenstore. Values are whatever bytes somebody wrote; they come out escaped. */
public final class StoreReport {
    private static final int LIMIT = 20_000;

    private StoreReport() {}

    /** A node and all below it, parents first; empty when there is none. */
    public static JsonArray list(StoreAccess store, String path) {
        JsonArray nodes = new JsonArray();
        List<NodeState> all = store.save(path);
        for (NodeState node : all.subList(0, Math.min(all.size(), LIMIT))) {
            JsonObject row = new JsonObject();
            row.addProperty("path", node.path());
            row.addProperty("value", text(node.value()));
            row.addProperty(
                    "permissions",
                    node.permissions().entries().stream()
                            .map(Object::toString)
                            .collect(Collectors.joining(",")));
            nodes.add(row);
        }
        return nodes;
    }

    /** A value with everything but printable ASCII escaped. */
    public static String text(byte[] value) {
        return Escaped.of(new String(value, StandardCharsets.ISO_8859_1));
    }
}
