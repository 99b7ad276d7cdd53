/*
 * Executes x87 instructions on the processor at hand. Each request on standard input names the bytes of
 * one instruction, the state to load before it (FRSTOR) and 512 bytes of memory at RDI; the answer on
 * standard output is the state after it (FNSAVE), the memory and RFLAGS, or all ones for RFLAGS when
 * the instruction raised #MF.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct request {
    uint32_t length;
    uint8_t code[16];
    uint8_t state[108];
    uint64_t rflags;
    uint8_t memory[512];
} __attribute__((packed));

struct answer {
    uint8_t state[108];
    uint64_t rflags;
    uint8_t memory[512];
} __attribute__((packed));

typedef uint64_t (*thunk)(void *memory, void *before, void *after, long unused, uint64_t rflags);

static sigjmp_buf back;

static void on_fpe(int sig) {
    (void) sig;
    siglongjmp(back, 1);
}

static const uint8_t prologue[] = {0xdd, 0x26, 0x41, 0x50, 0x9d}; /* frstor (rsi); push r8; popf */
static const uint8_t epilogue[] = {0x9c, 0x58, 0xdd, 0x32, 0xc3}; /* pushf; pop rax; fnsave (rdx); ret */

static uint8_t memory[512] __attribute__((aligned(64)));

int main(void) {
    static struct request in;
    static struct answer out;
    struct sigaction action;
    uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return 2;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = on_fpe;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGFPE, &action, NULL);
    memcpy(page, prologue, sizeof prologue);
    while (fread(&in, sizeof in, 1, stdin) == 1) {
        memcpy(page + sizeof prologue, in.code, in.length);
        memcpy(page + sizeof prologue + in.length, epilogue, sizeof epilogue);
        memcpy(memory, in.memory, sizeof memory);
        memset(&out, 0, sizeof out);
        if (sigsetjmp(back, 1) == 0) {
            out.rflags = ((thunk) page)(memory, in.state, out.state, 0, in.rflags);
        } else {
            __asm__ volatile("fnclex; fninit");
            out.rflags = UINT64_MAX;
        }
        memcpy(out.memory, memory, sizeof memory);
        if (fwrite(&out, sizeof out, 1, stdout) != 1) {
            return 3;
        }
    }
    return 0;
}
