/*
 * Runs a static program one instruction at a time and writes what each did to the registers, for a
 * replay elsewhere: record-run PROGRAM STEPS FPU_INTERVAL. The program sees the CPUID of a plain
 * x86-64 processor, so that its C library picks SSE2 code.
 *
 * Output, little-endian: the memory regions at the entry point (start, length, bytes; ended by 0, 0),
 * the registers as in "names", then a record for each instruction:
 *   u32 mask: bits 0-15 general registers that changed, FLAGS, FS_BASE, FAR, FPU, MEMORY, EXIT; the
 *             top byte is how far RIP moved unless FAR is set
 *   u64 each: RIP if FAR; RFLAGS, FS base and general registers as the mask says, in this order
 *   if MEMORY: blocks that the kernel wrote or mapped, ended by a length of 0
 *   if FPU: the 512 bytes of FXSAVE after the instruction
 * A repeated string instruction is one record. EXIT ends the stream.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLAGS = 1 << 16, FS_BASE = 1 << 17, FAR = 1 << 18, FPU = 1 << 19, MEMORY = 1 << 20, EXIT = 1 << 21 };
/* EDX of leaf 1: FPU, TSC, MSR, PAE, CX8, CMOV, CLFSH, MMX, FXSR, SSE, SSE2. */
enum { LEAF_1_EDX = 0x7888171 };

enum { MAX_REGIONS = 32, AT_IGNORE_ENTRY = 1, AT_VDSO = 33 };

struct region { uint64_t start, length; unsigned char *bytes; };

static pid_t child;
static struct region regions[MAX_REGIONS];
static int region_count;

static void fail(const char *what)
{
    fprintf(stderr, "record-run: %s: %s\n", what, strerror(errno));
    if (child > 0)
        kill(child, SIGKILL);
    exit(1);
}

static void put(const void *bytes, size_t length)
{
    if (fwrite(bytes, 1, length, stdout) != length)
        fail("cannot write");
}

static void put32(uint32_t value) { put(&value, 4); }
static void put64(uint64_t value) { put(&value, 8); }

static void read_child(uint64_t from, void *into, size_t length)
{
    struct iovec local = {into, length}, remote = {(void *) from, length};
    if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t) length)
        fail("cannot read the program's memory");
}

/* The kernel's fast time functions read memory that changes by itself: hide them. */
static void hide_vdso(uint64_t sp)
{
    uint64_t at = sp, word = 0;
    read_child(at, &word, 8);
    at += 8 * (word + 2);
    do {
        read_child(at, &word, 8);
        at += 8;
    } while (word != 0);
    for (;; at += 16) {
        read_child(at, &word, 8);
        if (word == 0)
            return;
        if (word == AT_VDSO && ptrace(PTRACE_POKEDATA, child, at, AT_IGNORE_ENTRY) != 0)
            fail("PTRACE_POKEDATA");
    }
}

static void read_regions(void)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", child);
    FILE *maps = fopen(path, "r");
    if (maps == NULL)
        fail(path);
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t start, end;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 || rights[0] != 'r'
                || strstr(line, "[v") != NULL)
            continue;
        if (region_count == MAX_REGIONS)
            fail("too many regions");
        struct region *region = &regions[region_count++];
        *region = (struct region) {start, end - start, malloc(end - start)};
        read_child(start, region->bytes, region->length);
        put64(start);
        put64(region->length);
        put(region->bytes, region->length);
    }
    fclose(maps);
    put64(0);
    put64(0);
}

/* Program text does not change: no need to ask the kernel. */
static const unsigned char *code_at(uint64_t rip)
{
    for (int i = 0; i < region_count; i++)
        if (rip - regions[i].start < regions[i].length - 15)
            return regions[i].bytes + (rip - regions[i].start);
    errno = 0;
    fail("RIP is outside the program");
    return NULL;
}

static void step(int *status)
{
    if (ptrace(PTRACE_SINGLESTEP, child, 0, 0) != 0 || waitpid(child, status, __WALL) != child)
        fail("PTRACE_SINGLESTEP");
    if (WIFSTOPPED(*status) && WSTOPSIG(*status) != SIGTRAP) {
        fprintf(stderr, "record-run: the program got signal %d\n", WSTOPSIG(*status));
        fail("stopped");
    }
}

static void registers(struct user_regs_struct *regs)
{
    if (ptrace(PTRACE_GETREGS, child, 0, regs) != 0)
        fail("PTRACE_GETREGS");
}

/* Pointers in the order of the encoding. */
static void general(struct user_regs_struct *r, unsigned long long *out[16])
{
    unsigned long long *order[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi,
        &r->rdi, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};
    memcpy(out, order, sizeof order);
}

static void set_cpuid(struct user_regs_struct *r, uint32_t leaf, uint32_t subleaf)
{
    uint32_t a = 0, b = 0, c = 0, d = 0;
    switch (leaf) {
    case 0: a = 7; b = 0x756e6547; d = 0x49656e69; c = 0x6c65746e; break;
    case 1: a = 0x106ca; b = 0x800; c = 1u << 31 | 1 << 30 | 1 << 23 | 1 << 13; d = LEAF_1_EDX; break;
    case 7: if (subleaf == 0) { b = 1 | 1 << 9; d = 1 << 4; } break;
    case 0x80000000: a = 0x80000008; b = 0x756e6547; d = 0x49656e69; c = 0x6c65746e; break;
    case 0x80000001: c = 1; d = 1 << 11 | 1 << 20 | 1 << 27 | 1 << 29; break;
    case 0x80000008: a = 48 << 8 | 40; break;
    }
    r->rax = a; r->rbx = b; r->rcx = c; r->rdx = d;
    if (ptrace(PTRACE_SETREGS, child, 0, r) != 0)
        fail("PTRACE_SETREGS");
}

static void put_block(uint64_t start, uint64_t length)
{
    unsigned char *bytes = malloc(length);
    read_child(start, bytes, length);
    put64(start);
    put64(length);
    put(bytes, length);
    free(bytes);
}

/* What a system call wrote or mapped. */
static void put_memory(const struct user_regs_struct *before, uint64_t result)
{
    static uint64_t brk_end;
    int64_t r = result;
    switch (before->orig_rax) {
    case SYS_write: case SYS_writev: case SYS_munmap: case SYS_mprotect: case SYS_arch_prctl:
    case SYS_set_tid_address: case SYS_set_robust_list: case SYS_rseq: case SYS_exit_group:
    case SYS_getpid: case SYS_close: case SYS_madvise:
        break;
    case SYS_brk:
        if (brk_end != 0 && result > brk_end)
            put_block(brk_end, result - brk_end);
        brk_end = result;
        break;
    case SYS_mmap: if (r > 0) put_block(result, (before->rsi + 4095) & ~4095ul); break;
    case SYS_ioctl: if (r == 0) put_block(before->rdx, 36); break;
    case SYS_fstat: if (r == 0) put_block(before->rsi, 144); break;
    case SYS_newfstatat: if (r == 0) put_block(before->rdx, 144); break;
    case SYS_readlink: if (r > 0) put_block(before->rsi, r); break;
    case SYS_readlinkat: if (r > 0) put_block(before->rdx, r); break;
    case SYS_getrandom: if (r > 0) put_block(before->rdi, r); break;
    case SYS_prlimit64: if (r == 0 && before->r10 != 0) put_block(before->r10, 16); break;
    case SYS_clock_gettime: if (r == 0) put_block(before->rsi, 16); break;
    case SYS_uname: if (r == 0) put_block(before->rdi, 390); break;
    default:
        fprintf(stderr, "record-run: system call %lld is not known here\n", before->orig_rax);
        errno = 0;
        fail("system call");
    }
    put64(0);
    put64(0);
}

static int is_repeated_string(const unsigned char *code)
{
    int rep = 0;
    for (;; code++) {
        if (*code == 0xf2 || *code == 0xf3)
            rep = 1;
        else if (*code != 0x66 && *code != 0x67 && (*code & 0xf0) != 0x40)
            break;
    }
    return rep && ((*code >= 0xa4 && *code <= 0xa7) || (*code >= 0xaa && *code <= 0xaf));
}

static void put_fpu(void)
{
    struct user_fpregs_struct fpu;
    if (ptrace(PTRACE_GETFPREGS, child, 0, &fpu) != 0)
        fail("PTRACE_GETFPREGS");
    put(&fpu, 512);
}

static void record(long steps, long interval)
{
    struct user_regs_struct old, now;
    unsigned long long *a[16], *b[16];
    general(&old, a);
    general(&now, b);
    registers(&old);
    for (int i = 0; i < 16; i++)
        put64(*a[i]);
    put64(old.rip);
    put64(old.eflags);
    put64(old.fs_base);
    for (long n = 1; n <= steps; n++) {
        const unsigned char *code = code_at(old.rip);
        int syscall = code[0] == 0x0f && code[1] == 0x05, status;
        if (syscall)
            old.orig_rax = old.rax;
        step(&status);
        if (WIFEXITED(status))
            break;
        registers(&now);
        if (now.rip == old.rip && is_repeated_string(code))
            while (now.rip == old.rip) {
                step(&status);
                registers(&now);
            }
        if (code[0] == 0x0f && code[1] == 0xa2)
            set_cpuid(&now, old.rax, old.rcx);
        uint32_t mask = 0;
        for (int i = 0; i < 16; i++)
            mask |= (uint32_t) (*a[i] != *b[i]) << i;
        uint64_t moved = now.rip - old.rip;
        mask |= (old.eflags != now.eflags ? FLAGS : 0) | (old.fs_base != now.fs_base ? FS_BASE : 0)
            | (moved > 255 ? FAR : moved << 24) | (syscall ? MEMORY : 0) | (n % interval == 0 ? FPU : 0);
        put32(mask);
        if (mask & FAR)
            put64(now.rip);
        if (mask & FLAGS)
            put64(now.eflags);
        if (mask & FS_BASE)
            put64(now.fs_base);
        for (int i = 0; i < 16; i++)
            if (mask >> i & 1)
                put64(*b[i]);
        if (syscall)
            put_memory(&old, now.rax);
        if (mask & FPU)
            put_fpu();
        old = now;
    }
    put32(EXIT);
}

/* The two processes take turns: on one processor that costs the least. */
static void stay_on_this_processor(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    stay_on_this_processor();
    child = fork();
    if (child == 0) {
        char *arguments[] = {argv[1], NULL};
        char *environment[] = {"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL};
        dup2(open("/dev/null", O_WRONLY), 1);
        personality(ADDR_NO_RANDOMIZE);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execve(argv[1], arguments, environment);
        _exit(127);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        fail("the program does not start");
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL);
    struct user_regs_struct regs;
    registers(&regs);
    hide_vdso(regs.rsp);
    read_regions();
    record(atol(argv[2]), atol(argv[3]));
    if (fflush(stdout) != 0)
        fail("cannot write");
    kill(child, SIGKILL);
    return 0;
}
