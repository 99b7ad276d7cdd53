/* syscall.c: the table of system calls, and those that fit nowhere else. The others stand where what they are
 * about is: file.c, vfs.c, socket.c, task.c, space.c, signal.c, exec.c. */
#include "kernel.h"

long sys_getpgid(u64 pid) {
    struct task *task = (int)pid == 0 ? current : task_by_pid(pid);
    return task == 0 ? -ESRCH : task->group;
}

long sys_setpgid(u64 pid, u64 group) {
    struct task *task = (int)pid == 0 ? current : task_by_pid(pid);
    if (task == 0 || (task != current && task->parent != current)) return -ESRCH;
    task->group = (int)group <= 0 ? task->pid : (int)group;
    return 0;
}

long sys_arch_prctl(u64 what, u64 address) {
    if (what != ARCH_SET_FS) return -EINVAL;
    if (address >= USER_END) return -EPERM;
    current->fs_base = address;
    task_load(current);
    return 0;
}

long sys_fork(void) { return sys_clone(0, 0, 0, 0); }
long sys_exit(u64 status) { do_exit((status & 0xff) << 8); }
long sys_getpid(void) { return current->pid; }
long sys_getppid(void) { return current->parent == 0 ? 0 : current->parent->pid; }
long sys_getpgrp(void) { return current->group; }
long sys_setsid(void) { return current->group = current->pid; } /* one terminal makes one session */
long sys_nothing(void) { return 0; } /* what they want is the case anyway */

long sys_clock_gettime(u64 clock, u64 to) {
    u64 nanos = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? wall_clock()
                : clock == CLOCK_PROCESS_CPUTIME_ID ? current->user_time : uptime();
    struct timespec time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND};
    return copy_to_user(to, &time, sizeof(time));
}

long sys_gettimeofday(u64 to) {
    u64 nanos = wall_clock();
    struct timespec time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND / NANOS_PER_MICRO};
    return to == 0 ? 0 : copy_to_user(to, &time, sizeof(time));
}

long sys_time(u64 to) {
    long seconds = wall_clock() / NANOS_PER_SECOND;
    return to != 0 && copy_to_user(to, &seconds, 8) != 0 ? -EFAULT : seconds;
}

/* Of any clock, for as long as the time is not a date. */
long sys_clock_nanosleep(u64 clock, u64 is_date, u64 wish, u64 left) {
    struct timespec time;
    if (copy_from_user(&time, wish, sizeof(time)) != 0) return -EFAULT;
    if (is_date || time.tv_sec < 0 || (u64)time.tv_nsec >= NANOS_PER_SECOND) return -EINVAL;
    u64 deadline = now() + time.tv_sec * NANOS_PER_SECOND + time.tv_nsec;
    long error = 0, rest;
    while (error == 0) error = wait(&deadline, deadline);
    if (error == -ETIMEDOUT || (rest = deadline - now()) <= 0) return 0;
    time = (struct timespec){rest / NANOS_PER_SECOND, rest % NANOS_PER_SECOND};
    return left != 0 && copy_to_user(left, &time, sizeof(time)) != 0 ? -EFAULT : -EINTR;
}

long sys_nanosleep(u64 wish, u64 left) { return sys_clock_nanosleep(0, 0, wish, left); }

static struct utsname names = {.sysname = "Linux", .nodename = "hearth", .release = "6.1.0-hearth",
                               .version = "#1 hearth on Xen", .machine = "x86_64", .domain = "(none)"};

long sys_uname(u64 to) { return copy_to_user(to, &names, sizeof(names)); }

long sys_sethostname(u64 name, u64 length) {
    if (length >= sizeof(names.nodename)) return -EINVAL;
    memset(names.nodename, 0, sizeof(names.nodename));
    return copy_from_user(names.nodename, name, length);
}

long sys_sysinfo(u64 to) {
    struct sysinfo info = {.uptime = uptime() / NANOS_PER_SECOND, .totalram = pages_total,
                           .freeram = pages_free, .mem_unit = PAGE_SIZE};
    for (struct task *task = tasks; task != 0; task = task->next) info.procs++;
    return copy_to_user(to, &info, sizeof(info));
}

long sys_reboot(u64 magic, u64 magic2, u64 command) {
    int again = command == 0x01234567, off = command == 0x4321fedc || command == 0xcdef0123;
    if (magic != 0xfee1dead || magic2 == 0 || (!again && !off)) return -EINVAL;
    power_off(again ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}

/* ---- The table: numbers, and functions sys_NAME. Their types differ in how many arguments they look at - */
#define PLAIN_CALLS(_) \
    _(3, close) _(7, poll) _(9, mmap) _(10, mprotect) _(11, munmap) _(12, brk) _(13, rt_sigaction) \
    _(14, rt_sigprocmask) _(15, rt_sigreturn) _(22, pipe) _(34, pause) _(35, nanosleep) _(37, alarm) \
    _(38, setitimer) _(39, getpid) _(41, socket) _(56, clone) _(57, fork) _(58, fork) _(59, execve) \
    _(60, exit) _(61, wait4) _(62, kill) _(63, uname) _(72, fcntl) _(74, sync) _(75, sync) _(79, getcwd) \
    _(82, rename) _(96, gettimeofday) _(99, sysinfo) _(109, setpgid) _(110, getppid) _(111, getpgrp) \
    _(112, setsid) _(121, getpgid) _(130, rt_sigsuspend) _(158, arch_prctl) _(162, sync) _(165, mount) \
    _(169, reboot) _(170, sethostname) _(186, getpid) _(200, kill) _(201, time) _(218, getpid) \
    _(228, clock_gettime) _(230, clock_nanosleep) _(231, exit) _(234, tgkill) _(264, renameat) \
    _(293, pipe2) _(316, renameat)
/* Done already: who one is and who owns what (root, always), and advice: madvise, sigaltstack, prctl, ... */
#define DONE_CALLS(_) \
    _(28) _(54) _(92) _(93) _(94) _(95) _(102) _(104) _(105) _(106) _(107) _(108) _(113) _(114) _(116) \
    _(117) _(119) _(131) _(141) _(157) _(160) _(221) _(260) _(273)
/* These get a struct file * in the place of its number, */
#define FILE_CALLS(_) \
    _(0, read) _(1, write) _(8, lseek) _(16, ioctl) _(19, readv) _(20, writev) _(32, dup) \
    _(33, dup2) _(217, getdents64) _(292, dup3)
/* these as well, which must be a socket's, */
#define SOCKET_CALLS(_) \
    _(42, connect) _(43, accept) _(44, sendto) _(45, recvfrom) _(48, shutdown) _(49, bind) _(50, listen)
/* these a struct place * with the inode of an open file, */
#define INODE_CALLS(_) _(5, stat) _(77, truncate) _(81, chdir) _(91, chmod)
/* and these the struct place * to which a path leads; AT: there is a directory's number in front of it. */
#define PATH_CALLS(_) \
    _(2, FOLLOW, open) _(4, FOUND, stat) _(6, EXISTS, stat) _(21, FOUND, access) _(76, FOUND, truncate) \
    _(80, FOUND, chdir) _(83, 0, mkdir) _(84, 0, rmdir) _(87, 0, unlink) \
    _(89, EXISTS, readlink) _(90, FOUND, chmod) _(166, FOUND, umount2) _(257, AT | FOLLOW, open) \
    _(258, AT, mkdir) _(262, AT | EXISTS, newfstatat) _(263, AT, unlinkat) _(267, AT | EXISTS, readlink) \
    _(268, AT | FOUND, chmod) _(269, AT | FOUND, access) _(280, AT | FOUND, utimensat)

enum {
    FILE = 1, SOCKET = 2, INODE = 4, PATH = 8, AT = 16,
    FOLLOW = 32, EXISTS = 64, FOUND = FOLLOW | EXISTS, /* where a symbolic link leads; and it is there */
};

#define DECLARE(number, name)            extern long sys_##name();
#define DECLARE_PATH(number, kind, name) extern long sys_##name();
#define PLAIN_ENTRY(number, name)        [number] = {(void *)sys_##name, 0},
#define DONE_ENTRY(number)               [number] = {(void *)sys_nothing, 0},
#define FILE_ENTRY(number, name)         [number] = {(void *)sys_##name, FILE},
#define SOCKET_ENTRY(number, name)       [number] = {(void *)sys_##name, FILE | SOCKET},
#define INODE_ENTRY(number, name)        [number] = {(void *)sys_##name, INODE},
#define PATH_ENTRY(number, kind, name)   [number] = {(void *)sys_##name, PATH | kind},
PLAIN_CALLS(DECLARE) FILE_CALLS(DECLARE) SOCKET_CALLS(DECLARE) INODE_CALLS(DECLARE) PATH_CALLS(DECLARE_PATH)
static const struct call { long (*function)(u64, u64, u64, u64, u64, u64); u32 kind; } calls[] = {
    PLAIN_CALLS(PLAIN_ENTRY) DONE_CALLS(DONE_ENTRY) FILE_CALLS(FILE_ENTRY) SOCKET_CALLS(SOCKET_ENTRY)
    INODE_CALLS(INODE_ENTRY) PATH_CALLS(PATH_ENTRY)};

static long call_with_place(const struct call *call, u64 first, const u64 *rest) {
    u64 at = call->kind & (INODE | AT) ? first : (u64)AT_FDCWD;
    u64 path = call->kind & INODE ? 0 : call->kind & AT ? *rest++ : first;
    struct place place;
    long error = place_of(at, path, call->kind & FOLLOW, &place);
    if (error != 0) return error;
    if (call->kind & EXISTS && place.inode == 0) error = -ENOENT;
    else error = call->function((u64)&place, rest[0], rest[1], rest[2], 0, 0);
    place_put(&place);
    return error;
}

static long perform(u64 number, u64 first, const u64 *rest) {
    const struct call *call = &calls[number];
    struct file *file = file_by_number(first);
    if (number >= ARRAY_SIZE(calls) || call->function == 0) return -ENOSYS;
    if (call->kind & (INODE | PATH)) return call_with_place(call, first, rest);
    if (call->kind & FILE && file == 0) return -EBADF;
    if (call->kind & SOCKET && file->ops != &socket_ops) return -ENOTSOCK;
    return call->function(call->kind & FILE ? (u64)file : first, rest[0], rest[1], rest[2], rest[3], rest[4]);
}

void system_call(struct registers *regs) {
    u64 rest[] = {regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
    regs->error_code = regs->rax; /* for starting it again; see restart() in signal.c */
    regs->rax = perform(regs->rax, regs->rdi, rest);
}
