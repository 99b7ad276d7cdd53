package org.xenolith.core.domain;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.Cpu;

/**
 * Debug registers as the guest set them, and the breakpoints that they arm. SDM vol. 3B, 18.2.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class DebugRegisters {
    private static final int DR6 = 6;
    private static final int DR7 = 7;
    private static final long DR6_FIXED = 0xffff_0ff0L;
    private static final long DR6_GUEST = 0xe00f;
    private static final long DR7_FIXED = 0x400;
    private static final long DR7_GUEST = 0xffff_03ffL;

    private final Cpu cpu;
    private final long[] registers = {0, 0, 0, 0, 0, 0, DR6_FIXED, DR7_FIXED};

    DebugRegisters(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Debug register 0 to 7; 4 and 5 are other names of 6 and 7. */
    public long get(int number) {
        return registers[number == 4 || number == 5 ? number + 2 : number];
    }

    /**
     * Sets a debug register; bits that the processor fixes stay as they are. Breakpoints that DR7
     * enables are armed from the next instruction on.
     *
     * @return false for an address that is none of the guest's, or no register
     */
    public boolean set(int number, long value) {
        switch (number) {
            case 0, 1, 2, 3 -> {
                if (!AddressSpace.isGuests(value)) {
                    return false;
                }
                registers[number] = value;
            }
            case 4, DR6 -> registers[DR6] = value & DR6_GUEST | DR6_FIXED;
            case 5, DR7 -> registers[DR7] = value & DR7_GUEST | DR7_FIXED;
            default -> {
                return false;
            }
        }
        cpu.setBreakpoints(registers, registers[DR7]);
        return true;
    }

    /** Adds what a debug exception sets; the guest clears DR6 itself. */
    void noteStatus(int status) {
        registers[DR6] |= status;
    }
}
