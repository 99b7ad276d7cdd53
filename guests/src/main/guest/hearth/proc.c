/*
 * proc.c: /proc, the kernel's view of itself as files. Nothing in it is stored: a text is written when
 * its file is opened.
 */
#include "kernel.h"

/* What an inode of /proc is about: a file (with pid 0: of the system), or a directory. */
struct about { int pid; const struct proc_file *file; const char *directory; };

static struct proc_file *files; /* of the system */
static struct inode *proc_root;
static const struct inode_ops proc_ops;

/* ---- Of processes ---------------------------------------------------------------------------------------- */

static struct task *subject; /* of the text being written */

static u64 ticks(u64 nanos) {
    return nanos / (NANOS_PER_SECOND / HZ);
}

static u64 virtual_size(struct task *task) {
    u64 size = 0;
    if (task->space == 0) return 0;
    for (struct area *area = task->space->areas; area != 0; area = area->next) {
        size += area->end - area->start;
    }
    return size;
}

static char state_letter(struct task *task) {
    return task->state == RUNNABLE ? 'R' : task->state == STOPPED ? 'T' : task->state == ZOMBIE ? 'Z' : 'S';
}

static void print_stat(struct text *text) {
    struct task *task = subject;
    text_add(text, "%d (%s) %c %d %d %d %d %d 0 0 0 0 0 ", task->pid, task->name, state_letter(task),
             task->parent == 0 ? 0 : task->parent->pid, task->group, task->session, 1281, 0);
    text_add(text, "%lu 0 %lu 0 20 0 1 0 %lu %lu %lu ", ticks(task->user_time),
             ticks(task->children_time), ticks(task->started), virtual_size(task),
             task->space == 0 ? 0 : task->space->resident);
    text_add(text, "0 0 0 0 0 0 %lu %lu 0 0 0 0 0 17 0 0 0 0 0 0\n", task->signals_pending,
             task->signals_blocked);
}

static void print_status(struct text *text) {
    struct task *task = subject;
    text_add(text, "Name:\t%s\nState:\t%c\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
             task->name, state_letter(task), task->pid, task->parent == 0 ? 0 : task->parent->pid);
    text_add(text, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nVmPTE:\t%8lu kB\nThreads:\t1\n",
             virtual_size(task) / 1024, task->space == 0 ? 0 : task->space->resident * 4,
             task->space == 0 ? 0 : task->space->tables * 4);
}

static void print_cmdline(struct text *text) {
    struct space *space = subject->space;
    if (space == 0) return;
    u64 length = MIN(space->arguments_end - space->arguments, text->room);
    if (copy_from_space(space, text->bytes, space->arguments, length) == 0) text->length = length;
}

static void print_comm(struct text *text) {
    text_add(text, "%s\n", subject->name);
}

static void print_maps(struct text *text) {
    if (subject->space == 0) return;
    for (struct area *area = subject->space->areas; area != 0; area = area->next) {
        text_add(text, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu\n", area->start, area->end,
                 area->prot & PROT_READ ? 'r' : '-', area->prot & PROT_WRITE ? 'w' : '-',
                 area->prot & PROT_EXEC ? 'x' : '-', area->flags & MAP_SHARED ? 's' : 'p', area->offset,
                 area->inode == 0 ? 0 : area->inode->number);
    }
}

static void print_exe(struct text *text) {
    if (subject->space != 0) text_add(text, "%s", subject->space->program);
}

static const struct proc_file process_files[] = {
    {.name = "stat", .print = print_stat}, {.name = "status", .print = print_status},
    {.name = "cmdline", .print = print_cmdline}, {.name = "comm", .print = print_comm},
    {.name = "maps", .print = print_maps}, {.name = "exe", .print = print_exe},
};

/* ---- Of the system ------------------------------------------------------------------------------------------ */

static void print_meminfo(struct text *text) {
    text_add(text, "MemTotal: %11lu kB\nMemFree: %12lu kB\nMemAvailable: %7lu kB\nBuffers: 0 kB\n",
             pages_total * 4, pages_free * 4, pages_free * 4);
    text_add(text, "Cached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 0 kB\nSReclaimable: 0 kB\n");
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
    text_add(text, "cpu %lu 0 0 %lu 0 0 0 0 0 0\nctxt 0\nbtime %lu\n", ticks(user), ticks(uptime()),
             (wall_clock() - uptime()) / NANOS_PER_SECOND);
}

static void print_loadavg(struct text *text) {
    text_add(text, "0.00 0.00 0.00 1/1 1\n");
}

static void print_version(struct text *text) {
    text_add(text, "Linux version 6.1.0-hearth: no Linux, but a small kernel on Xen\n");
}

static void print_system_cmdline(struct text *text) {
    text_add(text, "%s\n", start_info->cmd_line);
}

static void print_cpuinfo(struct text *text) {
    for (u32 i = 0; i < cpu_count; i++) text_add(text, "processor\t: %u\n\n", i);
}

static void print_filesystems(struct text *text) {
    text_add(text, "nodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n");
}

void proc_register(struct proc_file *file) {
    file->next = files;
    files = file;
}

/* ---- As a file system --------------------------------------------------------------------------------------- */

static struct inode *proc_inode(u32 mode, int pid, const struct proc_file *file, const char *directory) {
    struct about *about = kmalloc(sizeof(*about));
    struct inode *inode = about == 0 ? 0 : inode_new(mode, &proc_ops);
    if (inode == 0) return kfree(about), (struct inode *)0;
    *about = (struct about){.pid = pid, .file = file, .directory = directory};
    inode->data = about;
    /* The same thing has the same number each time. */
    inode->number = pid != 0 && file == 0 ? 0x10000 + (u64)pid : inode->number;
    return inode;
}

static void proc_release(struct inode *inode) {
    kfree(inode->data);
}

/* The part of a registered name that stands in a directory: "dev" of "net/dev"; null: not there. */
static const char *name_in(const char *directory, const struct proc_file *file) {
    const char *rest = directory == 0 ? file->name : skip_prefix(file->name, directory);
    if (rest == 0 || directory == 0) return rest;
    return *rest == '/' ? rest + 1 : 0;
}

static const char *first_slash(const char *name) {
    while (*name != '\0' && *name != '/') name++;
    return *name == '/' ? name : 0;
}

static long found_or_none(struct inode *inode, struct inode **found) {
    *found = inode;
    return inode == 0 ? -ENOMEM : 0;
}

static long proc_lookup(struct inode *inode, const char *name, struct inode **found) {
    struct about *about = inode->data;
    for (u32 i = 0; about->pid != 0 && i < ARRAY_SIZE(process_files); i++) {
        if (!streq(process_files[i].name, name)) continue;
        u32 mode = streq(name, "exe") ? S_IFLNK | 0777 : S_IFREG | 0444;
        return found_or_none(proc_inode(mode, about->pid, &process_files[i], 0), found);
    }
    if (about->pid != 0) return -ENOENT;
    for (struct proc_file *file = files; file != 0; file = file->next) {
        const char *there = name_in(about->directory, file), *slash = there == 0 ? 0 : first_slash(there);
        if (there == 0) continue;
        if (streq(there, name)) return found_or_none(proc_inode(S_IFREG | 0444, 0, file, 0), found);
        if (slash != 0 && strlen(name) == (u64)(slash - there) && same_bytes(there, name, slash - there)) {
            return found_or_none(proc_inode(S_IFDIR | 0555, 0, 0, "net"), found);
        }
    }
    if (about->directory == 0 && streq(name, "self")) {
        return found_or_none(proc_inode(S_IFLNK | 0777, 0, 0, 0), found);
    }
    struct task *task = task_by_pid(parse_number(name, 0));
    if (about->directory != 0 || task == 0) return -ENOENT;
    return found_or_none(proc_inode(S_IFDIR | 0555, task->pid, 0, 0), found);
}

static long tell_name(struct name *name, const char *text, u32 mode) {
    copy_string(name->text, text, sizeof(name->text));
    name->mode = mode;
    name->number = 1;
    return 1;
}

static long proc_list(struct inode *inode, u64 position, struct name *name) {
    struct about *about = inode->data;
    if (about->pid != 0) {
        if (position >= ARRAY_SIZE(process_files)) return 0;
        return tell_name(name, process_files[position].name, S_IFREG);
    }
    for (struct proc_file *file = files; file != 0; file = file->next) {
        const char *there = name_in(about->directory, file);
        if (there == 0 || first_slash(there) != 0 || position-- > 0) continue;
        return tell_name(name, there, S_IFREG);
    }
    if (about->directory != 0) return 0;
    if (position == 0) return tell_name(name, "self", S_IFLNK);
    if (position == 1) return tell_name(name, "net", S_IFDIR);
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (position-- > 2) continue;
        struct text text = {.bytes = name->text, .room = sizeof(name->text) - 1};
        text_add(&text, "%d", task->pid);
        name->text[text.length] = '\0';
        name->mode = S_IFDIR;
        name->number = 0x10000 + task->pid;
        return 1;
    }
    return 0;
}

static long write_text(struct inode *inode, struct text *text) {
    struct about *about = inode->data;
    subject = task_by_pid(about->pid);
    if (about->pid != 0 && subject == 0) return -ESRCH;
    if (about->file != 0) about->file->print(text);
    else text_add(text, "%d", current->pid); /* self */
    return 0;
}

/* A link's text. */
static long proc_read(struct inode *inode, void *to, u64 n, u64 offset) {
    struct text text = {.bytes = to, .room = n};
    long error = offset != 0 ? 0 : write_text(inode, &text);
    return error != 0 ? error : (long)text.length;
}

static long text_read(struct file *file, void *to, u64 n) {
    struct text *text = file->data;
    if (file->position >= text->length) return 0;
    n = MIN(n, text->length - file->position);
    memcpy(to, text->bytes + file->position, n);
    file->position += n;
    return n;
}

static void text_close(struct file *file) {
    struct text *text = file->data;
    page_put(text->bytes);
    kfree(text);
}

static const struct file_ops text_ops = {.read = text_read, .close = text_close};

static long proc_open(struct inode *inode, struct file *file) {
    if (S_IS(inode->mode, DIR)) return 0;
    struct text *text = kmalloc(sizeof(*text));
    char *page = text == 0 ? 0 : page_alloc();
    if (page == 0) return kfree(text), -ENOMEM;
    *text = (struct text){.bytes = page, .room = PAGE_SIZE};
    long error = write_text(inode, text);
    if (error != 0) return page_put(page), kfree(text), error;
    file->ops = &text_ops;
    file->data = text;
    return 0;
}

static const struct inode_ops proc_ops = {.read = proc_read, .lookup = proc_lookup, .list = proc_list,
                                          .open = proc_open, .release = proc_release};

static long proc_mount(struct mount *mount, const char *source, u32 flags) {
    (void)source, (void)flags;
    if (proc_root->covers != 0) return -EBUSY;
    inode_get(mount->root = proc_root);
    return 0;
}

void proc_init(void) {
    static struct mount_type type = {.name = "proc", .open = proc_mount};
    static struct proc_file system_files[] = {
        {.name = "meminfo", .print = print_meminfo}, {.name = "mounts", .print = print_mounts},
        {.name = "uptime", .print = print_uptime}, {.name = "stat", .print = print_system_stat},
        {.name = "loadavg", .print = print_loadavg}, {.name = "version", .print = print_version},
        {.name = "cmdline", .print = print_system_cmdline}, {.name = "cpuinfo", .print = print_cpuinfo},
        {.name = "filesystems", .print = print_filesystems}};
    for (u32 i = 0; i < ARRAY_SIZE(system_files); i++) proc_register(&system_files[i]);
    proc_root = proc_inode(S_IFDIR | 0555, 0, 0, 0);
    mount_type_register(&type);
}
