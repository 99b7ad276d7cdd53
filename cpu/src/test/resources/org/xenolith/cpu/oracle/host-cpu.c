/*
 * Runs short pieces of machine code on the real processor. Requests arrive on stdin, replies leave on
 * stdout, both in batches of binary records (little endian, the layout of the structs below):
 *
 *   batch   = u32 count, u32 bytes of all requests, u32 bytes of all replies, then the requests
 *   request = struct request, code, memory
 *   reply   = struct reply, memory (the same part of the window that the request filled)
 *
 * A whole batch is read before the first reply is written, so the other side may write it in one go.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define WINDOW_BASE 0x10000000ul
#define WINDOW_SIZE 0x2000u
#define CODE_BASE 0x20000000ul
#define CODE_SIZE 0x2000u
#define EXIT_BASE 0x30000000ul /* a way out that 32-bit code can reach */
#define PAGE_SIZE 0x1000u
#define SECONDS_PER_BATCH 20

#define FLAG_AC 0x40000ul
/* CF PF AF ZF SF DF OF AC: what a program may set without help of the kernel and without tracing itself. */
#define LOADABLE_FLAGS 0x40cd5ul
#define INT3 0xcc
/* Linux's selectors of flat segments. */
#define USER32_CS 0x23
#define USER_DS 0x2b
#define USER_CS 0x33

struct state {
    uint64_t gpr[16]; /* in encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
    uint64_t rip;
    uint64_t rflags;
    uint8_t fx[512]; /* FXSAVE64 image */
};

struct request {
    uint32_t code_offset, code_length;
    uint32_t memory_offset, memory_length;
    uint32_t code_bits, zero; /* 64, or 32 for compatibility mode */
    struct state state;
};

struct reply {
    uint32_t signal, signal_code;
    uint64_t signal_address;
    uint32_t vector, error_code;
    uint64_t cr2;
    struct state state;
};

uint64_t guest_gpr[16];
uint64_t guest_flags, host_rsp;
struct __attribute__((packed)) {
    uint32_t offset;
    uint16_t selector;
} guest_entry;
uint8_t guest_fx[512] __attribute__((aligned(64)));
uint32_t host_mxcsr = 0x1f80;

void run_guest(void);
void exit_guest(void);
void leave_guest(void);

__asm__(
    ".text\n"
    "run_guest:\n"
    "  push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
    "  mov %rsp, host_rsp(%rip)\n"
    "  fxrstor64 guest_fx(%rip)\n"
    "  pushq guest_flags(%rip); popfq\n"
    "  mov guest_gpr+0(%rip), %rax\n"
    "  mov guest_gpr+8(%rip), %rcx\n"
    "  mov guest_gpr+16(%rip), %rdx\n"
    "  mov guest_gpr+24(%rip), %rbx\n"
    "  mov guest_gpr+40(%rip), %rbp\n"
    "  mov guest_gpr+48(%rip), %rsi\n"
    "  mov guest_gpr+56(%rip), %rdi\n"
    "  mov guest_gpr+64(%rip), %r8\n"
    "  mov guest_gpr+72(%rip), %r9\n"
    "  mov guest_gpr+80(%rip), %r10\n"
    "  mov guest_gpr+88(%rip), %r11\n"
    "  mov guest_gpr+96(%rip), %r12\n"
    "  mov guest_gpr+104(%rip), %r13\n"
    "  mov guest_gpr+112(%rip), %r14\n"
    "  mov guest_gpr+120(%rip), %r15\n"
    "  mov guest_gpr+32(%rip), %rsp\n"
    "  ljmp *guest_entry(%rip)\n"
    "exit_guest:\n"
    "  mov %rax, guest_gpr+0(%rip)\n"
    "  mov %rcx, guest_gpr+8(%rip)\n"
    "  mov %rdx, guest_gpr+16(%rip)\n"
    "  mov %rbx, guest_gpr+24(%rip)\n"
    "  mov %rsp, guest_gpr+32(%rip)\n"
    "  mov %rbp, guest_gpr+40(%rip)\n"
    "  mov %rsi, guest_gpr+48(%rip)\n"
    "  mov %rdi, guest_gpr+56(%rip)\n"
    "  mov %r8, guest_gpr+64(%rip)\n"
    "  mov %r9, guest_gpr+72(%rip)\n"
    "  mov %r10, guest_gpr+80(%rip)\n"
    "  mov %r11, guest_gpr+88(%rip)\n"
    "  mov %r12, guest_gpr+96(%rip)\n"
    "  mov %r13, guest_gpr+104(%rip)\n"
    "  mov %r14, guest_gpr+112(%rip)\n"
    "  mov %r15, guest_gpr+120(%rip)\n"
    "  mov host_rsp(%rip), %rsp\n"
    "  pushfq; popq guest_flags(%rip)\n"
    "  fxsave64 guest_fx(%rip)\n"
    "leave_guest:\n"
    "  pushq $2; popfq\n"
    "  fninit\n"
    "  ldmxcsr host_mxcsr(%rip)\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
    "  ret\n");

static volatile sig_atomic_t in_guest;
static struct reply current;

/* uc_mcontext.gregs index of each register, in encoding order. */
static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void on_signal(int signal, siginfo_t *info, void *context)
{
    /* The kernel leaves AC as the guest had it; our own code is not written for that. */
    __asm__ volatile("pushfq; andq $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
    if (!in_guest) {
        if (signal == SIGALRM)
            return;
        _exit(100 + signal);
    }
    ucontext_t *uc = context;
    greg_t *regs = uc->uc_mcontext.gregs;
    current.signal = signal;
    current.signal_code = info->si_code;
    current.signal_address = (uint64_t)info->si_addr;
    current.vector = regs[REG_TRAPNO];
    current.error_code = regs[REG_ERR];
    current.cr2 = regs[REG_CR2];
    for (int i = 0; i < 16; i++)
        guest_gpr[i] = regs[GREG[i]];
    guest_flags = regs[REG_EFL];
    current.state.rip = regs[REG_RIP];
    memcpy(guest_fx, uc->uc_mcontext.fpregs, sizeof guest_fx);
    regs[REG_RIP] = (greg_t)leave_guest;
    regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~0xffffl) | USER_CS;
    regs[REG_RSP] = (greg_t)host_rsp;
    regs[REG_EFL] = 2;
}

static void read_fully(void *to, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = read(0, (char *)to + done, length - done);
        if (n <= 0)
            exit(n < 0);
        done += n;
    }
}

static void write_fully(const void *from, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(1, (const char *)from + done, length - done);
        if (n <= 0)
            exit(1);
        done += n;
    }
}

static uint8_t *map_fixed(uint64_t address, size_t length, int protection)
{
    void *p = mmap((void *)address, length, protection,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *)address) {
        perror("mmap");
        exit(2);
    }
    return p;
}

/* A jump out, as much of it as there is room for; from 32-bit code a far one to the exit's page. */
static uint32_t place_exit(uint8_t *at, uint32_t room, int code32)
{
    uint8_t near[14] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip) */
    uint64_t target = (uint64_t)exit_guest;
    memcpy(near + 6, &target, sizeof target);
    uint8_t far[7] = {0xea, 0, 0, 0, 0, USER_CS, 0}; /* ljmp $USER_CS, $EXIT_BASE */
    uint32_t base = EXIT_BASE;
    memcpy(far + 1, &base, sizeof base);
    uint32_t wanted = code32 ? sizeof far : sizeof near, length = room < wanted ? room : wanted;
    memcpy(at, code32 ? far : near, length);
    return length;
}

/* Places the code, then a jump out; whatever else is reached on the code pages is a breakpoint. */
static void place_code(uint8_t *pages, const struct request *r, const uint8_t *code)
{
    static uint32_t last_offset, last_end, last_length, last_bits;
    if (r->code_offset == last_offset && r->code_length == last_length && r->code_bits == last_bits
        && memcmp(pages + last_offset, code, last_length) == 0 && last_end != 0)
        return; /* writing to code that just ran is slow */
    memset(pages + last_offset, INT3, last_end - last_offset);
    memcpy(pages + r->code_offset, code, r->code_length);
    uint32_t end = r->code_offset + r->code_length, room = CODE_SIZE - end;
    uint32_t jump_length = place_exit(pages + end, room, r->code_bits == 32);
    last_offset = r->code_offset;
    last_length = r->code_length;
    last_bits = r->code_bits;
    last_end = end + jump_length;
}

/* An entry of the LDT that is not there for those who load it. A kernel without LDTs leaves all as it is. */
static void add_absent_segment(unsigned number, unsigned contents, unsigned read_exec_only)
{
    struct user_desc absent = {.entry_number = number, .limit = 0xfffff, .limit_in_pages = 1};
    absent.seg_32bit = 1;
    absent.contents = contents;
    absent.read_exec_only = read_exec_only;
    absent.seg_not_present = 1;
    syscall(SYS_modify_ldt, 0x11, &absent, sizeof absent);
}

int main(void)
{
    enum { DATA = 0, CODE = 2 };
    add_absent_segment(0, CODE, 0);
    add_absent_segment(1, CODE, 1);
    add_absent_segment(2, DATA, 0);
    add_absent_segment(3, DATA, 1);

    uint8_t *window = map_fixed(WINDOW_BASE, WINDOW_SIZE, PROT_READ | PROT_WRITE);
    uint8_t *code = map_fixed(CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    memset(code, INT3, CODE_SIZE);
    place_exit(map_fixed(EXIT_BASE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC), PAGE_SIZE, 0);
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(USER_DS)); /* 64-bit code has no need of them */

    static uint8_t alternate[65536] __attribute__((aligned(64)));
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);

    uint8_t *in = NULL, *out = NULL;
    size_t in_capacity = 0, out_capacity = 0;
    for (;;) {
        uint32_t header[3]; /* count, bytes of all requests, bytes of all replies */
        read_fully(header, sizeof header);
        if (header[1] > in_capacity)
            in = realloc(in, in_capacity = header[1]);
        if (header[2] > out_capacity)
            out = realloc(out, out_capacity = header[2]);
        if ((!in && header[1]) || (!out && header[2]))
            exit(3);
        read_fully(in, header[1]);
        alarm(SECONDS_PER_BATCH);
        uint8_t *from = in, *to = out;
        for (uint32_t i = 0; i < header[0]; i++) {
            struct request r;
            memcpy(&r, from, sizeof r);
            from += sizeof r;
            if (r.code_length > CODE_SIZE || r.code_offset > CODE_SIZE - r.code_length
                || r.memory_length > WINDOW_SIZE || r.memory_offset > WINDOW_SIZE - r.memory_length)
                exit(4);
            place_code(code, &r, from);
            from += r.code_length;
            memset(window, 0, WINDOW_SIZE);
            memcpy(window + r.memory_offset, from, r.memory_length);
            from += r.memory_length;

            memcpy(guest_gpr, r.state.gpr, sizeof guest_gpr);
            memcpy(guest_fx, r.state.fx, sizeof guest_fx);
            guest_flags = (r.state.rflags & LOADABLE_FLAGS) | 2;
            guest_entry.offset = CODE_BASE + r.code_offset;
            guest_entry.selector = r.code_bits == 32 ? USER32_CS : USER_CS;
            memset(&current, 0, sizeof current);
            current.state.rip = CODE_BASE + r.code_offset + r.code_length;
            in_guest = 1;
            run_guest();
            in_guest = 0;
            memcpy(current.state.gpr, guest_gpr, sizeof guest_gpr);
            memcpy(current.state.fx, guest_fx, sizeof guest_fx);
            current.state.rflags = guest_flags;

            memcpy(to, &current, sizeof current);
            to += sizeof current;
            memcpy(to, window + r.memory_offset, r.memory_length);
            to += r.memory_length;
        }
        alarm(0);
        write_fully(out, to - out);
    }
}
