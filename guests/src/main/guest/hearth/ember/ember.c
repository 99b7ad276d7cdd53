/*
 * ember.c: what is left when there is no initial RAM disk: a first process with a few commands, which
 * the kernel carries in itself. It is an ordinary Linux program that needs no C library; it runs on
 * Linux too.
 */
typedef unsigned long u64;

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, FORK = 57, EXECVE = 59, EXIT = 60, WAIT4 = 61,
       GETCWD = 79, CHDIR = 80, REBOOT = 169, GETDENTS64 = 217 };
enum { POWER_OFF = 0x4321fedc, RESTART = 0x01234567 };

static char buffer[4096];

static long call(long number, u64 a, u64 b, u64 c) {
    long result;
    register u64 r10 __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static u64 length_of(const char *text) {
    u64 length = 0;
    while (text[length] != '\0') length++;
    return length;
}

static void say(const char *text) {
    call(WRITE, 1, (u64)text, length_of(text));
}

static int same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

static void copy_file(const char *path) {
    long fd = call(OPEN, (u64)path, 0, 0), n;
    if (fd < 0) say("there is no such file\n");
    while (fd >= 0 && (n = call(READ, fd, (u64)buffer, sizeof(buffer))) > 0) {
        call(WRITE, 1, (u64)buffer, n);
    }
    if (fd >= 0) call(CLOSE, fd, 0, 0);
}

static void list(const char *path) {
    long fd = call(OPEN, (u64)path, 0, 0), n;
    if (fd < 0) say("there is no such directory\n");
    while (fd >= 0 && (n = call(GETDENTS64, fd, (u64)buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < n; at += *(unsigned short *)(buffer + at + 16)) {
            say(buffer + at + 19); /* struct linux_dirent64: d_reclen at 16, d_name at 19 */
            say("  ");
        }
    }
    say("\n");
    if (fd >= 0) call(CLOSE, fd, 0, 0);
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
    const char *argument = word[1] == 0 ? "." : word[1];
    if (same(word[0], "help")) {
        say("  help             this list\n  echo WORD...     prints them\n"
            "  ls [DIRECTORY]   cat FILE   cd DIRECTORY   pwd\n"
            "  mem, time        what /proc says\n"
            "  PROGRAM WORD...  runs a static Linux program\n"
            "  poweroff, reboot (also Ctrl-D)\n");
    } else if (same(word[0], "echo")) {
        for (int i = 1; word[i] != 0; i++) say(word[i]), say(word[i + 1] != 0 ? " " : "");
        say("\n");
    } else if (same(word[0], "ls")) {
        list(argument);
    } else if (same(word[0], "cat")) {
        copy_file(argument);
    } else if (same(word[0], "mem")) {
        copy_file("/proc/meminfo");
    } else if (same(word[0], "time")) {
        copy_file("/proc/uptime");
    } else if (same(word[0], "cd")) {
        if (call(CHDIR, (u64)argument, 0, 0) < 0) say("there is no such directory\n");
    } else if (same(word[0], "pwd")) {
        if (call(GETCWD, (u64)buffer, sizeof(buffer), 0) > 0) say(buffer), say("\n");
    } else if (same(word[0], "poweroff") || same(word[0], "exit")) {
        call(REBOOT, 0xfee1dead, 0x28121969, POWER_OFF);
    } else if (same(word[0], "reboot")) {
        call(REBOOT, 0xfee1dead, 0x28121969, RESTART);
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
        if (n <= 0) call(REBOOT, 0xfee1dead, 0x28121969, POWER_OFF);
        for (long i = 0; i < n; i++) {
            if (line[i] == ' ' || line[i] == '\n') line[i] = '\0';
            else if (!inside && count < 15) word[count++] = &line[i];
            inside = line[i] != '\0';
        }
        line[n < 0 ? 0 : n] = '\0';
        word[count] = 0;
        if (count > 0) obey(word);
    }
}
