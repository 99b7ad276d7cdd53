package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.semantics.Flags;

import java.util.Arrays;

/** Runs what the host has run, and compares results, defined flags, memory and faults. */
final class HostComparison {
    /** Linux's flat segments, as the host has them. */
    static final int LINUX_CS32 = 0x23, LINUX_DATA = 0x2b, LINUX_CS64 = 0x33;

    /**
     * Selectors of segments that are not present, as host-cpu.c puts them into its LDT: code that
     * may be read, code that may not, data that may be written, data that may not.
     */
    static final int ABSENT_CODE = 0x07,
            ABSENT_SECRET_CODE = 0x0f,
            ABSENT_DATA = 0x17,
            ABSENT_CONSTANT_DATA = 0x1f;

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
        machine.descriptors.put(LINUX_CS32, 0x00cf_fb00_0000_ffffL);
        machine.descriptors.put(LINUX_DATA, 0x00cf_f300_0000_ffffL);
        machine.descriptors.put(LINUX_CS64, 0x00af_fb00_0000_ffffL);
        machine.descriptors.put(ABSENT_CODE, 0x00cf_7a00_0000_ffffL);
        machine.descriptors.put(ABSENT_SECRET_CODE, 0x00cf_7800_0000_ffffL);
        machine.descriptors.put(ABSENT_DATA, 0x00cf_7200_0000_ffffL);
        machine.descriptors.put(ABSENT_CONSTANT_DATA, 0x00cf_7000_0000_ffffL);
    }

    void compare(InstructionCase c, HostCpu.Outcome expected) {
        long undefined = c.undefinedFlags(expected.faulted());
        compare(c.describe(seed), c.program(), c.row().mnemonic(), undefined, expected);
    }

    /** As {@link #compare}, for several instructions; where one faults is compared, too. */
    void compareProgram(String what, HostCpu.Program program, HostCpu.Outcome expected) {
        compare(what, program, "", 0, expected);
        assertThat(hex(machine.cpu.rip)).as("%s: RIP", what).isEqualTo(hex(expected.after().rip()));
        if (expected.faulted() && expected.vector() != Vector.PAGE_FAULT) {
            assertThat(hex(machine.cpu.fault().errorCode()))
                    .as("%s: error code", what)
                    .isEqualTo(hex(expected.errorCode()));
        }
    }

    private void compare(
            String what,
            HostCpu.Program program,
            String mnemonic,
            long undefinedFlags,
            HostCpu.Outcome expected) {
        Cpu cpu = machine.cpu;
        MachineState before = program.before();
        machine.load(HostCpu.WINDOW_BASE, program.memory());
        machine.load(HostCpu.CODE_BASE, HostCpu.emptyCode());
        machine.load(HostCpu.CODE_BASE, program.code());
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = before.gpr(i);
        }
        cpu.setRflags(before.rflags());
        cpu.rip = HostCpu.CODE_BASE;
        if (size == CodeSize.CODE_32) {
            enter32BitCode(cpu);
        }
        int exit = Exit.BUDGET;
        long end = HostCpu.CODE_BASE + program.code().length;
        for (int n = 0; n < 100 && exit == Exit.BUDGET && cpu.rip != end; n++) {
            exit = cpu.step();
        }
        if (expected.faulted()) {
            assertThat(exit)
                    .as("%s: host raised vector %d", what, expected.vector())
                    .isEqualTo(Exit.FAULT);
            assertThat(cpu.fault().vector()).as(what).isEqualTo(expected.vector());
            // Which of two faulting operands CMPS reports is the processor's choice.
            if (expected.vector() == 14 && !mnemonic.equals("cmps")) {
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
        boolean partial = expected.faulted() && mnemonic.equals("popa");
        for (int i = partial ? 8 : 0; i < 16; i++) {
            assertThat(hex(cpu.r[i])).as("%s: register %d", what, i).isEqualTo(hex(after.gpr(i)));
        }
        long mask = Flags.ARITHMETIC & ~undefinedFlags;
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

    private static void enter32BitCode(Cpu cpu) {
        Arrays.fill(cpu.selectors, 0, 4, LINUX_DATA);
        cpu.selectors[1] = LINUX_CS32;
        cpu.run32BitCode();
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }
}
