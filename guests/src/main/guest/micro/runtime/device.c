/*
 * device.c: the handshake of a device. Each half, ours and the backend's, has a folder in xenstore
 * with a node "state"; who is ready for the next step says so there.
 */
#include "micro.h"

static char own[64], backend[128];

static void join(char *path, const char *folder, const char *name) {
    u64 length = strlen(folder);
    memcpy(path, folder, length);
    path[length] = '/';
    memcpy(path + length + 1, name, strlen(name) + 1);
}

static const char *in(const char *folder, const char *name) {
    static char path[256];
    join(path, folder, name);
    return path;
}

void device_find(const char *folder) {
    NEED(strlen(folder) < sizeof(own), "%s is too long", folder);
    memcpy(own, folder, strlen(folder) + 1);
    const char *path = store_read(in(own, "backend"));
    if (path == 0) skip("this domain has no %s", folder);
    NEED(strlen(path) < sizeof(backend), "%s is too long", path);
    memcpy(backend, path, strlen(path) + 1);
}

void device_write(const char *name, u64 value) {
    store_write_number(in(own, name), value);
}

u64 device_backend_read(const char *name, u64 otherwise) {
    return store_read_number(in(backend, name), otherwise);
}

/* A real driver would set a watch on the backend's state; we ask again and again. */
void device_switch(u64 state, u64 awaited) {
    u64 deadline = give_up_at();
    if (state != 0) device_write("state", state);
    while (device_backend_read("state", 0) != awaited) {
        EXPECT(now() < deadline, "the backend is in state %lu, not in %lu",
               device_backend_read("state", 0), awaited);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
}
