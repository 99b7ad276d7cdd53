/*
 * net.h: the door between system calls and the network. Addresses of processes' memory are u64 and
 * go through copy_from_user and copy_to_user; structures are Linux's.
 *
 * socket_file() makes the file; every other call gets a file whose ops are socket_ops.
 */
#ifndef NET_H
#define NET_H

#include "kernel.h"

extern const struct file_ops socket_ops; /* read, write, ioctl (SIOC...), poll, close */

void network_init(void); /* from the first kernel thread; may sleep; starts what else it needs */
void network_stop(void); /* the domain is about to end: say goodbye to the backend, if need be */

long socket_file(u32 family, u32 type, u32 protocol, struct file **made); /* -EAFNOSUPPORT */
long socket_bind(struct file *file, u64 address, u32 length);
long socket_connect(struct file *file, u64 address, u32 length);
long socket_listen(struct file *file, int backlog);
long socket_accept(struct file *file, u64 address, u64 length_address, struct file **accepted);
long socket_name(struct file *file, u64 address, u64 length_address, int peer);
/* From and to a process's memory. `address` may be 0. */
long socket_send(struct file *file, u64 from, u64 n, u32 flags, u64 address, u32 length);
long socket_receive(struct file *file, u64 to, u64 n, u32 flags, u64 address,
                    u64 length_address);
long socket_option(struct file *file, int set, u32 level, u32 name, u64 value, u64 length);
long socket_shutdown(struct file *file, u32 how);

#endif
