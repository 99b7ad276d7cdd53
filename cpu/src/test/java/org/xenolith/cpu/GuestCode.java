package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.cpu.interp.Translator;
import org.xenolith.cpu.mmu.Pte;

import java.util.function.Consumer;

/**
 * A {@link FlatMachine} with mapped code, data and stack for tests written with the {@link
 * Assembler}. The pages around the data are not mapped.
 */
final class GuestCode {
    static final long CODE = 0x40_0000L;
    static final long CODE_BYTES = 0x4000;
    static final long DATA = 0x80_0000L;
    static final long DATA_BYTES = 0x4000;
    static final long DATA_END = DATA + DATA_BYTES;
    static final long STACK_TOP = 0x100_0000L;

    /** The first address that is not canonical. */
    static final long NON_CANONICAL = 1L << 47;

    private static final long PLENTY = 1_000_000;

    final FlatMachine machine;
    final Cpu cpu;

    GuestCode() {
        this(TestTier.ofTests());
    }

    GuestCode(TestTier tier) {
        this(tier.translator());
    }

    GuestCode(Translator translator) {
        machine = new FlatMachine(translator);
        cpu = machine.cpu;
        machine.map(CODE, CODE_BYTES);
        machine.map(DATA, DATA_BYTES);
        machine.map(STACK_TOP - 0x2000, 0x2000);
        cpu.r[Cpu.RSP] = STACK_TOP - 0x100;
        cpu.rip = CODE;
    }

    /** Puts code at {@link #CODE} and RIP there. */
    Assembler write(Consumer<Assembler> program) {
        return writeAt(CODE, program);
    }

    Assembler writeAt(long vaddr, Consumer<Assembler> program) {
        Assembler code = new Assembler(vaddr);
        program.accept(code);
        machine.load(vaddr, code.bytes());
        cpu.rip = vaddr;
        return code;
    }

    /** Runs the program, which must reach its SYSCALL. */
    void run(Consumer<Assembler> program) {
        write(program);
        runToSyscall();
    }

    void runToSyscall() {
        runToSyscall(cpu);
    }

    static void runToSyscall(Cpu cpu) {
        int exit = cpu.run(PLENTY);
        assertThat(exit).as("exit at %#x, fault %s", cpu.rip, cpu.fault()).isEqualTo(Exit.SYSCALL);
    }

    /** Runs the program, which must fault; RIP then must be {@code at}'s instruction. */
    GuestFault fault(Consumer<Assembler> program) {
        write(program);
        return fault();
    }

    GuestFault fault() {
        assertThat(cpu.run(PLENTY)).as("exit, must be a fault").isEqualTo(Exit.FAULT);
        return cpu.fault();
    }

    void protect(long vaddr) {
        setPte(vaddr, machine.host(vaddr), Pte.PRESENT | Pte.USER);
    }

    void setPte(long vaddr, long maddr, long flags) {
        machine.mapFrame(vaddr, maddr >>> 12, flags);
    }

    long quad(long vaddr) {
        return cpu.mmu().read64(vaddr);
    }

    int octet(long vaddr) {
        return cpu.mmu().read8(vaddr);
    }

    void fill(long vaddr, int... octets) {
        for (int i = 0; i < octets.length; i++) {
            cpu.mmu().write8(vaddr + i, octets[i]);
        }
    }

    boolean flag(int flag) {
        return (cpu.rflags() & flag) != 0;
    }
}
