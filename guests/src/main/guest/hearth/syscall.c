/*
 * syscall.c: the table of system calls, and those that fit nowhere else. The others stand where what they are
 * about is: file.c, names.c, vfs.c, pipe.c, task.c, signal.c, exec.c.
 */
#include "kernel.h"

/* ---- Processes ---------------------------------------------------------------------------------------- */

static struct task *task_or_self(u64 pid) {
    return (int)pid == 0 ? current : task_by_pid(pid);
}

long sys_getpgid(u64 pid) {
    struct task *task = task_or_self(pid);
    return task == 0 ? -ESRCH : task->group;
}

long sys_getsid(u64 pid) {
    struct task *task = task_or_self(pid);
    return task == 0 ? -ESRCH : task->session;
}

long sys_setpgid(u64 pid, u64 group) {
    struct task *task = task_or_self(pid);
    if (task == 0 || (task != current && task->parent != current)) return -ESRCH;
    if (task->session != current->session || task->session == task->pid || (int)group < 0) return -EPERM;
    task->group = (int)group == 0 ? task->pid : (int)group;
    return 0;
}

long sys_setsid(void) {
    if (current->group == current->pid) return -EPERM;
    return current->session = current->group = current->pid;
}

long sys_arch_prctl(u64 what, u64 address) {
    if (what != ARCH_SET_FS) return -EINVAL;
    if (address >= USER_END) return -EPERM;
    current->fs_base = address;
    task_load(current);
    return 0;
}

long sys_sched_yield(void) {
    schedule();
    return 0;
}

long sys_fork(void) { return sys_clone(0, 0, 0, 0, 0); }
long sys_exit(u64 status) { do_exit((status & 0xff) << 8); }
long sys_getpid(void) { return current->pid; }
long sys_getppid(void) { return current->parent == 0 ? 0 : current->parent->pid; }
long sys_getpgrp(void) { return current->group; }
long sys_zero(void) { return 0; } /* whoever asks is root, and what they want is the case anyway */

/* ---- Memory ------------------------------------------------------------------------------------------- */

long sys_brk(u64 end) {
    return space_brk(current->space, end);
}

long sys_mmap(u64 address, u64 length, u64 prot, u64 flags, u64 fd, u64 offset) {
    struct file *file = flags & MAP_ANONYMOUS ? 0 : file_by_number(fd);
    struct inode *inode = file == 0 ? 0 : file->inode, *shared = 0;
    struct area area = {.start = address, .end = address + ROUND_UP(length, PAGE_SIZE), .prot = prot & 7,
                        .flags = flags & (MAP_SHARED | MAP_PRIVATE), .offset = offset, .file_end = ~0ul};
    if ((address | offset) % PAGE_SIZE != 0 && flags & MAP_FIXED) return -EINVAL;
    if (flags & MAP_ANONYMOUS) {
        area.offset = 0;
        /* Shared with whom we fork: a file without a name. */
        if (flags & MAP_SHARED && (inode = shared = memory_inode(S_IFREG)) == 0) return -ENOMEM;
    } else if (inode == 0 || !S_IS(inode->mode, REG) || (flags & MAP_SHARED && inode->ops->page == 0)) {
        return file == 0 ? -EBADF : -ENODEV;
    }
    area.inode = inode;
    long result = space_map(current->space, &area, (flags & MAP_FIXED) != 0);
    inode_put(shared);
    return result;
}

long sys_munmap(u64 address, u64 length) {
    if (address % PAGE_SIZE != 0 || length == 0 || length > USER_END) return -EINVAL;
    return space_unmap(current->space, address, address + ROUND_UP(length, PAGE_SIZE));
}

long sys_mprotect(u64 address, u64 length, u64 prot) {
    if (address % PAGE_SIZE != 0 || length > USER_END) return -EINVAL;
    return space_protect(current->space, address, address + ROUND_UP(length, PAGE_SIZE), prot & 7);
}

/* ---- Time --------------------------------------------------------------------------------------------- */

static u64 read_clock(u64 clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? wall_clock()
           : clock == CLOCK_PROCESS_CPUTIME_ID ? current->user_time : uptime();
}

long sys_clock_gettime(u64 clock, u64 to) {
    u64 nanos = read_clock(clock);
    struct timespec time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND};
    return copy_to_user(to, &time, sizeof(time));
}

long sys_gettimeofday(u64 to) {
    u64 nanos = wall_clock();
    struct timeval time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND / NANOS_PER_MICRO};
    return to == 0 ? 0 : copy_to_user(to, &time, sizeof(time));
}

long sys_time(u64 to) {
    long seconds = wall_clock() / NANOS_PER_SECOND;
    return to != 0 && copy_to_user(to, &seconds, 8) != 0 ? -EFAULT : seconds;
}

long sys_clock_nanosleep(u64 clock, u64 flags, u64 wish, u64 left_address) {
    struct timespec time;
    if (copy_from_user(&time, wish, sizeof(time)) != 0) return -EFAULT;
    if (time.tv_sec < 0 || (u64)time.tv_nsec >= NANOS_PER_SECOND) return -EINVAL;
    u64 deadline = time.tv_sec * NANOS_PER_SECOND + time.tv_nsec + now();
    if (flags & TIMER_ABSTIME) deadline -= read_clock(clock);
    long error = 0;
    while (error == 0) error = wait(&deadline, deadline);
    if (error == -ETIMEDOUT) return 0;
    u64 left = deadline - now();
    time = (struct timespec){left / NANOS_PER_SECOND, left % NANOS_PER_SECOND};
    if (left_address != 0 && !(flags & TIMER_ABSTIME)) copy_to_user(left_address, &time, sizeof(time));
    return -EINTR;
}

long sys_nanosleep(u64 wish, u64 left) {
    return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, wish, left);
}

/* ---- The system --------------------------------------------------------------------------------------- */

static struct utsname names = {.sysname = "Linux", .nodename = "hearth", .release = "6.1.0-hearth",
                               .version = "#1 hearth on Xen", .machine = "x86_64", .domain = "(none)"};

long sys_uname(u64 to) {
    return copy_to_user(to, &names, sizeof(names));
}

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

long sys_getrandom(u64 to, u64 n) {
    u64 words[32];
    for (u32 i = 0; i < ARRAY_SIZE(words); i++) words[i] = random64();
    n = MIN(n, sizeof(words));
    return copy_to_user(to, words, n) != 0 ? -EFAULT : (long)n;
}

long sys_reboot(u64 magic, u64 magic2, u64 command) {
    if (magic != 0xfee1dead || magic2 == 0) return -EINVAL;
    if (command == 0x01234567) power_off(SHUTDOWN_reboot);
    if (command == 0x4321fedc || command == 0xcdef0123) power_off(SHUTDOWN_poweroff);
    return 0; /* what Ctrl-Alt-Del shall do */
}

/* ---- The table ---------------------------------------------------------------------------------------- */

/* Number, and function sys_NAME. Their types differ in how many arguments they look at. */
#define SYSTEM_CALLS(_) \
    _(0, read) _(1, write) _(2, open) _(3, close) _(4, stat) _(5, fstat) _(6, lstat) _(7, poll) _(8, lseek) \
    _(9, mmap) _(10, mprotect) _(11, munmap) _(12, brk) _(13, rt_sigaction) _(14, rt_sigprocmask) \
    _(15, rt_sigreturn) _(16, ioctl) _(17, pread64) _(18, pwrite64) _(19, readv) _(20, writev) _(21, access) \
    _(22, pipe) _(23, select) _(24, sched_yield) _(32, dup) _(33, dup2) _(34, pause) _(35, nanosleep) \
    _(37, alarm) _(38, setitimer) _(39, getpid) _(41, socket) _(56, clone) _(57, fork) _(58, fork) \
    _(59, execve) _(60, exit) _(61, wait4) _(62, kill) _(63, uname) _(72, fcntl) _(74, sync) _(75, sync) \
    _(77, ftruncate) _(79, getcwd) _(80, chdir) _(82, rename) _(83, mkdir) _(84, rmdir) _(85, creat) _(86, link) \
    _(87, unlink) _(88, symlink) _(89, readlink) _(90, chmod) _(91, fchmod) _(95, umask) _(96, gettimeofday) \
    _(99, sysinfo) _(109, setpgid) _(110, getppid) _(111, getpgrp) _(112, setsid) _(121, getpgid) \
    _(124, getsid) _(130, rt_sigsuspend) _(158, arch_prctl) _(162, sync) _(165, mount) _(166, umount2) \
    _(169, reboot) _(170, sethostname) _(186, getpid) _(200, kill) _(201, time) _(217, getdents64) \
    _(218, getpid) _(228, clock_gettime) _(230, clock_nanosleep) _(231, exit) _(234, tgkill) _(257, openat) \
    _(258, mkdirat) _(262, newfstatat) _(263, unlinkat) _(264, renameat) _(265, linkat) _(266, symlinkat) \
    _(267, readlinkat) _(268, fchmodat) _(269, faccessat) _(270, pselect6) _(271, ppoll) _(280, utimensat) \
    _(292, dup3) _(293, pipe2) _(316, renameat) _(318, getrandom) _(439, faccessat) \
    /* who one is, and who owns what: root, always */ \
    _(92, zero) _(93, zero) _(94, zero) _(102, zero) _(104, zero) _(105, zero) _(106, zero) _(107, zero) \
    _(108, zero) _(113, zero) _(114, zero) _(115, zero) _(116, zero) _(117, zero) _(119, zero) _(122, zero) \
    _(123, zero) _(260, zero) \
    /* advice: madvise, sigaltstack, setpriority, prctl, setrlimit, fadvise64, set_robust_list */ \
    _(28, zero) _(54, zero) _(131, zero) _(140, zero) _(141, zero) _(157, zero) _(160, zero) _(221, zero) _(273, zero)

/* Number, and function socket_NAME, which gets a file in the place of its number. */
#define SOCKET_CALLS(_) \
    _(42, connect) _(43, accept) _(44, sendto) _(45, recvfrom) _(48, shutdown) _(49, bind) _(50, listen) \
    _(51, getsockname) _(52, getpeername) _(55, getsockopt) _(288, accept4)

#define DECLARE(number, name)      extern long sys_##name();
#define ENTRY(number, name)        [number] = (void *)sys_##name,
SOCKET_CALLS(DECLARE)
#define SOCKET_ENTRY(number, name) [number] = (void *)sys_##name,
SYSTEM_CALLS(DECLARE)
typedef long (*system_call_function)(u64, u64, u64, u64, u64, u64);
static const system_call_function calls[] = {SYSTEM_CALLS(ENTRY)}, socket_calls[] = {SOCKET_CALLS(SOCKET_ENTRY)};

static long call(u64 number, struct registers *regs) {
    u64 first = regs->rdi;
    system_call_function function = number < ARRAY_SIZE(calls) ? calls[number] : 0;
    if (number < ARRAY_SIZE(socket_calls) && socket_calls[number] != 0) {
        struct file *file = file_by_number(first);
        if (file == 0) return -EBADF;
        if (file->ops != &socket_ops) return -ENOTSOCK;
        function = socket_calls[number];
        first = (u64)file;
    }
    if (function == 0) return -ENOSYS;
    return function(first, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9);
}

void system_call(struct registers *regs) {
    regs->error_code = regs->rax; /* for starting it again; see restart() in signal.c */
    regs->rax = call(regs->rax, regs);
}
