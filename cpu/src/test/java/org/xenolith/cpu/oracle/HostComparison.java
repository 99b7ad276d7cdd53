package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.semantics.Flags;

import java.util.Arrays;

/** Runs what the host has run, and compares results, defined flags, memory and faults. */
final class HostComparison {
    private final CodeSize size;
    private final long seed;
    private final FlatMachine machine = new FlatMachine();

    /**
     * @param seed that says how to make the cases again
     */
    HostComparison(CodeSize size, long seed) {
        this.size = size;
        this.seed = seed;
        machine.map(HostCpu.WINDOW_BASE, HostCpu.WINDOW_SIZE);
        machine.map(HostCpu.CODE_BASE, HostCpu.CODE_SIZE);
    }

    void compare(InstructionCase c, HostCpu.Outcome expected) {
        Cpu cpu = machine.cpu;
        MachineState before = c.program().before();
        machine.load(HostCpu.WINDOW_BASE, c.program().memory());
        machine.load(HostCpu.CODE_BASE, HostCpu.emptyCode());
        machine.load(HostCpu.CODE_BASE, c.program().code());
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = before.gpr(i);
        }
        cpu.setRflags(before.rflags());
        cpu.rip = HostCpu.CODE_BASE;
        if (size == CodeSize.CODE_32) {
            FlatMachine.enter32BitCode(cpu);
        }
        int exit = Exit.BUDGET;
        long end = HostCpu.CODE_BASE + c.program().code().length;
        for (int n = 0; n < 100 && exit == Exit.BUDGET && cpu.rip != end; n++) {
            exit = cpu.step();
        }
        String what = c.describe(seed);
        if (expected.faulted()) {
            assertThat(exit)
                    .as("%s: host raised vector %d", what, expected.vector())
                    .isEqualTo(Exit.FAULT);
            assertThat(cpu.fault().vector()).as(what).isEqualTo(expected.vector());
            // Which of two faulting operands CMPS reports is the processor's choice.
            if (expected.vector() == 14 && !c.row().mnemonic().equals("cmps")) {
                assertThat(cpu.fault().address()).as("%s: CR2", what).isEqualTo(expected.cr2());
                // The host's kernel keeps the neighbours present but inaccessible; ours are not
                // there.
                assertThat(cpu.fault().errorCode() | GuestFault.PF_USER | GuestFault.PF_PRESENT)
                        .as("%s: error code", what)
                        .isEqualTo(expected.errorCode() | GuestFault.PF_PRESENT);
            }
        } else {
            assertThat(exit)
                    .as("%s: host went on, we have %s", what, cpu.fault())
                    .isEqualTo(Exit.BUDGET);
        }
        MachineState after = expected.after();
        // What POPA has loaded before it faults is the processor's choice; here it is nothing.
        boolean partial = expected.faulted() && c.row().mnemonic().equals("popa");
        for (int i = partial ? 8 : 0; i < 16; i++) {
            assertThat(hex(cpu.r[i])).as("%s: register %d", what, i).isEqualTo(hex(after.gpr(i)));
        }
        long mask = Flags.ARITHMETIC & ~c.undefinedFlags(expected.faulted());
        assertThat(hex(cpu.rflags() & mask))
                .as("%s: flags", what)
                .isEqualTo(hex(after.rflags() & mask));
        byte[] memory = new byte[HostCpu.WINDOW_SIZE];
        cpu.mmu().copyFrom(HostCpu.WINDOW_BASE, memory, 0, memory.length);
        if (!Arrays.equals(memory, expected.memory())) {
            int at = Arrays.mismatch(memory, expected.memory());
            assertThat(memory[at])
                    .as("%s: memory at +%#x", what, at)
                    .isEqualTo(expected.memory()[at]);
        }
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }
}
