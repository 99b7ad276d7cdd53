/* xenbus.c: how the two halves of a driver find each other. The tools have written two nodes into the store,
 * ours and the backend's, each with the path of the other. We wait until the backend's state is 2; write
 * where our rings and event channel are, and state 3, or 4 for a network card; and wait for the backend's
 * state 4. */
#include "device.h"
#define PATIENCE   (5 * NANOS_PER_SECOND)
#define LOOK_EVERY (2 * NANOS_PER_MILLI)

static long await(struct xenbus_device *device, enum xenbus_state state) {
    for (u64 deadline = now() + PATIENCE; now() < deadline; sleep_until(now() + LOOK_EVERY)) {
        if (xenstore_number(device->backend, "state", 0) >= state) return 0;
    }
    return -ETIMEDOUT;
}

long xenbus_open(struct xenbus_device *device, const char *type, u32 number) {
    print_to(device->path, sizeof(device->path), "device/%s/%u", type, number);
    if (xenstore_read(device->path, "backend", device->backend, sizeof(device->backend)) <= 0) return -ENODEV;
    device->backend_domain = xenstore_number(device->path, "backend-id", 0);
    return await(device, XENBUS_INIT_WAIT);
}

void *xenbus_ring(struct xenbus_device *device, const char *key) {
    struct ring_indices *ring = page_alloc();
    long reference = ring == 0 ? -ENOMEM : grant_give(device->backend_domain, ring, 0);
    if (reference < 0) return 0;
    ring->req_event = ring->rsp_event = 1;
    xenstore_write_number(device->path, key, reference);
    return ring;
}

long xenbus_connect(struct xenbus_device *device, enum xenbus_state state, void (*handler)(void *)) {
    long port = event_alloc(device->backend_domain, handler, device);
    if (port < 0) return port;
    xenstore_write_number(device->path, "event-channel", device->port = port);
    xenstore_write_number(device->path, "state", state);
    return await(device, XENBUS_CONNECTED);
}
