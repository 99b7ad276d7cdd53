/*
 * proc.c: /proc, the kernel's view of itself as files. Nothing in it is stored: a text is written whenever
 * its file is read. An inode's number says what it is about: a process, or 0 for the system, and a file.
 */
#include "kernel.h"

#define NUMBER(pid, file) (1ul << 40 | (u64)(pid) << 8 | (file)) /* file 0: the directory */
#define PID_OF(inode)     ((int)((inode)->number >> 8))

struct proc_file { const char *name; u32 mode; void (*print)(struct text *text); };

/* ---- Of processes ------------------------------------------------------------------------------------- */
static struct task *subject; /* of the text being written */

#define TICKS(nanos) ((nanos) / (NANOS_PER_SECOND / HZ))

static void print_stat(struct text *text) {
    u64 size = 0, resident = subject->space == 0 ? 0 : subject->space->resident;
    struct area *area = subject->space == 0 ? 0 : subject->space->areas;
    for (; area != 0; area = area->next) size += area->end - area->start;
    text_add(text, "%d (%s) %c %d %d %d 1281 0 0 0 0 0 0 %lu 0 0 0 20 0 1 0 %lu %lu %lu", subject->pid,
             subject->name, "RSTZ"[subject->state], subject->parent == 0 ? 0 : subject->parent->pid,
             subject->group, subject->group, TICKS(subject->user_time), TICKS(subject->started), size, resident);
    text_add(text, " 0 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 0 0 0 0 0 0\n", subject->signals_pending,
             subject->signals_blocked);
}

static void print_cmdline(struct text *text) {
    if (subject->space == 0) return;
    u64 start = subject->space->arguments, length = MIN(subject->space->arguments_end - start, text->room);
    if (copy_from_space(subject->space, text->bytes, start, length) == 0) text->length = length;
}

static void print_maps(struct text *text) {
    struct area *area = subject->space == 0 ? 0 : subject->space->areas;
    for (; area != 0; area = area->next) {
        text_add(text, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu\n", area->start, area->end, "-r"[area->prot & 1],
                 "-w"[area->prot >> 1 & 1], "-x"[area->prot >> 2 & 1], "ps"[area->flags & MAP_SHARED],
                 area->offset, area->inode == 0 ? 0 : area->inode->number);
    }
}

static void print_exe(struct text *text) {
    if (subject->space != 0) text_add(text, "%s", subject->space->program);
}

/* ---- Of the system ------------------------------------------------------------------------------------ */
static void print_self(struct text *text) { text_add(text, "%d", current->pid); }

static void print_meminfo(struct text *text) {
    text_add(text, "MemTotal: %11lu kB\nMemFree: %12lu kB\nMemAvailable: %7lu kB\n"
             "Buffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 0 kB\nSReclaimable: 0 kB\n",
             pages_total * 4, pages_free * 4, pages_free * 4);
}

static void print_mounts(struct text *text) {
    for (struct mount *mount = mounts; mount != 0; mount = mount->next) {
        text_add(text, "%s %s %s rw 0 0\n", mount->source, mount->target, mount->type);
    }
}

static void print_uptime(struct text *text) {
    u64 centis = uptime() / (NANOS_PER_SECOND / 100);
    text_add(text, "%lu.%02lu 0.00\n", centis / 100, centis % 100);
}

static void print_system_stat(struct text *text) {
    u64 user = 0;
    for (struct task *task = tasks; task != 0; task = task->next) user += task->user_time;
    text_add(text, "cpu %lu 0 0 %lu 0 0 0 0 0 0\n", TICKS(user), TICKS(uptime() * cpu_count - user));
}

static void print_load(struct text *text) {
    text_add(text, "0.00 0.00 0.00 1/1 1\n"); /* nobody counts it */
}

static void print_command_line(struct text *text) { text_add(text, "%s\n", start_info->cmd_line); }

static void print_cpuinfo(struct text *text) {
    for (u32 i = 0; i < cpu_count; i++) text_add(text, "processor\t: %u\n\n", i);
}

/* ---- As a file system --------------------------------------------------------------------------------- */
#define FILE S_IFREG | 0444
#define LINK S_IFLNK | 0777
static const struct proc_file of_system[] = {
    {"self", LINK, print_self}, {"meminfo", FILE, print_meminfo}, {"mounts", FILE, print_mounts},
    {"uptime", FILE, print_uptime}, {"stat", FILE, print_system_stat}, {"loadavg", FILE, print_load},
    {"cmdline", FILE, print_command_line}, {"cpuinfo", FILE, print_cpuinfo}, {0, 0, 0}};
static const struct proc_file of_process[] = {
    {"stat", FILE, print_stat}, {"cmdline", FILE, print_cmdline}, {"maps", FILE, print_maps},
    {"exe", LINK, print_exe}, {0, 0, 0}};

static const struct proc_file *files_of(struct inode *inode) {
    return PID_OF(inode) == 0 ? of_system : of_process;
}

static const struct inode_ops proc_ops;

static long proc_lookup(struct inode *directory, const char *name, struct inode **found) {
    const struct proc_file *files = files_of(directory), *file = files;
    u64 number = directory->number;
    u32 mode = S_IFDIR | 0555;
    while (file->name != 0 && !streq(file->name, name)) file++;
    if (file->name != 0) {
        number += file - files + 1;
        mode = file->mode;
    } else if (files == of_process || task_by_pid(parse_number(name, 0)) == 0) {
        return -ENOENT;
    } else {
        number = NUMBER(parse_number(name, 0), 0);
    }
    if ((*found = inode_new(mode, &proc_ops)) == 0) return -ENOMEM;
    (*found)->number = number; /* the same thing has the same number each time */
    return 0;
}

static long proc_list(struct inode *directory, u64 position, struct name *name) {
    struct task *task = tasks;
    for (const struct proc_file *file = files_of(directory); file->name != 0; file++) {
        if (position-- > 0) continue;
        name->number = directory->number + (file - files_of(directory)) + 1;
        name->mode = file->mode;
        copy_string(name->text, file->name, sizeof(name->text));
        return 1;
    }
    while (task != 0 && position-- > 0) task = task->next;
    if (task == 0 || files_of(directory) == of_process) return 0;
    name->number = NUMBER(task->pid, 0);
    name->mode = S_IFDIR;
    print_to(name->text, sizeof(name->text), "%d", task->pid);
    return 1;
}

static long proc_read(struct inode *inode, void *to, u64 n, u64 offset) {
    const struct proc_file *files = files_of(inode);
    struct text text = {.bytes = page_alloc(), .room = PAGE_SIZE};
    if (text.bytes == 0) return -ENOMEM;
    subject = task_by_pid(PID_OF(inode));
    if (subject != 0 || files == of_system) files[(inode->number & 255) - 1].print(&text);
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
