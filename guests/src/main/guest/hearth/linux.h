/*
 * linux.h: the part of Linux's system call interface (x86-64) that this kernel speaks: numbers and
 * layouts that every static Linux program has built in.
 */
#ifndef LINUX_H
#define LINUX_H

#include "xen.h"

/* Xen's error numbers are Linux's; the few that xen.h names are named here with all the others. */
#undef ENOENT
#undef E2BIG
#undef EFAULT
#undef EINVAL
#undef ENOSYS

enum {
    EPERM = 1, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF, ECHILD, EAGAIN, ENOMEM,
    EACCES, EFAULT, ENOTBLK, EBUSY, EEXIST, EXDEV, ENODEV, ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE,
    ENOTTY, ETXTBSY, EFBIG, ENOSPC, ESPIPE, EROFS, EMLINK, EPIPE, EDOM, ERANGE,
    ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40, ENOTSOCK = 88, EDESTADDRREQ,
    EMSGSIZE, EPROTOTYPE, ENOPROTOOPT, EPROTONOSUPPORT, EOPNOTSUPP = 95, EAFNOSUPPORT = 97,
    EADDRINUSE, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, ECONNABORTED = 103, ECONNRESET, ENOBUFS,
    EISCONN, ENOTCONN, ETIMEDOUT = 110, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EALREADY,
    EINPROGRESS,
};

/* ---- Files --------------------------------------------------------------------------------- */

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000
#define S_IS(mode, type) (((mode) & S_IFMT) == S_IF##type)

#define O_ACCMODE   3
#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_CREAT     0100
#define O_EXCL      0200
#define O_NOCTTY    0400
#define O_TRUNC     01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW  0400000
#define O_CLOEXEC   02000000

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR        0x200
#define AT_EMPTY_PATH       0x1000

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC      1

struct timespec { long tv_sec, tv_nsec; };
struct timeval { long tv_sec, tv_usec; };

struct stat {
    u64 st_dev, st_ino, st_nlink;
    u32 st_mode, st_uid, st_gid, pad0;
    u64 st_rdev;
    long st_size, st_blksize, st_blocks; /* blocks of 512 bytes */
    struct timespec st_atim, st_mtim, st_ctim;
    long pad1[3];
};

struct statfs {
    long f_type, f_bsize;
    u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    int f_fsid[2];
    long f_namelen, f_frsize, f_flags, f_spare[4];
};

struct dirent64 { /* d_name follows, ended by a 0; records are multiples of 8 bytes */
    u64 d_ino;
    long d_off;
    u16 d_reclen;
    u8 d_type;
    char d_name[];
} __attribute__((packed));

struct iovec { u64 base, length; };

struct pollfd { int fd; short events, revents; };
#define POLLIN   0x01
#define POLLPRI  0x02
#define POLLOUT  0x04
#define POLLERR  0x08
#define POLLHUP  0x10
#define POLLNVAL 0x20

/* ---- Terminals ------------------------------------------------------------------------------ */

#define TCGETS     0x5401
#define TCSETS     0x5402
#define TCSETSW    0x5403
#define TCSETSF    0x5404
#define TIOCSCTTY  0x540e
#define TIOCGPGRP  0x540f
#define TIOCSPGRP  0x5410
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b
#define TIOCNOTTY  0x5422
#define TIOCGSID   0x5429

struct termios {
    u32 c_iflag, c_oflag, c_cflag, c_lflag;
    u8 c_line, c_cc[19];
};
enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSUSP = 10, VWERASE = 14 };
#define ICRNL  0400
#define INLCR  0100
#define IGNCR  0200
#define OPOST  1
#define ONLCR  4
#define ISIG   1
#define ICANON 2
#define ECHO   010
#define ECHOE  020
#define ECHOK  040
#define TOSTOP 0400
#define IEXTEN 0100000

struct winsize { u16 ws_row, ws_col, ws_xpixel, ws_ypixel; };

/* ---- Memory --------------------------------------------------------------------------------- */

#define PROT_READ     1
#define PROT_WRITE    2
#define PROT_EXEC     4
#define MAP_SHARED    1
#define MAP_PRIVATE   2
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MREMAP_MAYMOVE 1

/* ---- Processes ------------------------------------------------------------------------------ */

#define CLONE_VM             0x100
#define CLONE_FILES          0x400
#define CLONE_VFORK          0x4000
#define CLONE_THREAD         0x10000
#define CLONE_SETTLS         0x80000
#define CLONE_PARENT_SETTID  0x100000
#define CLONE_CHILD_CLEARTID 0x200000
#define CLONE_CHILD_SETTID   0x1000000

#define WNOHANG    1
#define WUNTRACED  2
#define WCONTINUED 8

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

struct utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domain[65]; };

struct sysinfo {
    long uptime;
    u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad0;
    u64 totalhigh, freehigh;
    u32 mem_unit;
};

#define CLOCK_REALTIME  0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_BOOTTIME  7
#define TIMER_ABSTIME   1
#define HZ 100 /* of the tick count in /proc and times() */

/* ---- Signals -------------------------------------------------------------------------------- */

#define NSIG 65
enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
    SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
};
#define SIG_DFL 0
#define SIG_IGN 1
#define SA_RESTORER  0x04000000ul
#define SA_RESTART   0x10000000ul
#define SA_NODEFER   0x40000000ul
#define SA_RESETHAND 0x80000000ul

struct sigaction { u64 handler, flags, restorer, mask; };

/* What a handler finds on its stack, from the lowest address on; rt_sigreturn takes it back. */
struct signal_frame {
    u64 return_address; /* the restorer, which calls rt_sigreturn */
    u64 uc_flags, uc_link, ss_sp, ss_flags, ss_size;
    u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u64 segments, error_code, trap_number, old_mask, cr2, fpstate, reserved[8];
    u64 mask;
    int si_signo, si_errno, si_code, pad;
    u64 si_address, si_rest[13];
};

#endif
