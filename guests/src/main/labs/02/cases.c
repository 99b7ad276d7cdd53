/*
 * cases.c: lab 2. Programs that touch ports, and what their machine must look like afterwards.
 */
#include "cases.h"
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

/* The registers of struct registers in their order; those without a name are nobody's business. */
static const char *const names[] = {
    "R15", "R14", "R13", "R12", "R11", "R10", "R9", "R8", "RBP", "RDI", "RSI", "RDX", "RCX", "RBX",
    "RAX", 0, 0, "RIP", "CS", "RFLAGS", "RSP", "SS"};

/* The first register that was changed, or null; when done, RAX and RIP may be. */
static const char *changed(const struct registers *from, const struct registers *to, int done) {
    const u64 *was = (const u64 *)from, *is = (const u64 *)to;
    for (u32 i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i] == 0 || was[i] == is[i]) continue;
        if (done && (&is[i] == &to->rax || &is[i] == &to->rip)) continue;
        return names[i];
    }
    return 0;
}

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
    struct registers before = *regs;
    answer = emulate(regs);
    if (!answer) {
        failure("The program wanted to execute an instruction that begins with %x and touches a"
                " port; you returned 0, \"not mine\". Nobody else can do it.", first);
    }
    const char *name = changed(&before, regs, 1);
    if (name != 0) {
        failure("The program executed an instruction that begins with %x, and you changed %s. IN"
                " changes AL, OUT no register; both go on, which is RIP.", first, name);
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
    u64 rax = 0x1234567890abcd48;
    __asm__ volatile("out %%al, %%dx" : "+a"(rax) : "d"(0xdead0000beef03f8));
    wrote(0, 0x3f8, 0x48, "out %al, %dx");
    EXPECT(rax == 0x1234567890abcd48, "out %%al, %%dx changed RAX to %lx.", rax);
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
    u64 rax = 0x1122334455667788;
    __asm__ volatile("in %%dx, %%al" : "+a"(rax) : "d"(0xffffffff000003fd));
    EXPECT((rax & 0xff) == 0x60, "in %%dx, %%al left %lx in AL; port_read said 60.", rax & 0xff);
    EXPECT(rax >> 8 == 0x11223344556677,
           "in %%dx, %%al made RAX %lx. It changes AL only: the other 56 bits of RAX stay as they"
           " were.", rax);
    rax = ~0ul;
    __asm__ volatile("in $0x42, %%al" : "+a"(rax));
    EXPECT(rax == 0xffffffffffffffa5, "in $0x42, %%al made RAX %lx, not ffffffffffffffa5.", rax);
    EXPECT(ports[1] == 0x42, "in $0x42, %%al went to port %x.", ports[1]);
}

/* Privileged instructions that you were not asked to emulate: HLT and WRMSR, IN and OUT of four
 * bytes, INSB and OUTSB. */
static void strangers(void) {
    struct registers regs = {.vector = TRAP_PROTECTION, .rdx = 0x3f8}, before;
    static const u8 programs[][3] = {
        {0xf4, 0xec}, {0x0f, 0x30, 0xee}, {0xed}, {0xef}, {0xe5, 0xec}, {0xe7, 0xee}, {0x6c}, {0x6e}};
    for (u32 i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        regs.rip = (u64)programs[i];
        before = regs;
        int mine = emulate(&regs);
        EXPECT(!mine && accesses == 0,
               "You emulated an instruction that begins with %x as if it were one of the four. An"
               " emulator that guesses hides the guest's bugs, or makes new ones: what it does not"
               " know it must refuse.", *programs[i]);
        const char *name = changed(&before, &regs, 0);
        EXPECT(name == 0, "You refused an instruction, but changed %s.", name);
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
    passed();
}
