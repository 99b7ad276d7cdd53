/*
 * shell.c: a prompt, and commands that show what a paravirtual guest sees.
 */
#include "kernel.h"

#define LINE_MAX  120
#define PFN_SAMPLE 4

/* ---- mem ----------------------------------------------------------------------------------- */

static void print_range(const char *what, u64 from, u64 to) {
    print("  %016lx-%016lx %9lu KiB  %s\n", from, to, (to - from + 1023) / 1024, what);
}

static void command_mem(const char *argument) {
    const u64 *p2m = (const u64 *)start_info->mfn_list;
    u16 domid = DOMID_SELF;
    u64 tables = start_info->pt_base;
    (void)argument;

    print("%lu pages of 4 KiB; Xen counts %ld\n",
          start_info->nr_pages, HYPERCALL(memory_op, XENMEM_current_reservation, &domid));
    print_range("code", (u64)_start_of_kernel, (u64)_start_of_data);
    print_range("  of which hypercall page, filled by Xen",
                (u64)hypercall_page, (u64)hypercall_page + PAGE_SIZE);
    print_range("data", (u64)_start_of_data, (u64)_end_of_kernel);
    print_range("  of which shared_info, a page of Xen's",
                (u64)&shared_info, (u64)&shared_info + PAGE_SIZE);
    print_range("start_info", (u64)start_info, (u64)start_info + PAGE_SIZE);
    print_range("page tables, read-only", tables, tables + start_info->nr_pt_frames * PAGE_SIZE);
    print_range("p2m list", (u64)p2m, (u64)(p2m + start_info->nr_pages));
    print_range("m2p list, Xen's", (u64)MACH2PHYS, (u64)MACH2PHYS + (1ul << 38));
    print("the first pages, as we count them (pfn) and as the machine does (mfn):\n");
    for (u64 pfn = 0; pfn < PFN_SAMPLE && pfn < start_info->nr_pages; pfn++) {
        print("  pfn %4lu -> mfn %8lx -> pfn %4lu\n", pfn, p2m[pfn], MACH2PHYS[p2m[pfn]]);
    }
}

/* ---- time ---------------------------------------------------------------------------------- */

/* Day, month and year of the proleptic Gregorian calendar from days since 1970. Years are counted
 * from March, so that the leap day is the last of its year. */
static void print_date(u64 days) {
    days += 719468; /* from 1 March of year 0 */
    u64 era = days / 146097, day = days % 146097; /* 400 years have 146,097 days */
    u64 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    u64 month = (5 * day + 2) / 153; /* March is 0 */
    day -= (153 * month + 2) / 5;
    print("%04lu-%02lu-%02lu", era * 400 + year + (month >= 10),
          month < 10 ? month + 3 : month - 9, day + 1);
}

static void command_time(const char *argument) {
    const struct vcpu_time_info *time = &shared_info.vcpu_info[0].time;
    u64 nanos = now(), seconds = wall_clock_seconds();
    (void)argument;

    print("%lu.%09lu s since Xen started\n", nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    print_date(seconds / 86400);
    print(" %02lu:%02lu:%02lu UTC\n",
          seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    print("pvclock: version %u, tsc %lu at %lu ns, now %lu, scale %08x / 2^32, shift %d\n",
          time->version, time->tsc_timestamp, time->system_time, read_tsc(),
          time->tsc_to_system_mul, time->tsc_shift);
}

static void command_sleep(const char *argument) {
    u64 millis = parse_number(argument, 1000), start = now();
    sleep_until(start + millis * NANOS_PER_MILLI);
    print("slept %lu us in sched_op block\n", (now() - start) / 1000);
}

/* A pulse for whoever watches from outside: a line each so many milliseconds, with how late it is. */
static void command_beat(const char *argument) {
    u64 period = parse_number(argument, 1000) * NANOS_PER_MILLI, due = now();
    if (period == 0) return;
    for (u64 beat = 1; !console_has_input(); beat++) {
        due += period;
        sleep_until(due);
        print("beat %lu, %lu us late\n", beat, (now() - due) / 1000);
    }
}

/* Runs without a single hypercall of its own, so only an upcall can interrupt it. */
static void command_spin(const char *argument) {
    u64 millis = parse_number(argument, 200), start = now();
    u64 upcalls = upcall_count, rounds = 0;
    timer_every(10 * NANOS_PER_MILLI);
    while (now() < start + millis * NANOS_PER_MILLI) rounds++;
    timer_every(0);
    print("%lu rounds in %lu ms, interrupted by %lu upcalls of a 10 ms timer\n",
          rounds, (now() - start) / NANOS_PER_MILLI, upcall_count - upcalls);
}

/* ---- hypercall ----------------------------------------------------------------------------- */

static void command_hypercall(const char *argument) {
    u64 calls = parse_number(argument, 10000);
    if (*argument == '\0') {
        print("this kernel uses:\n"
              "   0 set_trap_table    where exceptions go\n"
              "  12 memory_op         how much memory we have\n"
              "  14 update_va_mapping change one page table entry\n"
              "  17 xen_version       who are you; also: look whether an event is pending\n"
              "  18 console_io        the first words\n"
              "  23 iret              back from an exception or event\n"
              "  24 vcpu_op           the timer\n"
              "  29 sched_op          sleep, poll, shut down\n"
              "  30 callback_op       where events go\n"
              "  32 event_channel_op  bind, unmask, send\n");
    }
    if (calls == 0) return;
    u64 start = now();
    for (u64 i = 0; i < calls; i++) HYPERCALL(xen_version, XENVER_version, 0);
    u64 nanos = now() - start;
    print("%lu times xen_version: %lu us, %lu ns each\n", calls, nanos / 1000, nanos / calls);
}

/* ---- The others ---------------------------------------------------------------------------- */

static void command_events(const char *argument) {
    (void)argument;
    print("%lu upcalls\n", upcall_count);
    for (u32 port = 0; port < MAX_PORT; port++) {
        if (event_ports[port].name == 0) continue;
        print("  port %2u  %-8s %8lu events\n",
              port, event_ports[port].name, event_ports[port].count);
    }
}

static void command_xenstore(const char *argument) {
    static char answer[XENSTORE_PAYLOAD_MAX + 1];
    char home[LINE_MAX] = "/local/domain/";
    const char *path = argument;
    if (*path == '\0' && xenstore_ask(XS_READ, "domid", answer) > 0) {
        /* Paths without a slash in front begin at this domain's own node; here it is in full. */
        memcpy(home + strlen(home), answer, strlen(answer) < 8 ? strlen(answer) : 8);
        path = home;
    }
    int length = xenstore_ask(XS_READ, path, answer);
    print("%s %s \"%s\"\n", path, length < 0 ? "cannot be read:" : "=", answer);
    length = xenstore_ask(XS_DIRECTORY, path, answer);
    for (int i = 0; i < length; i += (int)strlen(answer + i) + 1) print("  %s\n", answer + i);
}

static void command_crash(const char *argument) {
    if (*argument == '\0' || streq(argument, "pf")) {
        provoke_page_fault();
    } else if (streq(argument, "ud")) {
        provoke_undefined_instruction();
    } else if (streq(argument, "bp")) {
        provoke_breakpoint();
    } else {
        print("crash pf, crash ud or crash bp\n");
    }
}

static void command_echo(const char *argument) {
    print("%s\n", argument);
}

static void command_poweroff(const char *argument) {
    (void)argument;
    print("lantern: power off\n");
    shutdown(SHUTDOWN_poweroff);
}

static void command_reboot(const char *argument) {
    (void)argument;
    print("lantern: reboot\n");
    shutdown(SHUTDOWN_reboot);
}

static void command_help(const char *argument);

static const struct command {
    const char *name, *argument, *meaning;
    void (*run)(const char *argument);
} commands[] = {
    {"help",      "",      "this list", command_help},
    {"mem",       "",      "memory: layout, pfn and mfn", command_mem},
    {"time",      "",      "the paravirtual clock and the wall clock", command_time},
    {"sleep",     "[MS]",  "block until a timer event", command_sleep},
    {"beat",      "[MS]",  "a line each MS milliseconds until a key", command_beat},
    {"spin",      "[MS]",  "keep busy and count timer upcalls", command_spin},
    {"hypercall", "[N]",   "list the hypercalls; time N of them", command_hypercall},
    {"events",    "",      "event channels and their counts", command_events},
    {"xenstore",  "[PATH]", "a node of xenstore and its children", command_xenstore},
    {"echo",      "TEXT",  "print TEXT", command_echo},
    {"crash",     "[pf|ud|bp]", "page fault, undefined instruction, breakpoint", command_crash},
    {"reboot",    "",      "ask Xen for a new start", command_reboot},
    {"poweroff",  "",      "end this domain (also Ctrl-D)", command_poweroff},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void command_help(const char *argument) {
    (void)argument;
    for (u64 i = 0; i < COMMAND_COUNT; i++) {
        print("  %-9s %-10s  %s\n", commands[i].name, commands[i].argument, commands[i].meaning);
    }
}

/* Changes the line: the first word is ended where it ends. */
static void run(char *line) {
    while (*line == ' ') line++;
    if (*line == '\0') return;
    char *end = line;
    while (*end != ' ' && *end != '\0') end++;
    char *argument = end;
    while (*argument == ' ') argument++;
    *end = '\0';
    for (u64 i = 0; i < COMMAND_COUNT; i++) {
        if (streq(line, commands[i].name)) {
            commands[i].run(argument);
            return;
        }
    }
    print("%s: no such command; try help\n", line);
}

/* ---- Reading a line ------------------------------------------------------------------------ */

#define CTRL(letter) ((letter) & 31)
#define ESCAPE       27
#define DELETE       127

/* Arrow keys and their like send ESC [ ... letter; we have no use for them. */
static void skip_escape_sequence(void) {
    int c = console_read();
    if (c != '[' && c != 'O') return;
    do c = console_read();
    while (c >= '0' && c <= '?');
}

/* Reads and echoes; the terminal at the far end shows only what we send. False at the end of
 * the input. Ctrl-D behind some text ends the line, and the input with it: a file that somebody
 * sends us need not end with a line break. */
static int read_line(char *line) {
    static int last_was_return, at_end;
    u32 length = 0;
    while (!at_end) {
        int c = console_read();
        int after_return = last_was_return;
        last_was_return = c == '\r';
        if (c == '\n' && after_return) continue; /* CR LF is one end of line */
        if (c == '\r' || c == '\n') {
            print("\n");
            line[length] = '\0';
            return 1;
        }
        if (c == END_OF_INPUT || c == CTRL('D')) {
            at_end = 1;
            print("\n");
            line[length] = '\0';
            return length > 0;
        }
        if (c == CTRL('C')) {
            print("^C\n");
            line[0] = '\0';
            return 1;
        }
        if ((c == DELETE || c == CTRL('H')) && length > 0) {
            length--;
            print("\b \b");
        } else if (c == CTRL('U')) {
            for (; length > 0; length--) print("\b \b");
        } else if (c == ESCAPE) {
            skip_escape_sequence();
        } else if (c >= ' ' && c != DELETE && length < LINE_MAX) {
            line[length++] = (char)c;
            print("%c", c);
        }
    }
    return 0;
}

/* ---- The beginning and the end ------------------------------------------------------------- */

static void banner(void) {
    char extra[16] = "";
    long version = HYPERCALL(xen_version, XENVER_version, 0);
    HYPERCALL(xen_version, XENVER_extraversion, extra);
    extra[15] = '\0';
    print("\nlantern, a small paravirtual kernel on Xen %ld.%ld%s\n",
          version >> 16, version & 0xffff, extra);
    print("%lu KiB of memory, one processor. Type help.\n\n", start_info->nr_pages * 4);
}

/* "run=mem;time" on the kernel's command line: commands to begin with. */
static void run_command_line(void) {
    char line[LINE_MAX + 1];
    const char *from = start_info->cmd_line;
    const char *commands_given = 0;
    for (; *from != '\0' && commands_given == 0; from++) commands_given = skip_prefix(from, "run=");
    while (commands_given != 0 && *commands_given != '\0') {
        u32 length = 0;
        for (; *commands_given != '\0' && *commands_given != ';'; commands_given++) {
            if (length < LINE_MAX) line[length++] = *commands_given;
        }
        if (*commands_given == ';') commands_given++;
        line[length] = '\0';
        print("lantern> %s\n", line);
        run(line);
    }
}

void shell(void) {
    char line[LINE_MAX + 1];
    banner();
    run_command_line();
    for (;;) {
        print("lantern> ");
        if (!read_line(line)) command_poweroff("");
        run(line);
    }
}
