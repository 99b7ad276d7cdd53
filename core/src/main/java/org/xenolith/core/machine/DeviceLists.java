package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.devices.console.Escaped;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * What xenstore says of a guest's devices of a type: both ends' keys, and those of each queue where
 * a frontend has several. public/io/netif.h and public/io/blkif.h, "Multi-queue support".
 */
final class DeviceLists {
    /** As Xen's tools write a device's number in a path: decimal, and it fits an int. */
    private static final Pattern DEVICE_NUMBER = Pattern.compile("\\d{1,9}");

    private static final String QUEUE = "queue-";

    /** No frontend gets more: a guest may write what it likes there. */
    private static final int MAX_QUEUES = 64;

    private static final String[] CHANNELS = {
        "event-channel", "event-channel-tx", "event-channel-rx"
    };
    private static final String[] RINGS = {"ring-ref", "tx-ring-ref", "rx-ring-ref"};

    private final Xenstore store;

    private DeviceLists(Xenstore store) {
        this.store = store;
    }

    /**
     * @param type vif or vbd
     */
    static JsonArray of(Xenstore store, Guest guest, String type) {
        DeviceLists lists = new DeviceLists(store);
        JsonArray devices = new JsonArray();
        for (String name : store.list(guest.tree().home() + "/device/" + type)) {
            if (DEVICE_NUMBER.matcher(name).matches()) { // else none of ours
                devices.add(lists.device(guest.id(), type, Integer.parseInt(name)));
            }
        }
        return devices;
    }

    private JsonObject device(int domId, String type, int id) {
        String frontend = DomainTree.frontendPath(domId, type, id);
        String backend = DomainTree.backendPath(domId, type, id);
        JsonObject device = new JsonObject();
        device.addProperty("id", id);
        device.addProperty("backend_id", 0);
        device.addProperty("backend_path", backend);
        // The frontend's keys are the guest's to write, and somebody's terminal shows them.
        copy(device, frontend, Escaped::of, "handle", "state");
        copyRings(device, frontend);
        JsonArray queues = queues(frontend);
        if (!queues.isEmpty()) {
            device.add("queues", queues);
        }
        copy(device, backend, text -> text, "mac", "params", "dev", "mode");
        return device;
    }

    private JsonArray queues(String frontend) {
        List<Integer> numbers =
                store.list(frontend).stream()
                        .filter(name -> name.startsWith(QUEUE))
                        .map(name -> name.substring(QUEUE.length()))
                        .filter(number -> DEVICE_NUMBER.matcher(number).matches())
                        .map(Integer::parseInt)
                        .sorted(Comparator.naturalOrder())
                        .limit(MAX_QUEUES)
                        .toList();
        JsonArray queues = new JsonArray();
        for (int number : numbers) {
            JsonObject queue = new JsonObject();
            queue.addProperty("queue", number);
            copyRings(queue, frontend + "/" + QUEUE + number);
            queues.add(queue);
        }
        return queues;
    }

    private void copyRings(JsonObject device, String directory) {
        copy(device, directory, Escaped::of, CHANNELS);
        copy(device, directory, Escaped::of, RINGS);
    }

    private void copy(
            JsonObject device, String directory, UnaryOperator<String> form, String... keys) {
        for (String key : keys) {
            store.read(directory + "/" + key)
                    .map(form)
                    .ifPresent(text -> device.addProperty(key.toLowerCase(Locale.ROOT), text));
        }
    }
}
