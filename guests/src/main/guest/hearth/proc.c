/* proc.c: /proc, the kernel's view of itself as files. Nothing in it is stored: a text is written whenever
 * its file is read. An inode's number says what it is about: a process, or 0 for the system, and a file. */
#include "kernel.h"
#define NUMBER(pid, file) (1ul << 40 | (u64)(pid) << 8 | (file)) /* file 0: the directory */
#define PID_OF(inode)     ((int)((inode)->number >> 8))
#define TICKS(nanos)      ((nanos) / (NANOS_PER_SECOND / HZ))

struct text { char *bytes; u64 length; };
#define text_add(text, ...) ((text)->length += \
    print_to((text)->bytes + (text)->length, PAGE_SIZE - (text)->length, __VA_ARGS__))

enum { SELF = 1, MEMINFO, MOUNTS, UPTIME, SYSTEM_STAT, LOADAVG, COMMAND_LINE, CPUINFO };
enum { STAT = 1, CMDLINE, MAPS, EXE };
static const char *const of_system[] = {
    ".", "self", "meminfo", "mounts", "uptime", "stat", "loadavg", "cmdline", "cpuinfo", 0};
static const char *const of_process[] = {".", "stat", "cmdline", "maps", "exe", 0};

static void print_system(struct text *text, u32 file) {
    u64 centis = uptime() / (NANOS_PER_SECOND / 100), user = 0;
    switch (file) {
    case SELF: text_add(text, "%d", current->pid); break;
    case UPTIME: text_add(text, "%lu.%02lu 0.00\n", centis / 100, centis % 100); break;
    case LOADAVG: text_add(text, "0.00 0.00 0.00 1/1 1\n"); break; /* nobody counts it */
    case COMMAND_LINE: text_add(text, "%s\n", start_info->cmd_line); break;
    case CPUINFO: for (u32 i = 0; i < cpu_count; i++) text_add(text, "processor\t: %u\n\n", i); break;
    case MEMINFO:
        text_add(text, "MemTotal: %11lu kB\nMemFree: %12lu kB\nMemAvailable: %7lu kB\nBuffers: 0 kB\n",
                 pages_total * 4, pages_free * 4, pages_free * 4);
        text_add(text, "Cached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 0 kB\nSReclaimable: 0 kB\n");
        break;
    case MOUNTS:
        for (struct mount *mount = mounts; mount != 0; mount = mount->next) {
            text_add(text, "%s %s %s rw 0 0\n", mount->source, mount->target, mount->type);
        }
        break;
    case SYSTEM_STAT:
        for (struct task *task = tasks; task != 0; task = task->next) user += task->user_time;
        text_add(text, "cpu %lu 0 0 %lu 0 0 0 0 0 0\n", TICKS(user), TICKS(uptime() * cpu_count - user));
    }
}

static void print_process(struct text *text, struct task *task, u32 file) {
    struct space *space = task->space, nothing = {.areas = 0}; /* of kernel threads, and of the dead */
    u64 size = 0, length;
    if (space == 0) space = &nothing;
    for (struct area *area = space->areas; area != 0; area = area->next) {
        size += area->end - area->start;
        if (file != MAPS) continue;
        text_add(text, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu\n", area->start, area->end, "-r"[area->prot & 1],
                 "-w"[area->prot >> 1 & 1], "-x"[area->prot >> 2 & 1], "ps"[area->flags & MAP_SHARED],
                 area->offset, area->inode == 0 ? 0 : area->inode->number);
    }
    if (file == STAT) {
        text_add(text, "%d (%s) %c %d %d %d 1281 0 0 0 0 0 0 ", task->pid, task->name, "RSZ"[task->state],
                 task->parent == 0 ? 0 : task->parent->pid, task->group, task->group);
        text_add(text, "%lu 0 0 0 20 0 1 0 %lu %lu %lu 0 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 0 0 0 0 0 0\n",
                 TICKS(task->user_time), TICKS(task->started), size, space->resident, task->signals_pending,
                 task->signals_blocked);
    } else if (file == CMDLINE) {
        length = MIN(space->arguments_end - space->arguments, PAGE_SIZE);
        if (copy_from_space(space, text->bytes, space->arguments, length) == 0) text->length = length;
    } else if (file == EXE) {
        text_add(text, "%s", space->program);
    }
}

static const struct inode_ops proc_ops;

static u32 mode_of(int pid, u32 file) {
    return file == 0 ? S_IFDIR | 0555 : file == (pid == 0 ? SELF : EXE) ? S_IFLNK | 0777 : S_IFREG | 0444;
}

static long proc_lookup(struct inode *directory, const char *name, struct inode **found) {
    int pid = PID_OF(directory), file = 1;
    const char *const *names = pid == 0 ? of_system : of_process;
    while (names[file] != 0 && !streq(names[file], name)) file++;
    if (names[file] == 0) {
        if (pid != 0 || task_by_pid(pid = parse_number(name, 0)) == 0) return -ENOENT;
        file = 0;
    }
    if ((*found = inode_new(mode_of(pid, file), &proc_ops)) == 0) return -ENOMEM;
    (*found)->number = NUMBER(pid, file); /* the same thing has the same number each time */
    return 0;
}

static long proc_list(struct inode *directory, u64 position, struct name *name) {
    int pid = PID_OF(directory);
    const char *const *names = pid == 0 ? of_system : of_process;
    u64 file = 1;
    while (names[file] != 0 && position > 0) file++, position--;
    struct task *task = names[file] != 0 || pid != 0 ? 0 : tasks;
    while (task != 0 && position-- > 0) task = task->next;
    if (task == 0 && names[file] == 0) return 0;
    if (task != 0) file = 0, pid = task->pid;
    *name = (struct name){.number = NUMBER(pid, file), .mode = mode_of(pid, file)};
    if (task == 0) copy_string(name->text, names[file], sizeof(name->text));
    else print_to(name->text, sizeof(name->text), "%d", pid);
    return 1;
}

static long proc_read(struct inode *inode, void *to, u64 n, u64 offset) {
    struct task *task = task_by_pid(PID_OF(inode));
    struct text text = {.bytes = page_alloc()};
    if (text.bytes == 0) return -ENOMEM;
    if (PID_OF(inode) == 0) print_system(&text, inode->number & 255);
    else if (task != 0) print_process(&text, task, inode->number & 255);
    n = offset >= text.length ? 0 : MIN(n, text.length - offset);
    memcpy(to, text.bytes + offset, n);
    page_put(text.bytes);
    return n;
}

static const struct inode_ops proc_ops = {.read = proc_read, .lookup = proc_lookup, .list = proc_list};

void proc_init(void) {
    struct inode *inode = path_make("/proc", S_IFDIR | 0555);
    if (inode == 0) panic("no /proc");
    inode->ops = &proc_ops;
    inode->number = NUMBER(0, 0);
}
