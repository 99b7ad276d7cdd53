/* memory-agent.c: tells the host about once a second how much memory the guest could spare: MemAvailable of
 * /proc/meminfo, in KiB, in the guest's own xenstore key data/memory-available. The host's balloon policy reads
 * it there. It also notices when the guest goes on as a copy of another one, in a machine with another UUID, and
 * starts guest-copied then, if there is such a program: names and addresses are those of the other one.
 *
 * Hundreds of idle guests on one host have nothing else to do, so that a second of this is worth counting: it is
 * three system calls, where a shell's read needs one for each byte. An ordinary Linux program without a C
 * library, which any guest can run. */
typedef unsigned long u64;
typedef unsigned int u32;

enum {
    WRITE = 1, OPEN = 2, CLOSE = 3, PREAD = 17, NANOSLEEP = 35, FORK = 57, EXECVE = 59, EXIT = 60,
    WAIT4 = 61, SYSINFO = 99, PRCTL = 157,
};
enum { O_WRONLY = 1, O_CLOEXEC = 02000000, WNOHANG = 1, PR_SET_TIMERSLACK = 29 };

#define XENBUS "/dev/xen/xenbus"
#define HOOK "/usr/sbin/guest-copied"

/* So late, in nanoseconds, a timer may be: ours, and Linux's default for what we start. In an idle guest ours goes
 * off together with somebody else's then, and does not wake it by itself. */
#define SLACK 900000000
#define DEFAULT_SLACK 50000

/* The value is written when it has moved by more. */
#define STEP_KIB 1024

/* To write /proc/meminfo takes the kernel some 15,000 instructions, a fifth of all in an idle LAMP guest; free pages
 * it only has to count. What is available does not change for long without some of them coming or going. */
#define FREE_STEP_KIB 256
#define CALM_SECONDS 8

static long call(long number, u64 a, u64 b, u64 c, u64 d) {
    register u64 r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
}

/* The beginning of a file that the kernel makes up anew for each read at its start. */
static long look(long file, char *text, long size) {
    long n = call(PREAD, file, (u64)text, size - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    return n;
}

static int begins(const char *text, const char *with) {
    while (*with != '\0' && *text == *with) text++, with++;
    return *with == '\0';
}

/* A line's number, -1 if there is no such line. */
static long number(const char *text, const char *name) {
    while (*text != '\0' && !begins(text, name))
        while (*text != '\0' && *text++ != '\n') {}
    if (*text == '\0') return -1;
    long value = 0;
    while (*text != '\n' && *text != '\0') {
        if (*text >= '0' && *text <= '9') value = 10 * value + (*text - '0');
        text++;
    }
    return value;
}

/* One XS_WRITE request: struct xsd_sockmsg of public/io/xs_wire.h, then path, NUL, value. A path without a slash
 * in front is below the guest's own directory. Closing the device drops the answer, which would tell nothing
 * that we could act on. */
static void tell(long kib) {
    static struct { u32 type, request, transaction, length; char text[48]; } message = {11, 0, 0, 0, "data/memory-available"};
    char digits[20], *at = message.text + sizeof("data/memory-available");
    int n = 0;
    do digits[n++] = '0' + kib % 10;
    while ((kib /= 10) > 0);
    while (n > 0) *at++ = digits[--n];
    message.length = at - message.text;
    long store = call(OPEN, (u64)XENBUS, O_WRONLY | O_CLOEXEC, 0, 0);
    call(WRITE, store, (u64)&message, 16 + message.length, 0);
    call(CLOSE, store, 0, 0, 0);
}

static long free_kib(void) {
    /* struct sysinfo of linux/sysinfo.h */
    struct { u64 uptime, loads[3], total, free, rest[5], high_total, high_free; u32 unit; char padding[64]; } now;
    call(SYSINFO, (u64)&now, 0, 0, 0);
    return now.free * now.unit / 1024;
}

/* Whether it is time to look: at once if free memory has moved, and now and then anyway. */
static int due(void) {
    static long free_then = -1, seconds;
    long kib = free_kib(), moved = kib - free_then;
    if (++seconds < CALM_SECONDS && free_then >= 0 && moved < FREE_STEP_KIB && moved > -FREE_STEP_KIB) return 0;
    free_then = kib;
    seconds = 0;
    return 1;
}

static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

static void run(char *program) {
    char *argv[] = {program, 0}, *envp[] = {0};
    if (call(FORK, 0, 0, 0, 0) != 0) return;
    call(PRCTL, PR_SET_TIMERSLACK, DEFAULT_SLACK, 0, 0);
    call(EXECVE, (u64)program, (u64)argv, (u64)envp, 0);
    call(EXIT, 0, 0, 0, 0); /* there is none */
}

__attribute__((force_align_arg_pointer)) void _start(void) {
    static char meminfo[256], uuid[2][64];
    const struct { long seconds, nanoseconds; } pause = {1, 0};
    long told = -2 * STEP_KIB, children = 0;
    int now = 0;
    long store = call(OPEN, (u64)XENBUS, O_WRONLY, 0, 0);
    if (store < 0) call(EXIT, 0, 0, 0, 0); /* a guest of another machine */
    call(CLOSE, store, 0, 0, 0);
    long memory = call(OPEN, (u64)"/proc/meminfo", O_CLOEXEC, 0, 0);
    long machine = call(OPEN, (u64)"/sys/hypervisor/uuid", O_CLOEXEC, 0, 0);
    look(machine, uuid[now], sizeof(uuid[now]));
    call(PRCTL, PR_SET_TIMERSLACK, SLACK, 0, 0);
    for (;;) {
        if (look(machine, uuid[!now], sizeof(uuid[0])) > 0 && !same(uuid[0], uuid[1])) {
            now = !now;
            told = -2 * STEP_KIB; /* this host has not heard it */
            children++;
            run(HOOK);
        }
        if (due() || told < 0) {
            look(memory, meminfo, sizeof(meminfo));
            long kib = number(meminfo, "MemAvailable:"), moved = kib - told;
            if (kib >= 0 && (moved > STEP_KIB || moved < -STEP_KIB)) tell(told = kib);
        }
        while (children > 0 && call(WAIT4, -1, 0, WNOHANG, 0) > 0) children--;
        call(NANOSLEEP, (u64)&pause, 0, 0, 0);
    }
}
