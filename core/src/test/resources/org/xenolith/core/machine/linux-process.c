/*
 * What a program may expect of Linux, asked of whatever it runs on: prints a line for each expectation
 * that is not met, and at the end whether all are. Arguments: one, "two words".
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPECT(c) do { \
        if (!(c)) { \
            printf("line %d: not %s (errno %d)\n", __LINE__, #c, errno); \
            failed = 1; \
        } \
    } while (0)

static int failed;
static volatile int caught;
static volatile double noise;
static sigjmp_buf before_fault;
static char buffer[100000];

static void handler(int signal) {
    double x = 1;
    for (int i = 1; i < 100; i++) x = x * 1.5 + sqrt(x); /* uses registers of the interrupted sum */
    noise = x;
    caught = signal;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)info, (void)context;
    caught = signal;
    siglongjmp(before_fault, 1);
}

/* Whether a statement ends in the signal. */
#define ENDS_IN(signal, statement) ({ \
        caught = 0; \
        if (sigsetjmp(before_fault, 1) == 0) { statement; } \
        caught == (signal); \
    })

static void memory_is_copied_when_written(void) {
    static int numbers[5000];
    int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), status;
    for (int i = 0; i < 5000; i++) numbers[i] = i;
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5000; i++) numbers[i] = -1;
        *shared = 7;
        _exit(3);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    int wrong = 0;
    for (int i = 0; i < 5000; i++) wrong += numbers[i] != i;
    EXPECT(wrong == 0);
    EXPECT(*shared == 7);
}

static void sums_survive_switches_and_handlers(void) {
    struct sigaction action = {.sa_handler = handler};
    pid_t children[4];
    double sum = 0;
    int status;
    sigaction(SIGUSR1, &action, 0);
    for (int k = 0; k < 4; k++) {
        if ((children[k] = fork()) != 0) continue;
        for (int i = 0; i < 100000; i++) sum += k + 0.25;
        _exit(sum != 100000 * (k + 0.25));
    }
    for (int i = 0; i < 100000; i++) {
        sum += 0.5;
        if (i % 25000 == 0) kill(getpid(), SIGUSR1);
    }
    EXPECT(sum == 50000 && caught == SIGUSR1);
    for (int k = 0; k < 4; k++) EXPECT(waitpid(children[k], &status, 0) == children[k] && status == 0);
}

static void faults_become_signals(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    volatile char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int zero = 0;
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGFPE, &action, 0);
    sigaction(SIGILL, &action, 0);
    page[0] = 'x';
    EXPECT(mprotect((void *)page, 4096, PROT_READ) == 0);
    EXPECT(ENDS_IN(SIGSEGV, page[0] = 'y') && page[0] == 'x');
    EXPECT(mprotect((void *)page, 4096, PROT_NONE) == 0);
    EXPECT(ENDS_IN(SIGSEGV, noise = page[0]));
    EXPECT(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0 && page[0] == 'x');
    EXPECT(munmap((void *)page, 4096) == 0);
    EXPECT(ENDS_IN(SIGSEGV, page[0] = 1) && ENDS_IN(0, page[4096] = 5) && page[4096] == 5);
    EXPECT(ENDS_IN(SIGFPE, zero = 10 / zero));
    EXPECT(ENDS_IN(SIGILL, __asm__ volatile("ud2")));
    EXPECT(ENDS_IN(SIGSEGV, *(volatile char *)0xffffffff80100000 = 0)); /* a kernel, perhaps */
}

static void pipes_carry_bytes(void) {
    int ends[2];
    pid_t pid;
    EXPECT(pipe(ends) == 0);
    struct pollfd wish = {.fd = ends[0], .events = POLLIN};
    EXPECT(poll(&wish, 1, 20) == 0);
    EXPECT(write(ends[1], "hello", 5) == 5 && poll(&wish, 1, -1) == 1 && wish.revents == POLLIN);
    EXPECT(read(ends[0], buffer, 100) == 5);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    EXPECT(read(ends[0], buffer, 1) == -1 && errno == EAGAIN);
    fcntl(ends[0], F_SETFL, 0);
    if ((pid = fork()) == 0) _exit(write(ends[1], buffer, sizeof(buffer)) != sizeof(buffer));
    close(ends[1]);
    size_t total = 0;
    ssize_t part;
    while ((part = read(ends[0], buffer, sizeof(buffer))) > 0) total += part;
    EXPECT(total == sizeof(buffer) && part == 0);
    EXPECT(waitpid(pid, 0, 0) == pid);
    close(ends[0]);
    EXPECT(pipe(ends) == 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    EXPECT(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    close(ends[1]);
}

static void time_passes(void) {
    struct sigaction action = {.sa_handler = handler};
    struct timespec before, after, nap = {0, 30000000};
    sigaction(SIGALRM, &action, 0);
    alarm(1);
    EXPECT(pause() == -1 && errno == EINTR && caught == SIGALRM);
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&nap, 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 30000000);
}

static void files_are_what_is_mapped(void) {
    int fd = open("/tmp/data", O_CREAT | O_RDWR | O_TRUNC, 0644), five;
    EXPECT(fd >= 0);
    for (int i = 0; i < 3000; i++) EXPECT(write(fd, &i, 4) == 4);
    int *shared = mmap(0, 12000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT(shared[2999] == 2999);
    shared[5] = 55;
    EXPECT(lseek(fd, 20, SEEK_SET) == 20 && read(fd, &five, 4) == 4 && five == 55);
    int *own = mmap(0, 12000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    EXPECT(own[5] == 55);
    own[5] = 1;
    EXPECT(shared[5] == 55);
    EXPECT(rename("/tmp/data", "/tmp/data2") == 0 && access("/tmp/data", F_OK) == -1);
    EXPECT(unlink("/tmp/data2") == 0 && shared[100] == 100);
    EXPECT(ftruncate(fd, 8) == 0 && lseek(fd, 0, SEEK_END) == 8);
    struct iovec parts[] = {{"one ", 4}, {0, 0}, {"two", 3}};
    EXPECT(writev(fd, parts, 3) == 7 && lseek(fd, 8, SEEK_SET) == 8);
    char first[2], rest[8] = "";
    struct iovec places[] = {{first, 2}, {rest, sizeof(rest)}};
    EXPECT(readv(fd, places, 2) == 7 && memcmp(first, "on", 2) == 0 && strcmp(rest, "e two") == 0);
    EXPECT(writev(fd, parts, -1) == -1 && errno == EINVAL);
    close(fd);
    char *large = malloc(1000000);
    memset(large, 1, 1000000);
    large = realloc(large, 1500000);
    EXPECT(large[999999] == 1);
    free(large);
}

static void programs_start_programs(void) {
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "exit 4", NULL);
        _exit(9);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && status == 4 << 8);
    EXPECT(system("exit 5") == 5 << 8);
    FILE *piped = popen("echo piped", "r");
    EXPECT(fgets(buffer, 100, piped) != NULL && strcmp(buffer, "piped\n") == 0);
    EXPECT(pclose(piped) == 0);
}

int main(int argc, char **argv) {
    EXPECT(argc == 3 && strcmp(argv[1], "one") == 0 && strcmp(argv[2], "two words") == 0);
    EXPECT(getenv("HOME") != NULL);
    memory_is_copied_when_written();
    sums_survive_switches_and_handlers();
    faults_become_signals();
    pipes_carry_bytes();
    time_passes();
    files_are_what_is_mapped();
    programs_start_programs();
    printf(failed ? "this is not Linux\n" : "as on Linux\n");
    return failed;
}
