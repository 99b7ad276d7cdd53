/*
 * ember.c: a first process with a few commands, which the kernel carries in itself for when there is no initial
 * RAM disk. It is an ordinary Linux program that needs no C library; it runs on Linux too.
 */
typedef unsigned long u64;

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, FORK = 57, EXECVE = 59, EXIT = 60, WAIT4 = 61 };

static long call(long number, u64 a, u64 b, u64 c) {
    long result;
    register u64 r10 __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static void say(const char *text) {
    u64 length = 0;
    while (text[length] != '\0') length++;
    call(WRITE, 1, (u64)text, length);
}

static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

static void show(const char *path) {
    char buffer[512];
    long fd = call(OPEN, (u64)path, 0, 0), n;
    if (fd < 0) say("there is no such file\n");
    while (fd >= 0 && (n = call(READ, fd, (u64)buffer, sizeof(buffer))) > 0) call(WRITE, 1, (u64)buffer, n);
    call(CLOSE, fd, 0, 0);
}

static void run(char **arguments) {
    long pid = call(FORK, 0, 0, 0);
    if (pid == 0) {
        char *nothing[] = {0};
        call(EXECVE, (u64)arguments[0], (u64)arguments, (u64)nothing);
        say("there is no such command; try help\n");
        call(EXIT, 127, 0, 0);
    }
    call(WAIT4, pid, 0, 0);
}

static void obey(char **word) {
    if (same(word[0], "help")) {
        say("  help             this list\n  cat FILE, mem    also of /proc\n"
            "  PROGRAM WORD...  runs a static Linux program\n  poweroff         (also Ctrl-D)\n");
    } else if (same(word[0], "cat") && word[1] != 0) {
        show(word[1]);
    } else if (same(word[0], "mem")) {
        show("/proc/meminfo");
    } else if (same(word[0], "poweroff")) {
        call(EXIT, 0, 0, 0); /* and with the first process the domain ends */
    } else {
        run(word);
    }
}

void _start(void) {
    static char line[256];
    say("\nhearth without BusyBox: a few commands built in. Type help.\n\n");
    for (;;) {
        char *word[16];
        int count = 0, inside = 0;
        say("hearth> ");
        long n = call(READ, 0, (u64)line, sizeof(line) - 1);
        if (n <= 0) call(EXIT, 0, 0, 0);
        for (long i = 0; i < n; i++) {
            if (line[i] == ' ' || line[i] == '\n') line[i] = '\0';
            else if (!inside && count < 15) word[count++] = &line[i];
            inside = line[i] != '\0';
        }
        line[n] = 0, word[count] = 0;
        if (count > 0) obey(word);
    }
}
