/* ember.c: a first process with a few commands, which the kernel carries in itself for when there is no
 * initial RAM disk. It is an ordinary Linux program without a C library; it runs on Linux too. */
typedef unsigned long u64;

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, FORK = 57, EXECVE = 59, EXIT = 60, WAIT4 = 61 };

static long call(long number, u64 a, u64 b, u64 c) {
    register u64 r10 __asm__("r10") = 0;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
}

static void say(const char *text) {
    while (*text != '\0') call(WRITE, 1, (u64)text++, 1);
}

static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

static void show(const char *path) {
    char byte;
    long fd = call(OPEN, (u64)path, 0, 0);
    if (fd < 0) say("there is no such file\n");
    while (fd >= 0 && call(READ, fd, (u64)&byte, 1) > 0) call(WRITE, 1, (u64)&byte, 1);
    call(CLOSE, fd, 0, 0);
}

static void obey(char **word) {
    char *nothing[] = {0};
    if (same(word[0], "poweroff")) call(EXIT, 0, 0, 0); /* and with the first process the domain ends */
    if (same(word[0], "help")) say("help: this list; cat FILE; mem; poweroff; a program's path\n");
    else if (same(word[0], "mem")) show("/proc/meminfo");
    else if (same(word[0], "cat") && word[1] != 0) show(word[1]);
    else if (call(FORK, 0, 0, 0) == 0) call(EXIT, call(EXECVE, (u64)word[0], (u64)word, (u64)nothing), 0, 0);
    else call(WAIT4, -1, 0, 0);
}

void _start(void) {
    static char line[256];
    char *word[3] = {0};
    say("\nhearth without BusyBox: a few commands built in. Type help.\n\n");
    for (;;) {
        say("hearth> ");
        long n = call(READ, 0, (u64)line, sizeof(line) - 1);
        if (n <= 0) call(EXIT, 0, 0, 0);
        line[n - 1] = '\0'; /* where the line ended */
        for (n = 0; line[n] != ' ' && line[n] != '\0';) n++;
        word[0] = line, word[1] = line[n] == ' ' ? &line[n + 1] : 0;
        line[n] = '\0';
        if (line[0] != '\0') obey(word);
    }
}
