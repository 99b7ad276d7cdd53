/*
 * syscall.c: the table of system calls, and those that fit nowhere else. The others stand where what
 * they are about is: file.c, names.c, signal.c, exec.c.
 */
#include "net.h"

/* ---- Processes ------------------------------------------------------------------------------------------ */

long sys_fork(void) {
    return do_fork(0, 0, 0, 0);
}

long sys_vfork(void) {
    return do_fork(CLONE_VM | CLONE_VFORK, 0, 0, 0);
}

long sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls) {
    long pid = do_fork(flags, stack, child_tid, tls);
    int number = pid;
    if (pid > 0 && flags & CLONE_PARENT_SETTID) copy_to_user(parent_tid, &number, 4);
    return pid;
}

long sys_exit(u64 status) {
    do_exit((status & 0xff) << 8);
}

long sys_wait4(u64 pid, u64 status_address, u64 options, u64 usage) {
    int status = 0;
    long found = do_wait((int)pid, options, &status);
    if (found > 0 && status_address != 0 && copy_to_user(status_address, &status, 4) != 0) return -EFAULT;
    if (found > 0 && usage != 0) clear_user(usage, 144);
    return found;
}

long sys_getpid(void) { return current->pid; }
long sys_getppid(void) { return current->parent == 0 ? 0 : current->parent->pid; }
long sys_getpgrp(void) { return current->group; }
long sys_zero(void) { return 0; } /* whoever asks is root, and what they want is the case anyway */

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

long sys_set_tid_address(u64 address) {
    current->clear_tid = address;
    return current->pid;
}

long sys_arch_prctl(u64 what, u64 address) {
    if ((what == ARCH_SET_FS || what == ARCH_SET_GS) && address >= USER_END) return -EPERM;
    switch (what) {
    case ARCH_SET_FS: current->fs_base = address; break;
    case ARCH_SET_GS: current->gs_base = address; break;
    case ARCH_GET_FS: return copy_to_user(address, &current->fs_base, 8);
    case ARCH_GET_GS: return copy_to_user(address, &current->gs_base, 8);
    default: return -EINVAL;
    }
    task_load();
    return 0;
}

long sys_prctl(u64 what, u64 name) {
    char text[sizeof(current->name)];
    if (what != 15) return 0; /* PR_SET_NAME */
    long length = string_from_user(text, name, sizeof(text));
    if (length == -EFAULT) return length;
    text[sizeof(text) - 1] = '\0';
    copy_string(current->name, text, sizeof(text));
    return 0;
}

long sys_sched_yield(void) {
    schedule();
    return 0;
}

long sys_sched_getaffinity(u64 pid, u64 size, u64 to) {
    u64 mask = (1ul << cpu_count) - 1;
    (void)pid;
    return size < 8 ? -EINVAL : copy_to_user(to, &mask, 8) != 0 ? -EFAULT : 8;
}

long sys_prlimit64(u64 pid, u64 resource, u64 new, u64 old) {
    u64 limits[2] = {~0ul, ~0ul};
    (void)pid, (void)new;
    if (resource == 7) limits[0] = limits[1] = MAX_FILES; /* RLIMIT_NOFILE */
    if (resource == 3) limits[0] = 8ul << 20;             /* RLIMIT_STACK */
    return old == 0 ? 0 : copy_to_user(old, limits, sizeof(limits));
}

long sys_getrlimit(u64 resource, u64 to) {
    return sys_prlimit64(0, resource, 0, to);
}

long sys_getrusage(u64 who, u64 to) {
    struct timeval time = {current->user_time / NANOS_PER_SECOND,
                           current->user_time % NANOS_PER_SECOND / NANOS_PER_MICRO};
    (void)who;
    return clear_user(to, 144) != 0 ? -EFAULT : copy_to_user(to, &time, sizeof(time));
}

/* ---- Memory ------------------------------------------------------------------------------------------------ */

long sys_brk(u64 end) {
    return space_brk(current->space, end);
}

long sys_mmap(u64 address, u64 length, u64 prot, u64 flags, u64 fd, u64 offset) {
    struct file *file = file_by_number(fd);
    struct area area = {.start = address, .end = address + ROUND_UP(length, PAGE_SIZE),
                        .prot = prot & 7, .flags = flags & (MAP_SHARED | MAP_PRIVATE),
                        .offset = offset};
    struct inode *shared = 0;
    if ((address | offset) % PAGE_SIZE != 0 && flags & MAP_FIXED) return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        if (file == 0) return -EBADF;
        if (file->inode == 0 || !S_IS(file->inode->mode, REG)) return -ENODEV;
        if (flags & MAP_SHARED && file->inode->ops->page == 0) return -ENODEV;
        area.inode = file->inode;
    } else if (flags & MAP_SHARED) { /* shared with whom we fork: a file without a name */
        area.offset = 0;
        area.inode = shared = memory_inode(S_IFREG);
        if (shared == 0) return -ENOMEM;
    }
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

/* Grows by copying: programs that use it (realloc of large blocks) expect no more. */
long sys_mremap(u64 address, u64 old, u64 new, u64 flags) {
    old = ROUND_UP(old, PAGE_SIZE), new = ROUND_UP(new, PAGE_SIZE);
    if (new <= old) return new == old || sys_munmap(address + new, old - new) == 0 ? (long)address : -EINVAL;
    if (!(flags & MREMAP_MAYMOVE)) return -ENOMEM;
    long to = sys_mmap(0, new, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (u64 done = 0; to > 0 && done < old; done += PAGE_SIZE) {
        const void *page = space_reach(current->space, address + done, ACCESS_READ);
        if (page == 0 || copy_to_user(to + done, page, PAGE_SIZE) != 0) return -EFAULT;
    }
    if (to > 0) sys_munmap(address, old);
    return to;
}

/* ---- Time -------------------------------------------------------------------------------------------------- */

static u64 read_clock(u64 clock) {
    return clock == CLOCK_REALTIME || clock == 5 /* ..._COARSE */ ? wall_clock()
           : clock == CLOCK_PROCESS_CPUTIME_ID ? current->user_time : uptime();
}

long sys_clock_gettime(u64 clock, u64 to) {
    u64 nanos = read_clock(clock);
    struct timespec time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND};
    return copy_to_user(to, &time, sizeof(time));
}

long sys_clock_getres(u64 clock, u64 to) {
    struct timespec time = {0, 1};
    (void)clock;
    return to == 0 ? 0 : copy_to_user(to, &time, sizeof(time));
}

long sys_gettimeofday(u64 to, u64 zone) {
    u64 nanos = wall_clock();
    struct timeval time = {nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND / NANOS_PER_MICRO};
    if (zone != 0) clear_user(zone, 8);
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

long sys_times(u64 to) {
    u64 tick = NANOS_PER_SECOND / HZ;
    u64 times[4] = {current->user_time / tick, 0, current->children_time / tick, 0};
    if (to != 0 && copy_to_user(to, times, sizeof(times)) != 0) return -EFAULT;
    return uptime() / tick;
}

/* ---- The system --------------------------------------------------------------------------------------------- */

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
    u8 bytes[256];
    n = MIN(n, sizeof(bytes));
    random_bytes(bytes, n);
    return copy_to_user(to, bytes, n) != 0 ? -EFAULT : (long)n;
}

long sys_reboot(u64 magic, u64 magic2, u64 command) {
    if (magic != 0xfee1dead || magic2 == 0) return -EINVAL;
    switch (command) {
    case 0x01234567: power_off(SHUTDOWN_reboot);
    case 0x4321fedc: case 0xcdef0123: power_off(SHUTDOWN_poweroff);
    default: return 0; /* what Ctrl-Alt-Del shall do */
    }
}

/* ---- Sockets: net.h does the work ------------------------------------------------------------------------------- */

#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC  02000000
#define IF_SOCKET(fd) \
    struct file *file = file_by_number(fd); \
    if (file == 0) return -EBADF; \
    if (file->ops != &socket_ops) return -ENOTSOCK

long sys_socket(u64 family, u64 type, u64 protocol) {
    struct file *file;
    long error = socket_file(family, type & 15, protocol, &file);
    if (error != 0) return error;
    file->flags |= O_RDWR | (type & SOCK_NONBLOCK);
    return file_number(file, type & SOCK_CLOEXEC);
}

long sys_accept4(u64 fd, u64 address, u64 length, u64 flags) {
    struct file *accepted;
    IF_SOCKET(fd);
    long error = socket_accept(file, address, length, &accepted);
    if (error != 0) return error;
    accepted->flags |= O_RDWR | (flags & SOCK_NONBLOCK);
    return file_number(accepted, flags & SOCK_CLOEXEC);
}

long sys_accept(u64 fd, u64 address, u64 length) {
    return sys_accept4(fd, address, length, 0);
}

long sys_bind(u64 fd, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_bind(file, address, length);
}

long sys_connect(u64 fd, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_connect(file, address, length);
}

long sys_listen(u64 fd, u64 backlog) {
    IF_SOCKET(fd);
    return socket_listen(file, backlog);
}

long sys_getsockname(u64 fd, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_name(file, address, length, 0);
}

long sys_getpeername(u64 fd, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_name(file, address, length, 1);
}

long sys_sendto(u64 fd, u64 from, u64 n, u64 flags, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_send(file, from, n, flags, address, length);
}

long sys_recvfrom(u64 fd, u64 to, u64 n, u64 flags, u64 address, u64 length) {
    IF_SOCKET(fd);
    return socket_receive(file, to, n, flags, address, length);
}

/* Messages in one piece. */
struct msghdr { u64 name; u32 name_length; u64 iov, iov_count, control, control_length; int flags; };

static long message(u64 fd, u64 address, u64 flags, int sending) {
    struct msghdr header;
    struct iovec part = {0, 0};
    IF_SOCKET(fd);
    if (copy_from_user(&header, address, sizeof(header)) != 0) return -EFAULT;
    if (header.iov_count > 0 && copy_from_user(&part, header.iov, sizeof(part)) != 0) return -EFAULT;
    if (sending) {
        return socket_send(file, part.base, part.length, flags, header.name, header.name_length);
    }
    header.control_length = 0;
    header.flags = 0;
    if (copy_to_user(address, &header, sizeof(header)) != 0) return -EFAULT;
    return socket_receive(file, part.base, part.length, flags, header.name,
                          header.name == 0 ? 0 : address + 8);
}

long sys_sendmsg(u64 fd, u64 header, u64 flags) {
    return message(fd, header, flags, 1);
}

long sys_recvmsg(u64 fd, u64 header, u64 flags) {
    return message(fd, header, flags, 0);
}

long sys_setsockopt(u64 fd, u64 level, u64 name, u64 value, u64 length) {
    IF_SOCKET(fd);
    return socket_option(file, 1, level, name, value, length);
}

long sys_getsockopt(u64 fd, u64 level, u64 name, u64 value, u64 length) {
    IF_SOCKET(fd);
    return socket_option(file, 0, level, name, value, length);
}

long sys_shutdown(u64 fd, u64 how) {
    IF_SOCKET(fd);
    return socket_shutdown(file, how);
}

/* ---- The table ------------------------------------------------------------------------------------------------ */

typedef long (*system_call_function)(u64, u64, u64, u64, u64, u64);

/* Number, and function sys_NAME. Their types differ in how many arguments they look at. */
#define SYSTEM_CALLS(_) \
    _(0, read) _(1, write) _(2, open) _(3, close) _(4, stat) _(5, fstat) _(6, lstat) _(7, poll) \
    _(8, lseek) _(9, mmap) _(10, mprotect) _(11, munmap) _(12, brk) _(13, rt_sigaction) \
    _(14, rt_sigprocmask) _(15, rt_sigreturn) _(16, ioctl) _(17, pread64) _(18, pwrite64) \
    _(19, readv) _(20, writev) _(21, access) _(22, pipe) _(23, select) _(24, sched_yield) \
    _(25, mremap) _(32, dup) _(33, dup2) _(34, pause) _(35, nanosleep) _(37, alarm) \
    _(38, setitimer) _(39, getpid) _(40, sendfile) _(41, socket) _(42, connect) _(43, accept) \
    _(44, sendto) _(45, recvfrom) _(46, sendmsg) _(47, recvmsg) _(48, shutdown) _(49, bind) \
    _(50, listen) _(51, getsockname) _(52, getpeername) _(54, setsockopt) _(55, getsockopt) \
    _(56, clone) _(57, fork) _(58, vfork) _(59, execve) _(60, exit) _(61, wait4) _(62, kill) \
    _(63, uname) _(72, fcntl) _(74, sync) _(75, sync) _(76, truncate) _(77, ftruncate) \
    _(79, getcwd) _(80, chdir) _(81, fchdir) _(82, rename) _(83, mkdir) _(84, rmdir) _(85, creat) \
    _(86, link) _(87, unlink) _(88, symlink) _(89, readlink) _(90, chmod) _(91, fchmod) \
    _(95, umask) _(96, gettimeofday) _(97, getrlimit) _(98, getrusage) _(99, sysinfo) \
    _(100, times) _(109, setpgid) _(110, getppid) _(111, getpgrp) _(112, setsid) _(121, getpgid) \
    _(124, getsid) _(127, rt_sigpending) _(130, rt_sigsuspend) _(133, mknod) _(137, statfs) \
    _(138, fstatfs) _(158, arch_prctl) _(162, sync) _(165, mount) _(166, umount2) _(169, reboot) \
    _(170, sethostname) _(186, getpid) _(200, tkill) _(201, time) _(204, sched_getaffinity) \
    _(217, getdents64) _(218, set_tid_address) _(228, clock_gettime) _(229, clock_getres) \
    _(230, clock_nanosleep) _(231, exit) _(234, tgkill) _(257, openat) _(258, mkdirat) \
    _(259, mknodat) _(262, newfstatat) _(263, unlinkat) _(264, renameat) _(265, linkat) \
    _(266, symlinkat) _(267, readlinkat) _(268, fchmodat) _(269, faccessat) _(270, pselect6) \
    _(271, ppoll) _(280, utimensat) _(288, accept4) _(292, dup3) _(293, pipe2) _(302, prlimit64) \
    _(316, renameat) _(318, getrandom) _(439, faccessat) \
    /* who one is, and who owns what: root, always */ \
    _(92, zero) _(93, zero) _(94, zero) _(102, zero) _(104, zero) _(105, zero) _(106, zero) \
    _(107, zero) _(108, zero) _(113, zero) _(114, zero) _(115, zero) _(116, zero) _(117, zero) \
    _(119, zero) _(122, zero) _(123, zero) _(260, zero) \
    /* advice: madvise, fadvise64, set_robust_list, sigaltstack, setpriority, setrlimit */ \
    _(28, zero) _(221, zero) _(273, zero) _(131, zero) _(157, prctl) _(141, zero) _(140, zero) \
    _(160, zero)

#define DECLARE(number, name) extern long sys_##name();
#define ENTRY(number, name)   [number] = (void *)sys_##name,
SYSTEM_CALLS(DECLARE)
static const system_call_function table[] = {SYSTEM_CALLS(ENTRY)};

void system_call(struct registers *regs) {
    u64 number = regs->rax;
    regs->error_code = number; /* for starting it again; see restart() in signal.c */
    if (number >= ARRAY_SIZE(table) || table[number] == 0) {
        regs->rax = -ENOSYS;
        return;
    }
    regs->rax = table[number](regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9);
}
