package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.cpu.mmu.Ram;

import java.util.HexFormat;

/**
 * A {@link GuestCode} whose processor is in compatibility mode, for tests that write 32-bit code in
 * bytes.
 */
final class Guest32 {
    static final int CS32 = FlatMachine.FLAT_RING3_CS32;
    static final int CS64 = FlatMachine.FLAT_RING3_CS64;
    static final int FLAT_DATA = FlatMachine.FLAT_RING3_SS64;

    /** Selectors of an LDT, for what a test needs. */
    static final int FIRST = 0x07, SECOND = 0x0f, THIRD = 0x17;

    /** Types of descriptors: bits 40 to 47, present, DPL 3. */
    static final int DATA = 0xf3,
            READ_ONLY = 0xf1,
            EXPAND_DOWN = 0xf7,
            CODE = 0xfb,
            CODE_ONLY = 0xf9;

    /** Bits 52 to 55. */
    static final int BIG = 4, LONG = 2, IN_PAGES = 8, SMALL = 0;

    static final int ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5;

    final GuestCode guest;
    final FlatMachine machine;
    final Cpu cpu;

    Guest32() {
        this(TestTier.ofTests());
    }

    Guest32(TestTier tier) {
        guest = new GuestCode(tier);
        machine = guest.machine;
        cpu = guest.cpu;
        enter();
    }

    /** Into 32-bit code, or anew when descriptors have changed. */
    void enter() {
        FlatMachine.enter32BitCode(cpu);
    }

    /** Names a descriptor, and loads a segment register with it. */
    void load(int register, int selector, long base, int limit, int type, int flags) {
        machine.descriptors.put(selector, descriptor(base, limit, type, flags));
        cpu.selectors[register] = selector;
        if (register == FS) {
            cpu.r[Cpu.FS_BASE] = base;
        } else if (register == GS) {
            cpu.r[Cpu.GS_BASE] = base;
        }
        cpu.run32BitCode();
    }

    static long descriptor(long base, int limit, int type, int flags) {
        return limit & 0xffffL
                | (base & 0xff_ffffL) << 16
                | (long) type << 40
                | (limit >>> 16 & 0xfL) << 48
                | (long) flags << 52
                | (base >>> 24 & 0xff) << 56;
    }

    /** Puts code, in hexadecimal, at {@link GuestCode#CODE} and EIP there. */
    void write(String code) {
        writeAt(GuestCode.CODE, code);
    }

    void writeAt(long vaddr, String code) {
        machine.load(vaddr, bytes(code));
        cpu.rip = vaddr;
    }

    static byte[] bytes(String code) {
        return HexFormat.of().parseHex(code.replace(" ", ""));
    }

    /** Runs the code and INT 0x80 behind it, which it must reach. */
    void run(String code) {
        write(code + "CD 80");
        runToInterrupt();
    }

    void runToInterrupt() {
        int exit = cpu.run(1_000_000);
        assertThat(exit)
                .as("exit at %#x, fault %s", cpu.rip, cpu.fault())
                .isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.exitVector()).isEqualTo(0x80);
    }

    /** Runs the code, which must fault. */
    GuestFault fault(String code) {
        write(code);
        assertThat(cpu.run(1_000_000)).as("exit").isEqualTo(Exit.FAULT);
        return cpu.fault();
    }

    int word(long vaddr) {
        return cpu.mmu().read32(vaddr);
    }

    void map(long vaddr) {
        machine.map(vaddr, Ram.PAGE_SIZE);
    }
}
