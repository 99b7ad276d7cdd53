/* exec.c: starting a program, which must be an ELF file linked statically. Scripts are the shell's business:
 * told -ENOEXEC, it reads them itself. */
#include "kernel.h"
#define ARGUMENT_PAGES 8
#define ARGUMENT_ROOM  (ARGUMENT_PAGES * PAGE_SIZE)
#define STACK_ROOM     (8ul << 20)
#define PIE_BASE       0x10000000ul /* where what can lie anywhere lies */

/* The strings of argv and then envp, one behind the other, each ended by a 0. */
struct arguments { char *strings; u64 used; u32 argc, envc; };

struct program { struct space *space; u64 entry, headers, header_count; };

/* The part of the file that a segment names, and zeroes behind it. */
static long map_segment(struct space *space, struct inode *inode, u64 base, struct program_header *segment) {
    u64 start = base + segment->vaddr, in_page = start % PAGE_SIZE;
    struct area area = {
        .start = start - in_page, .end = ROUND_UP(start + segment->memsz, PAGE_SIZE),
        .prot = (segment->flags & PF_R ? PROT_READ : 0) | (segment->flags & PF_W ? PROT_WRITE : 0)
                | (segment->flags & PF_X ? PROT_EXEC : 0),
        .flags = MAP_PRIVATE, .inode = inode, .offset = segment->offset - in_page,
        .file_end = segment->memsz == segment->filesz ? ~0ul : segment->offset + segment->filesz};
    if (segment->memsz == 0) return 0;
    if (segment->offset % PAGE_SIZE != in_page || segment->memsz < segment->filesz) return -ENOEXEC;
    space->brk_start = space->brk = MAX(space->brk, area.end);
    return MIN(space_map(space, &area, 1), 0);
}

static long load(struct inode *inode, struct program *program) {
    struct elf_header elf;
    struct program_header segments[16];
    long error = inode->ops->read(inode, &elf, sizeof(elf), 0) != sizeof(elf) ? -ENOEXEC : 0;
    u64 base = elf.type == ET_DYN ? PIE_BASE : 0, size = elf.phnum * sizeof(segments[0]);
    if (error != 0 || !same_bytes(elf.ident, "\177ELF\2", 5) || elf.machine != EM_X86_64
            || (elf.type != ET_EXEC && elf.type != ET_DYN) || size > sizeof(segments)
            || inode->ops->read(inode, segments, size, elf.phoff) != (long)size) {
        return -ENOEXEC;
    }
    for (struct program_header *segment = segments; segment < segments + elf.phnum && error == 0; segment++) {
        if (segment->type == PT_INTERP) return -ENOENT; /* wants a dynamic linker */
        if (segment->type != PT_LOAD) continue;
        if (segment->offset == 0) program->headers = base + segment->vaddr + elf.phoff;
        error = map_segment(program->space, inode, base, segment);
    }
    program->header_count = elf.phnum;
    program->entry = base + elf.entry;
    return error;
}

/* From the top: the strings (which must do for random bytes too), and below them what the program finds at
 * its rsp: argc, argv, envp, each ended by a null, and pairs that tell it about itself and the kernel. */
static long build_stack(struct program *program, const struct arguments *arguments, u64 *rsp) {
    struct area area = {.start = USER_END - STACK_ROOM, .end = USER_END, .prot = PROT_READ | PROT_WRITE,
                        .flags = MAP_PRIVATE};
    struct space *space = program->space;
    u64 strings = ROUND_DOWN(USER_END - arguments->used - 64, 16);
    u64 auxiliary[][2] = {
        {AT_PHDR, program->headers}, {AT_PHENT, sizeof(struct program_header)},
        {AT_PHNUM, program->header_count}, {AT_PAGESZ, PAGE_SIZE}, {AT_ENTRY, program->entry},
        {AT_SECURE, 0}, {AT_RANDOM, strings}, {AT_NULL, 0}};
    u32 count = arguments->argc + arguments->envc;
    u64 word = arguments->argc, string = strings;
    u64 at = *rsp = ROUND_DOWN(strings - (count + 3) * 8 - sizeof(auxiliary), 16);
    long error = MIN(space_map(space, &area, 1), 0);
    if (error == 0) error = copy_to_space(space, strings, arguments->strings, arguments->used);
    if (error == 0) error = copy_to_space(space, at, &word, 8);
    for (u32 i = 0; i < count + 2 && error == 0; i++) {
        int is_end = i == arguments->argc || i == count + 1;
        word = is_end ? 0 : string;
        if (!is_end) string += strlen(arguments->strings + (string - strings)) + 1;
        if (i == arguments->argc) space->arguments_end = string;
        error = copy_to_space(space, at += 8, &word, 8);
    }
    space->arguments = strings;
    return error != 0 ? error : copy_to_space(space, at + 8, auxiliary, sizeof(auxiliary));
}

/* Puts a program in the place of the running task's. */
static long execute(const char *path, struct arguments *arguments) {
    struct task *task = current;
    struct space *old = task->space;
    struct program program = {.space = 0};
    struct inode *inode;
    u64 rsp;
    long error = path_find(path, &inode);
    if (error != 0) return error;
    if (!S_IS(inode->mode, REG) || !(inode->mode & 0111)) error = -EACCES;
    else if ((program.space = space_new()) == 0) error = -ENOMEM;
    if (error == 0) error = load(inode, &program);
    if (error == 0) error = build_stack(&program, arguments, &rsp);
    inode_put(inode);
    if (error != 0 && program.space != 0) space_free(program.space);
    if (error != 0) return error;

    const char *name = arguments->strings; /* argv[0], since BusyBox's commands are all the same program */
    for (const char *c = name; *c != '\0'; c++) if (*c == '/') name = c + 1;
    copy_string(task->name, name, sizeof(task->name));
    /* Programs start themselves anew as /proc/self/exe; that name would then lead to itself. */
    if (old != 0 && skip_prefix(path, "/proc/self/") != 0) path = old->program;
    copy_string(program.space->program, path, sizeof(program.space->program));
    space_pin(program.space);
    task->space = program.space;
    task->fs_base = 0;
    fpu_reset(task);
    fpu_load(task);
    task_load(task);
    if (old != 0) space_free(old);
    signals_reset();
    for (int fd = 0; fd < MAX_FILES; fd++) if (task->close_on_exec >> fd & 1) sys_close(fd);
    *task_registers(task) = (struct registers){
        .rip = program.entry, .rsp = rsp, .cs = FLAT_USER_CS, .ss = FLAT_USER_SS, .rflags = 0x202};
    return 0;
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

long sys_execve(u64 path_at, u64 argv, u64 envp) {
    char path[PATH_MAX];
    struct arguments arguments = {.strings = pages_alloc(ARGUMENT_PAGES)};
    long error = arguments.strings == 0 ? -ENOMEM : MIN(string_from_user(path, path_at, sizeof(path)), 0);
    if (error == 0) error = take_strings(&arguments, argv, &arguments.argc);
    if (error == 0) error = take_strings(&arguments, envp, &arguments.envc);
    if (error == 0) error = execute(path, &arguments);
    if (arguments.strings != 0) pages_put(arguments.strings, ARGUMENT_PAGES);
    return error;
}

extern char first_return[], ember[], ember_end[]; /* doors.S */

/* The kernel thread that started everything becomes process 1: /init, by the shell if it is a script. Without
 * an initial RAM disk that is ember, which the kernel carries in itself. */
void start_init(void) {
    static char strings[] = "/bin/sh\0/init\0HOME=/root\0TERM=linux\0PATH=/sbin:/bin:/usr/sbin:/usr/bin";
    struct arguments script = {strings, sizeof(strings), 2, 3};
    struct arguments program = {strings + 8, sizeof(strings) - 8, 1, 3};
    struct inode *inode = path_make("/init", S_IFREG | 0755);
    struct file *console;
    if (inode != 0 && inode->size == 0) memory_ops.write(inode, ember, ember_end - ember, 0);
    if (path_find("/dev/console", &inode) != 0 || inode_open(inode, O_RDWR, &console) != 0) panic("no tty");
    for (int fd = 0; fd < 3; fd++) console->users++, file_number(console, 0, 0);
    current->group = current->pid;
    tty_ops.ioctl(console, TIOCSCTTY, 0);
    long error = execute("/init", &program);
    if (error == -ENOEXEC) error = execute("/bin/sh", &script);
    if (error != 0) panic("cannot start /init: error %ld", error);
    __asm__ volatile("mov %0, %%rsp\n\tjmp first_return" : : "r"(task_registers(current)) : "memory");
    __builtin_unreachable();
}
