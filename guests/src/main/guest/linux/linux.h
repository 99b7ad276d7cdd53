/* linux.h: the part of Linux's system call interface (x86-64) that this kernel speaks: numbers and layouts
 * that every static Linux program has built in. */
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
    EPERM = 1, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF, ECHILD, EAGAIN, ENOMEM, EACCES,
    EFAULT, ENOTBLK, EBUSY, EEXIST, EXDEV, ENODEV, ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE, ENOTTY, ETXTBSY,
    EFBIG, ENOSPC, ESPIPE, EROFS, EMLINK, EPIPE, EDOM, ERANGE, ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY,
    ELOOP, ENOTSOCK = 88, EDESTADDRREQ, EMSGSIZE, EPROTOTYPE, ENOPROTOOPT, EPROTONOSUPPORT, EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97, EADDRINUSE, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, ECONNABORTED = 103, ECONNRESET,
    ENOBUFS, EISCONN, ENOTCONN, ETIMEDOUT = 110, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EALREADY,
    EINPROGRESS,
};

/* ---- Files -------------------------------------------------------------------------------------------- */
enum {
    S_IFMT = 0170000, S_IFLNK = 0120000, S_IFREG = 0100000, S_IFBLK = 0060000, S_IFDIR = 0040000,
    S_IFCHR = 0020000, S_IFIFO = 0010000,
};
#define S_IS(mode, type) (((mode) & S_IFMT) == S_IF##type)
enum {
    O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_CREAT = 0100, O_EXCL = 0200, O_TRUNC = 01000, O_APPEND = 02000,
    O_NONBLOCK = 04000, O_DIRECTORY = 0200000, O_CLOEXEC = 02000000,
};
#define AT_FDCWD (-100)
enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_REMOVEDIR = 0x200, UTIME_NOW = 0x3fffffff };
enum { F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 1030 };

struct timespec { long tv_sec, tv_nsec; };
struct stat {
    u64 st_dev, st_ino, st_nlink;
    u32 st_mode, st_uid, st_gid, pad0;
    u64 st_rdev;
    long st_size, st_blksize, st_blocks; /* blocks of 512 bytes */
    struct timespec st_atim, st_mtim, st_ctim;
    long pad1[3];
};
struct dirent64 { /* the name follows, ended by a 0; records are multiples of 8 bytes */
    u64 d_ino;
    long d_off;
    u16 d_reclen;
    u8 d_type;
} __attribute__((packed));
struct pollfd { int fd; u16 events, revents; };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20 };

/* ---- Terminals ---------------------------------------------------------------------------------------- */
enum {
    TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TIOCSCTTY = 0x540e, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ = 0x5413,
    TIOCSWINSZ, FIONREAD = 0x541b,
};
struct termios { u32 c_iflag, c_oflag, c_cflag, c_lflag; u8 c_line, c_cc[19]; };
enum { VINTR, VERASE = 2, VEOF = 4, VMIN = 6 };
enum { ICRNL = 0400, OPOST = 1, ONLCR = 4, ISIG = 1, ICANON = 2, ECHO = 010 };
struct winsize { u16 ws_row, ws_col, ws_xpixel, ws_ypixel; };

/* ---- Processes ---------------------------------------------------------------------------------------- */
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20 };
enum { CLONE_VM = 0x100, CLONE_VFORK = 0x4000, CLONE_CHILD_SETTID = 0x1000000, WNOHANG = 1 };
enum { ARCH_SET_FS = 0x1002 };
struct utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domain[65]; };
struct sysinfo {
    long uptime;
    u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad0;
    u64 totalhigh, freehigh;
    u32 mem_unit;
};
enum { CLOCK_REALTIME, CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_REALTIME_COARSE = 5 };
#define HZ 100 /* of the tick count in /proc */

/* ---- Programs: ELF, and the pairs that one finds on its stack ----------------------------------------- */
struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct program_header { u32 type, flags; u64 offset, vaddr, paddr, filesz, memsz, align; };
enum { ET_EXEC = 2, ET_DYN, EM_X86_64 = 62, PT_LOAD = 1, PT_INTERP = 3, PF_X = 1, PF_W = 2, PF_R = 4 };
enum { AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY = 9, AT_SECURE = 23, AT_RANDOM = 25 };

/* ---- Signals ------------------------------------------------------------------------------------------ */
enum {
    SIGINT = 2, SIGILL = 4, SIGTRAP, SIGBUS = 7, SIGFPE, SIGKILL, SIGSEGV = 11, SIGPIPE = 13, SIGALRM,
    SIGCHLD = 17, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH = 28, NSIG = 65,
};
enum { SIG_DFL, SIG_IGN };
enum { SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000 };
struct sigaction { u64 handler, flags, restorer, mask; };
/* What a handler finds on its stack, from the lowest address on; rt_sigreturn takes it back. */
struct signal_frame {
    u64 return_address; /* the restorer, which calls rt_sigreturn */
    u64 uc_flags, uc_link, ss_sp, ss_flags, ss_size;
    u64 registers[18];  /* from r8 to rflags; see signal.c */
    u64 segments, error_code, trap_number, old_mask, cr2, fpstate, reserved[8], mask;
    int si_signo, si_errno, si_code, pad;
    u64 si_address, si_rest[13];
};

#endif
