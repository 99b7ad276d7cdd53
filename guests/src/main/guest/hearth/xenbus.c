/*
 * xenbus.c: how the two halves of a driver find each other. The tools have written two nodes into
 * the store, ours and the backend's, each with the path of the other. Then:
 *
 *      backend: state 2, here is what I can do       we: wait for it
 *      we: here are my ring and event channel,       backend: waits for that, connects
 *          state 3, or 4 for a network card
 *      backend: state 4, here are the disk's size... we: state 4; work begins
 */
#include "device.h"

#define PATIENCE (5 * NANOS_PER_SECOND)

static void join(char *to, u64 room, const char *path, const char *key) {
    struct text text = {.bytes = to, .room = room - 1};
    text_add(&text, "%s/%s", path, key);
    to[text.length] = '\0';
}

/* The backend's state has changed. Whoever waits for that may go on; and when it says good-bye, so
 * do we. */
static void state_changed(struct xenstore_watch *watch, const char *changed) {
    struct xenbus_device *device =
            (struct xenbus_device *)((char *)watch - __builtin_offsetof(struct xenbus_device, watch));
    (void)changed;
    device->backend_state = xenstore_read_number(watch->path, XENBUS_UNKNOWN);
    if (device->backend_state >= XENBUS_CLOSING) xenbus_write_number(device, "state", XENBUS_CLOSED);
    wakeup(device);
}

long xenbus_open(struct xenbus_device *device, const char *path) {
    char key[sizeof(device->path) + 16];
    copy_string(device->path, path, sizeof(device->path));
    join(key, sizeof(key), path, "backend");
    if (xenstore_read(key, device->backend, sizeof(device->backend)) <= 0) return -ENODEV;
    join(key, sizeof(key), path, "backend-id");
    device->backend_domain = xenstore_read_number(key, 0);
    join(device->watched, sizeof(device->watched), device->backend, "state");
    device->watch = (struct xenstore_watch){.path = device->watched, .changed = state_changed};
    return xenstore_watch(&device->watch) < 0 ? -ENODEV : 0;
}

long xenbus_await(struct xenbus_device *device, enum xenbus_state state) {
    while (device->backend_state < state) {
        if (wait(device, now() + PATIENCE) == -ETIMEDOUT) return -ETIMEDOUT;
    }
    return device->backend_state > XENBUS_CONNECTED ? -ENODEV : 0;
}

u64 xenbus_offer(struct xenbus_device *device, const char *key) {
    char path[sizeof(device->backend) + 48];
    join(path, sizeof(path), device->backend, key);
    return xenstore_read_number(path, 0);
}

void xenbus_write(struct xenbus_device *device, const char *key, const char *value) {
    char path[sizeof(device->path) + 48];
    join(path, sizeof(path), device->path, key);
    xenstore_write(path, value);
}

void xenbus_write_number(struct xenbus_device *device, const char *key, u64 number) {
    char path[sizeof(device->path) + 48];
    join(path, sizeof(path), device->path, key);
    xenstore_write_number(path, number);
}

void *xenbus_ring(struct xenbus_device *device, const char *key) {
    struct ring_indices *ring = page_alloc();
    if (ring == 0) return 0;
    long reference = grant_give(device->backend_domain, ring, 0);
    if (reference < 0) return 0;
    ring->req_event = ring->rsp_event = 1;
    xenbus_write_number(device, key, reference);
    return ring;
}
