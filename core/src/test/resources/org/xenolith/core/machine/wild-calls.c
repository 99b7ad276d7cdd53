/*
 * Makes system calls with numbers and arguments by chance, in one child process after the other. What
 * runs it must outlive it. Arguments: how many children, and a seed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 300

static unsigned long state;
static unsigned long area[8192];

/* xorshift */
static unsigned long chance(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static unsigned long argument(void) {
    unsigned long wild = chance();
    switch (wild % 12) {
    case 0: return 0;
    case 1: return chance() % 8;
    case 2: return -1ul;
    case 3: return chance() % 5000;
    case 4: return (unsigned long)area + chance() % sizeof(area);
    case 5: return (unsigned long)area & ~4095ul;
    case 6: return 0x7ffffff000ul - chance() % 8192;
    case 7: return chance();
    case 8: return 0xffffffff80100000ul + chance() % 100000; /* a kernel, perhaps */
    case 9: return (unsigned long)"/tmp/a";
    case 10: return 4096 * (chance() % 20);
    default: return (unsigned long)"/proc/self/exe";
    }
}

/* Calls that would end the test: they kill others, wait for ever, or take SIGALRM away. */
static int is_left_out(long number) {
    switch (number) {
    case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_reboot: case SYS_pause: case SYS_alarm:
    case SYS_setitimer: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_rt_sigreturn:
    case SYS_rt_sigsuspend: case SYS_mount: case SYS_umount2: case SYS_exit: case SYS_exit_group:
        return 1;
    case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_read: case SYS_readv: case SYS_poll:
    case SYS_ppoll: case SYS_select: case SYS_pselect6: case SYS_nanosleep: case SYS_clock_nanosleep:
        return chance() % 4 != 0;
    default:
        return 0;
    }
}

static void run_wild(unsigned long seed) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    state = seed;
    for (int i = 0; i < 20; i++) chance();
    for (unsigned long i = 0; i < sizeof(area) / sizeof(area[0]); i++) area[i] = argument();
    alarm(2);
    for (int i = 0; i < CALLS; i++) {
        long number = chance() % 335;
        if (is_left_out(number)) continue;
        syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
        if (number >= SYS_clone && number <= SYS_vfork) alarm(1); /* a child has no alarm yet */
    }
    _exit(0);
}

int main(int argc, char **argv) {
    int children = argc > 1 ? atoi(argv[1]) : 10;
    unsigned long seed = argc > 2 ? strtoul(argv[2], 0, 0) : 1;
    for (int i = 0; i < children; i++) {
        pid_t child = fork();
        if (child == 0) run_wild(seed * 1000 + i + 1);
        waitpid(child, 0, 0);
    }
    printf("%d children made wild calls\n", children);
    return 0;
}
