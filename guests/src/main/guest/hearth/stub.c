/* stub.c: what is still to come. */
#include "net.h"
#include "block.h"
struct mount *mounts;
void disks_init(void) {}
void disk_files_init(void) {}
void network_init(void) {}
void network_stop(void) {}
void vfs_init(void) {}
void devices_init(void) {}
void proc_init(void) {}
void initrd_unpack(void) {}
int signal_waiting(struct task *t) { (void)t; return 0; }
void signals_deliver(struct registers *r) { (void)r; }
void signal_send(struct task *t, int s) { (void)t; (void)s; }
void signal_fault(int s, u64 a) { (void)s; (void)a; }
void system_call(struct registers *r) { (void)r; }
void do_exit(int status) { (void)status; panic("exit"); }
long space_fault(struct space *s, u64 a, u32 b) { (void)s; (void)a; (void)b; return -EFAULT; }
void tty_input(char c) { printk("%c", c); if (c == 'q') power_off(0); }
void start_init(void *n) {
    (void)n;
    char name[64];
    xenstore_read("name", name, 64);
    printk("hearth: I am %s; no programs yet. q powers off.\n", name);
    for (;;) { sleep_until(now() + NANOS_PER_SECOND); }
}
