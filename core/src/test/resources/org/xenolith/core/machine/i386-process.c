/*
 * A process of the i386 without a C library: what it prints, how it gets signals, what it keeps in its own
 * thread's segment. Its system calls are INT 0x80.
 */
#include <stddef.h>
#include <stdint.h>

enum { EXIT = 1, FORK = 2, WRITE = 4, WAITPID = 7, SIGRETURN_RT = 173, RT_SIGACTION = 174, SET_THREAD_AREA = 243 };
enum { SIGFPE = 8, SIGSEGV = 11, SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_NODEFER = 0x40000000 };

/* struct user_desc: 32 bits, limit in pages, usable. */
enum { FLAT_DATA = 0x51, NEW_ENTRY = -1 };

/* Where struct ucontext of the i386 has what the handler looks at, in words from its start. */
enum { UC_EAX = 5 + 11, UC_TRAPNO = 5 + 12, UC_EIP = 5 + 14, UC_CS = 5 + 15, SI_ADDR = 3 };

struct action {
    void (*handler)(int, uint32_t *, uint32_t *);
    uint32_t flags;
    void (*restorer)(void);
    uint32_t mask[2];
};

struct user_desc {
    int32_t entry;
    uint32_t base, limit, flags;
};

static int system_call(int number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return result;
}

static void print(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    system_call(WRITE, 1, (uintptr_t)text, length, 0);
}

static void print_number(const char *name, uint32_t value)
{
    char digits[10] = {' '};
    for (int i = 0; i < 8; i++)
        digits[1 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    print(name);
    print(digits);
}

static volatile uint32_t caught, address, trap, selector;

/* Goes on where EAX says. */
static void handle(int signal, uint32_t *info, uint32_t *context)
{
    caught = signal;
    address = info[SI_ADDR];
    trap = context[UC_TRAPNO];
    selector = context[UC_CS];
    context[UC_EIP] = context[UC_EAX];
}

void restorer(void);
__asm__("restorer: mov $173, %eax; int $0x80");

static uint32_t thread_area[4];

static uint32_t own_word(void)
{
    uint32_t word;
    __asm__ volatile("mov %%gs:12, %0" : "=r"(word));
    return word;
}

static uint32_t use_thread_area(void)
{
    struct user_desc area = {NEW_ENTRY, (uint32_t)thread_area, 0xfffff, FLAT_DATA};
    if (system_call(SET_THREAD_AREA, (uintptr_t)&area, 0, 0, 0) != 0)
        return 0;
    __asm__ volatile("mov %0, %%gs" ::"r"(area.entry << 3 | 3));
    thread_area[3] = 0xabcd1234;
    return own_word();
}

__attribute__((used)) static int run(void)
{
    struct action action = {handle, SA_SIGINFO | SA_RESTORER | SA_NODEFER, restorer, {0, 0}};
    system_call(RT_SIGACTION, SIGSEGV, (uintptr_t)&action, 0, sizeof action.mask);
    system_call(RT_SIGACTION, SIGFPE, (uintptr_t)&action, 0, sizeof action.mask);

    __asm__ volatile("lea 1f, %%eax; mov %0, (%0); 1:" ::"r"(0x12345678) : "eax", "memory");
    print_number("signal", caught);
    print_number(" at", address);
    print_number(" trap", trap);
    print_number(" cs", selector);
    __asm__ volatile("lea 1f, %%eax; xor %%ecx, %%ecx; mov $1, %%edx; div %%ecx; 1:" ::: "eax", "ecx", "edx");
    print_number("\nsignal", caught);
    print_number(" trap", trap);
    print_number("\nof its thread", use_thread_area());

    int status, child = system_call(FORK, 0, 0, 0, 0);
    if (child == 0)
        system_call(EXIT, own_word() == 0xabcd1234 ? 42 : 1, 0, 0, 0);
    system_call(WAITPID, child, (uintptr_t)&status, 0, 0);
    print_number("\nchild", status);
    print("\n");
    return 7;
}

__asm__(".globl _start\n_start: call run; mov %eax, %ebx; mov $1, %eax; int $0x80");
