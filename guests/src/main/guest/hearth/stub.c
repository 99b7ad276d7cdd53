/* stub.c: what is still to come. */
#include "net.h"
#include "block.h"
void disks_init(void) {}
void disk_files_init(void) {}
void network_init(void) {}
void network_stop(void) {}
const struct file_ops socket_ops;
long socket_file(u32 f, u32 t, u32 p, struct file **m) { (void)f, (void)t, (void)p, (void)m; return -EAFNOSUPPORT; }
long socket_bind(struct file *file, u64 a, u32 l) { (void)file, (void)a, (void)l; return -EINVAL; }
long socket_connect(struct file *file, u64 a, u32 l) { (void)file, (void)a, (void)l; return -EINVAL; }
long socket_listen(struct file *file, int b) { (void)file, (void)b; return -EINVAL; }
long socket_accept(struct file *file, u64 a, u64 l, struct file **m) { (void)file, (void)a, (void)l, (void)m; return -EINVAL; }
long socket_name(struct file *file, u64 a, u64 l, int p) { (void)file, (void)a, (void)l, (void)p; return -EINVAL; }
long socket_send(struct file *file, u64 from, u64 n, u32 f, u64 a, u32 l) { (void)file, (void)from, (void)n, (void)f, (void)a, (void)l; return -EINVAL; }
long socket_receive(struct file *file, u64 to, u64 n, u32 f, u64 a, u64 l) { (void)file, (void)to, (void)n, (void)f, (void)a, (void)l; return -EINVAL; }
long socket_option(struct file *file, int s, u32 l, u32 n, u64 v, u64 le) { (void)file, (void)s, (void)l, (void)n, (void)v, (void)le; return -EINVAL; }
long socket_shutdown(struct file *file, u32 how) { (void)file, (void)how; return -EINVAL; }
