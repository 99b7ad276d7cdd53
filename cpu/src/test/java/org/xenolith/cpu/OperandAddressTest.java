package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RSP;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where operands lie that are no plain sum of registers, and which of their bytes fault. */
@Timeout(20)
class OperandAddressTest {
    private static final int ADDRESS_SIZE = 0x67;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    @Test
    void popToAnEspBasedOperandUsesTheNewRsp() {
        long rsp = cpu.r[RSP];
        guest.run(
                code -> {
                    code.mov(RAX, 77).push(RAX);
                    // POP [ESP - 0x40]
                    code.bytes(ADDRESS_SIZE, 0x8f, 0x44, 0x24, 0xc0).syscall();
                });
        assertThat(guest.quad(rsp - 0x40)).isEqualTo(77);
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }
}
