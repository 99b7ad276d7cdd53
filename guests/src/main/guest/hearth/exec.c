/*
 * exec.c: starting a program: an ELF file linked statically, or a script that names one.
 */
#include "kernel.h"

#define ARGUMENT_PAGES 8
#define ARGUMENT_ROOM  (ARGUMENT_PAGES * PAGE_SIZE)
#define STACK_ROOM     (8ul << 20)
#define PIE_BASE       0x10000000ul /* where what can lie anywhere lies */

/* The strings of argv and then envp, one behind the other, each ended by a 0. */
struct arguments { char *strings; u64 used; u32 argc, envc; };

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
#define ET_EXEC   2
#define ET_DYN    3
#define EM_X86_64 62

struct program_header { u32 type, flags; u64 offset, vaddr, paddr, filesz, memsz, align; };
#define PT_LOAD   1
#define PT_INTERP 3
#define PF_X      1
#define PF_W      2
#define PF_R      4

enum { AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY,
       AT_UID = 11, AT_EUID, AT_GID, AT_EGID, AT_HWCAP = 16, AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25,
       AT_EXECFN = 31 };

struct program { struct space *space; u64 entry, headers, end; u32 header_count; };

/* ---- The file ------------------------------------------------------------------------------------------ */

static long map_segment(struct program *program, struct inode *inode, u64 base,
                        const struct program_header *segment) {
    u64 start = base + segment->vaddr, in_page = start % PAGE_SIZE;
    struct area area = {
        .start = start - in_page, .end = ROUND_UP(start + segment->memsz, PAGE_SIZE),
        .prot = (segment->flags & PF_R ? PROT_READ : 0) | (segment->flags & PF_W ? PROT_WRITE : 0)
                | (segment->flags & PF_X ? PROT_EXEC : 0),
        .flags = MAP_PRIVATE, .inode = inode, .offset = segment->offset - in_page,
        .file_end = segment->memsz == segment->filesz ? 0 : start + segment->filesz};
    if (segment->memsz == 0) return 0;
    if (segment->offset % PAGE_SIZE != in_page || segment->memsz < segment->filesz) return -ENOEXEC;
    program->end = MAX(program->end, area.end);
    long address = space_map(program->space, &area, 1);
    return MIN(address, 0);
}

static long load(struct inode *inode, const struct elf_header *elf, struct program *program) {
    u64 base = elf->type == ET_DYN ? PIE_BASE : 0;
    struct program_header segments[16];
    u64 size = elf->phnum * sizeof(segments[0]);
    if (elf->machine != EM_X86_64 || elf->phentsize != sizeof(segments[0])
            || elf->phnum > ARRAY_SIZE(segments) || (elf->type != ET_EXEC && elf->type != ET_DYN)
            || inode->ops->read(inode, segments, size, elf->phoff) != (long)size) {
        return -ENOEXEC;
    }
    for (u32 i = 0; i < elf->phnum; i++) {
        const struct program_header *segment = &segments[i];
        if (segment->type == PT_INTERP) return -ENOENT; /* wants a dynamic linker */
        if (segment->type != PT_LOAD) continue;
        long error = map_segment(program, inode, base, segment);
        if (error != 0) return error;
        if (elf->phoff >= segment->offset && elf->phoff < segment->offset + segment->filesz) {
            program->headers = base + segment->vaddr + elf->phoff - segment->offset;
        }
    }
    program->header_count = elf->phnum;
    program->entry = base + elf->entry;
    program->space->brk = program->space->brk_start = program->end;
    return 0;
}

/* ---- The stack ------------------------------------------------------------------------------------------- */

/* From the top: the strings, 16 random bytes, and below them what the program finds at its rsp: argc,
 * argv, envp, each ended by a null, and pairs that tell it about itself and the kernel. */
static long build_stack(struct program *program, const struct arguments *arguments, u64 *rsp) {
    struct area area = {.start = USER_END - STACK_ROOM, .end = USER_END,
                        .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE};
    u64 strings = ROUND_DOWN(USER_END - arguments->used - 64, 16), random[2];
    u64 auxiliary[][2] = {
        {AT_PHDR, program->headers}, {AT_PHENT, sizeof(struct program_header)},
        {AT_PHNUM, program->header_count}, {AT_PAGESZ, PAGE_SIZE}, {AT_ENTRY, program->entry},
        {AT_UID, 0}, {AT_EUID, 0}, {AT_GID, 0}, {AT_EGID, 0}, {AT_CLKTCK, HZ}, {AT_SECURE, 0},
        {AT_RANDOM, strings - 16}, {AT_EXECFN, strings}, {AT_NULL, 0}};
    u64 words = 1 + arguments->argc + 1 + arguments->envc + 1;
    u64 bottom = ROUND_DOWN(strings - 16 - words * 8 - sizeof(auxiliary), 16), at = bottom;
    long error = space_map(program->space, &area, 1);
    random_bytes(random, sizeof(random));
    if (error < 0 || copy_to_space(program->space, strings, arguments->strings, arguments->used) != 0
            || copy_to_space(program->space, strings - 16, random, 16) != 0) {
        return -ENOMEM;
    }
    u64 word = arguments->argc, string = 0;
    error = copy_to_space(program->space, at, &word, 8);
    for (u32 i = 0; i < arguments->argc + arguments->envc + 2 && error == 0; i++) {
        int is_end = i == arguments->argc || i == arguments->argc + arguments->envc + 1;
        word = is_end ? 0 : strings + string;
        if (!is_end) string += strlen(arguments->strings + string) + 1;
        if (i == arguments->argc) program->space->arguments_end = strings + string;
        error = copy_to_space(program->space, at += 8, &word, 8);
    }
    program->space->arguments = strings;
    *rsp = bottom;
    return error != 0 ? error
           : copy_to_space(program->space, at + 8, auxiliary, sizeof(auxiliary));
}

/* ---- Scripts ----------------------------------------------------------------------------------------------- */

static long add_string(struct arguments *arguments, const char *string) {
    u64 length = strlen(string) + 1;
    if (arguments->used + length > ARGUMENT_ROOM) return -E2BIG;
    memcpy(arguments->strings + arguments->used, string, length);
    arguments->used += length;
    return 0;
}

/* "#!/bin/sh -e": the name in front, then what stands behind it as one argument, then the path. */
static long use_interpreter(char *line, char *path, struct arguments *arguments) {
    char *name = line + 2, *rest, *end = line + 2;
    while (*end != '\n' && *end != '\0') end++;
    *end = '\0';
    while (*name == ' ' || *name == '\t') name++;
    for (rest = name; *rest != ' ' && *rest != '\t' && *rest != '\0';) rest++;
    if (*rest != '\0') *rest++ = '\0';
    while (*rest == ' ' || *rest == '\t') rest++;
    struct arguments old = *arguments;
    u64 skipped = old.argc > 0 ? strlen(old.strings) + 1 : 0;
    arguments->strings = pages_alloc(ARGUMENT_PAGES);
    arguments->used = 0;
    if (arguments->strings == 0) {
        *arguments = old;
        return -ENOMEM;
    }
    long error = add_string(arguments, name);
    if (error == 0 && *rest != '\0') error = add_string(arguments, rest);
    if (error == 0) error = add_string(arguments, path);
    if (arguments->used + old.used - skipped > ARGUMENT_ROOM) error = -E2BIG;
    if (error == 0) {
        memcpy(arguments->strings + arguments->used, old.strings + skipped, old.used - skipped);
        arguments->used += old.used - skipped;
        arguments->argc += (*rest != '\0') + (old.argc > 0 ? 1 : 2);
    }
    for (int i = 0; i < ARGUMENT_PAGES; i++) page_put(old.strings + i * PAGE_SIZE);
    copy_string(path, name, PATH_MAX / 4);
    return error;
}

/* ---- Putting a program in the place of another --------------------------------------------------------------- */

static void enter(struct program *program, const char *path, u64 rsp) {
    struct space *old = current->space;
    struct registers *registers = task_registers(current);
    const char *name = path;
    for (const char *c = path; *c != '\0'; c++) if (*c == '/') name = c + 1;
    copy_string(current->name, name, sizeof(current->name));
    /* Programs start themselves anew as /proc/self/exe; that name would then lead to itself. */
    if (old != 0 && skip_prefix(path, "/proc/self/") != 0) path = old->program;
    copy_string(program->space->program, path, sizeof(program->space->program));
    space_pin(program->space);
    current->space = program->space;
    current->fs_base = current->gs_base = 0;
    current->clear_tid = 0;
    fpu_reset(current);
    task_load();
    if (old != 0) space_put(old);
    release_vfork_parent();
    signals_reset();
    for (int fd = 0; fd < MAX_FILES; fd++) {
        if (current->files->close_on_exec >> fd & 1) sys_close(fd);
    }
    current->files->close_on_exec = 0;
    *registers = (struct registers){.rip = program->entry, .rsp = rsp, .cs = FLAT_USER_CS,
                                    .ss = FLAT_USER_SS, .rflags = 0x202};
}

static long execute(char *path, struct arguments *arguments, int depth) {
    struct inode *inode;
    struct program program = {0};
    u64 rsp;
    long error = path_find(path, 1, &inode);
    if (error != 0) return error;
    char *first = page_alloc();
    if (first == 0) error = -ENOMEM;
    else if (!S_IS(inode->mode, REG) || !(inode->mode & 0111)) error = -EACCES;
    else error = MIN(inode->ops->read(inode, first, PATH_MAX / 4 - 1, 0), 0);
    if (error == 0 && same_bytes(first, "#!", 2) && depth < 4) {
        error = use_interpreter(first, path, arguments);
        page_put(first);
        inode_put(inode);
        return error != 0 ? error : execute(path, arguments, depth + 1);
    }
    if (error == 0 && !same_bytes(first, "\177ELF\2", 5)) error = -ENOEXEC;
    if (error == 0 && (program.space = space_new()) == 0) error = -ENOMEM;
    if (error == 0) error = load(inode, (struct elf_header *)first, &program);
    if (error == 0) error = build_stack(&program, arguments, &rsp);
    if (error == 0) enter(&program, path, rsp);
    else if (program.space != 0) space_put(program.space);
    if (first != 0) page_put(first);
    inode_put(inode);
    return error;
}

static long take_strings(struct arguments *arguments, u64 vector, u32 *count) {
    for (u64 address; vector != 0; vector += 8, ++*count) {
        if (copy_from_user(&address, vector, 8) != 0) return -EFAULT;
        if (address == 0) break;
        long length = string_from_user(arguments->strings + arguments->used, address,
                                       ARGUMENT_ROOM - arguments->used);
        if (length < 0) return length == -EFAULT ? length : -E2BIG;
        arguments->used += length + 1;
    }
    return 0;
}

long sys_execve(u64 path_address, u64 argv, u64 envp) {
    char path[PATH_MAX / 4];
    struct arguments arguments = {.strings = pages_alloc(ARGUMENT_PAGES)};
    if (arguments.strings == 0) return -ENOMEM;
    long error = string_from_user(path, path_address, sizeof(path));
    if (error >= 0) error = take_strings(&arguments, argv, &arguments.argc);
    if (error == 0) error = take_strings(&arguments, envp, &arguments.envc);
    if (error == 0) error = execute(path, &arguments, 0);
    for (int i = 0; i < ARGUMENT_PAGES; i++) page_put(arguments.strings + i * PAGE_SIZE);
    return error;
}

/* ---- The first process -------------------------------------------------------------------------------------------- */

extern char first_return[], ember[], ember_end[]; /* doors.S */

/* Makes a file of the program that the kernel carries in itself. */
static void place_ember(const char *path) {
    struct inode *inode;
    if (path_make(path, S_IFREG | 0755, &inode) != 0) return;
    memory_ops.write(inode, ember, ember_end - ember, 0);
    inode_put(inode);
}

/* The kernel thread that started everything becomes process 1: /init, or what init= says. */
void start_init(void) {
    char path[PATH_MAX / 4] = "/init";
    struct arguments arguments = {.strings = pages_alloc(ARGUMENT_PAGES), .argc = 1, .envc = 3};
    struct file *console;
    const char *wanted = boot_option("init");
    if (wanted != 0) {
        u64 length = 0;
        while (wanted[length] != ' ' && wanted[length] != '\0') length++;
        copy_string(path, wanted, MIN(length + 1, sizeof(path)));
    }
    current->files = kmalloc(sizeof(*current->files));
    current->actions = kmalloc(sizeof(*current->actions));
    if (arguments.strings == 0 || current->files == 0 || current->actions == 0) panic("no memory");
    current->files->users = 1;
    current->umask = 022;
    current->group = current->session = current->pid;
    if (file_open("/dev/console", O_RDWR, 0, &console) != 0) panic("no console");
    tty_ops.ioctl(console, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) {
        file_get(console);
        file_number(console, 0);
    }
    file_put(console);
    add_string(&arguments, path);
    add_string(&arguments, "HOME=/root");
    add_string(&arguments, "TERM=linux");
    add_string(&arguments, "PATH=/sbin:/bin:/usr/sbin:/usr/bin");
    long error = execute(path, &arguments, 0);
    if (error == -ENOENT && wanted == 0) {
        place_ember(path);
        error = execute(path, &arguments, 0);
    }
    if (error != 0) panic("cannot start %s: error %ld", path, error);
    for (int i = 0; i < ARGUMENT_PAGES; i++) page_put(arguments.strings + i * PAGE_SIZE);
    __asm__ volatile("mov %0, %%rsp\n\tjmp first_return" : : "r"(task_registers(current)) : "memory");
    __builtin_unreachable();
}
