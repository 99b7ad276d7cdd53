package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.mmu.Ram;

/**
 * Runs decoded blocks of 32-bit code of one vCPU, in compatibility mode. They are never translated.
 *
 * <p>While it runs, RIP is a linear address, CS's base included; outside it is EIP. Both have 32
 * bits, but for an instant behind the last byte of 4 GiB.
 */
public final class CompatInterpreter extends Interpreter {
    public CompatInterpreter(Cpu cpu) {
        super(cpu, CodeSize.CODE_32);
    }

    @Override
    public int run(long slack) {
        begin();
        int exit = super.run(slack);
        end();
        return exit;
    }

    @Override
    public int step() {
        begin();
        int exit = super.step();
        end();
        return exit;
    }

    private void begin() {
        cpu.rip = linear(cpu, cpu.rip);
    }

    /** After a far transfer to 64-bit code RIP is what it says. */
    private void end() {
        if (cpu.interpreter() == this) {
            cpu.rip = offset(cpu, cpu.rip);
        }
    }

    /** Linear address of an offset in CS. */
    static long linear(Cpu cpu, long eip) {
        return eip + cpu.r[Cpu.CS_BASE] & Registers.LOW_32;
    }

    /** Offset in CS of a linear address. */
    static long offset(Cpu cpu, long vaddr) {
        return vaddr - cpu.r[Cpu.CS_BASE] & Registers.LOW_32;
    }

    @Override
    CodePage page(long rip) {
        return super.page(rip & Registers.LOW_32).code32();
    }

    @Override
    Block decoded(long rip) {
        CodePage page = (CodePage) mmu.attachedFetch(rip);
        return page == null || rip >>> Integer.SIZE != 0
                ? null
                : page.code32().find((int) (rip & Ram.PAGE_OFFSET));
    }
}
