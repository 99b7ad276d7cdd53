/*
 * cases.c: lab 2. Programs that touch ports, and what their machine must look like afterwards.
 */
#include "lab.h"

/* ---- The machine --------------------------------------------------------------------------- */

static u16 ports[16];
static u8 values[16];
static u32 accesses;

void port_write(u16 port, u8 value) {
    if (accesses < 16) ports[accesses] = port, values[accesses] = value;
    accesses++;
}

u8 port_read(u16 port) {
    if (accesses < 16) ports[accesses] = port, values[accesses] = 0;
    accesses++;
    return port == 0x3fd ? 0x60 : 0xa5;
}

static u32 traps;
static int answer;

static int on_trap(struct registers *regs) {
    if (regs->vector != TRAP_PROTECTION) return 0;
    if (++traps > 64) {
        failure("The same instruction traps again and again. After you have done what it does,"
                " RIP must point behind it: the processor goes on where RIP points.");
    }
    u8 first = *(const u8 *)regs->rip;
    if (first != 0xec && first != 0xee && first != 0xe4 && first != 0xe6) {
        failure("The program went on in the wrong place: the byte there, %x, begins none of its"
                " instructions that touch ports. How long was the instruction that you did?", first);
    }
    answer = emulate(regs);
    if (!answer) {
        failure("The program wanted to execute an instruction that begins with %x and touches a"
                " port; you returned 0, \"not mine\". Nobody else can do it.", first);
    }
    return answer;
}

static void wrote(u32 index, u16 port, u8 value, const char *instruction) {
    EXPECT(accesses > index,
           "%s did not reach port_write: the program wanted to write %x to port %x.",
           instruction, value, port);
    EXPECT(ports[index] == port,
           "%s went to port %x; the program meant port %x. A port number in a register has 16 bits,"
           " whatever stands above them in RDX.", instruction, ports[index], port);
    EXPECT(values[index] == value,
           "%s wrote %x to port %x; AL held %x. AL is the lowest byte of RAX.",
           instruction, values[index], port, value);
}

/* ---- The programs -------------------------------------------------------------------------- */

static void writes(void) {
    __asm__ volatile("out %%al, %%dx" : : "a"(0x1234567890abcd48), "d"(0xdead0000beef03f8));
    wrote(0, 0x3f8, 0x48, "out %al, %dx");
    __asm__ volatile("out %%al, $0x90" : : "a"(0x99));
    wrote(1, 0x90, 0x99, "out %al, $0x90");
    EXPECT(accesses == 2 && traps == 2, "Two instructions made %u accesses.", accesses);
}

/* The byte behind the instruction would be one of its own if somebody stopped in the middle. */
static void lengths(void) {
    u64 counter = 0;
    __asm__ volatile("out %%al, $0xee\n\tinc %0\n\tout %%al, %%dx\n\tinc %0\n\tin $0xec, %%al\n\tinc %0"
                     : "+r"(counter) : "a"(7), "d"(0x3f8) : );
    EXPECT(accesses == 3,
           "Three instructions made %u accesses. Where you go on matters: out %%al, %%dx has one"
           " byte, out %%al, $NN has two, and NN looks like an instruction too.", accesses);
    EXPECT(counter == 3, "Of the three INCs between the port accesses %lu ran: RIP points too far.",
           counter);
    wrote(0, 0xee, 7, "out %al, $0xee");
    wrote(1, 0x3f8, 7, "out %al, %dx");
}

static void reads(void) {
    u64 rax = 0x1122334455667788, rdx = 0xffffffff000003fd;
    __asm__ volatile("in %%dx, %%al" : "+a"(rax), "+d"(rdx));
    EXPECT((rax & 0xff) == 0x60, "in %%dx, %%al left %lx in AL; port_read said 60.", rax & 0xff);
    EXPECT(rax >> 8 == 0x11223344556677,
           "in %%dx, %%al made RAX %lx. It changes AL only: the other 56 bits of RAX stay as they"
           " were.", rax);
    EXPECT(rdx == 0xffffffff000003fd, "in %%dx, %%al changed RDX to %lx.", rdx);
    rax = ~0ul;
    __asm__ volatile("in $0x42, %%al" : "+a"(rax));
    EXPECT(rax == 0xffffffffffffffa5, "in $0x42, %%al made RAX %lx, not ffffffffffffffa5.", rax);
    EXPECT(ports[1] == 0x42, "in $0x42, %%al went to port %x.", ports[1]);
}

/* A privileged instruction that you were not asked to emulate. */
static void strangers(void) {
    struct registers regs = {.vector = TRAP_PROTECTION}, before;
    static const u8 hlt[] = {0xf4, 0xec}, wrmsr[] = {0x0f, 0x30, 0xee};
    const u8 *programs[] = {hlt, wrmsr};
    for (u32 i = 0; i < 2; i++) {
        regs.rip = (u64)programs[i];
        before = regs;
        int mine = emulate(&regs);
        EXPECT(!mine && accesses == 0,
               "You emulated an instruction that begins with %x as if it were one of the four. An"
               " emulator that guesses hides the guest's bugs, or makes new ones: what it does not"
               " know it must refuse.", *programs[i]);
        EXPECT(regs.rip == before.rip && regs.rax == before.rax,
               "You refused an instruction but changed registers.");
    }
}

void micro_main(void) {
    trap_hook = on_trap;
    switch (argument("case", 0)) {
    case 0: writes(); break;
    case 1: lengths(); break;
    case 2: reads(); break;
    case 3: strangers(); break;
    }
    success("right");
}
