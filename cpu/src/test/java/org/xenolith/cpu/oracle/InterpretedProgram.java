package org.xenolith.cpu.oracle;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.oracle.HostCpu.Outcome;
import org.xenolith.cpu.oracle.HostCpu.Program;
import org.xenolith.cpu.x87.FxsaveArea;

/** Runs what {@link HostCpu} runs, on the interpreter, and reports it in the same terms. */
public final class InterpretedProgram {
    private static final int MOST_INSTRUCTIONS = 100;
    private static final int SIGNALLED = 1;

    private final FlatMachine machine = new FlatMachine();
    private final Cpu cpu = machine.cpu;
    private final byte[] area = new byte[FxsaveArea.SIZE];

    public InterpretedProgram() {
        machine.map(HostCpu.WINDOW_BASE, HostCpu.WINDOW_SIZE);
        machine.map(HostCpu.CODE_BASE, HostCpu.CODE_SIZE);
    }

    /** Runs it to its end or to its first exception. */
    public Outcome run(Program program) {
        machine.load(HostCpu.WINDOW_BASE, new byte[HostCpu.WINDOW_SIZE]);
        machine.load(HostCpu.WINDOW_BASE + program.memoryOffset(), program.memory());
        long start = HostCpu.CODE_BASE + program.codeOffset();
        machine.load(start, program.code());
        load(program.before());
        cpu.rip = start;
        int exit = Exit.BUDGET;
        long end = start + program.code().length;
        for (int n = 0; n < MOST_INSTRUCTIONS && exit == Exit.BUDGET && cpu.rip != end; n++) {
            exit = cpu.step();
        }
        GuestFault fault = exit == Exit.FAULT ? cpu.fault() : null;
        byte[] memory = new byte[program.memory().length];
        cpu.mmu().copyFrom(HostCpu.WINDOW_BASE + program.memoryOffset(), memory, 0, memory.length);
        return new Outcome(
                fault == null ? 0 : SIGNALLED,
                0,
                0,
                fault == null ? 0 : fault.vector(),
                fault == null ? 0 : fault.errorCode(),
                fault == null ? 0 : fault.address(),
                state(),
                memory);
    }

    private void load(MachineState state) {
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = state.gpr(i);
        }
        cpu.setRflags(state.rflags());
        for (int i = 0; i < area.length; i++) {
            area[i] = (byte) state.fxByte(i);
        }
        cpu.x87.fxrstor(area, true);
        cpu.mxcsr.load(FxsaveArea.getMxcsr(area));
        FxsaveArea.getXmm(area, cpu.xmm);
    }

    private MachineState state() {
        MachineState state = new MachineState().rflags(cpu.rflags());
        for (int i = 0; i < 16; i++) {
            state.gpr(i, cpu.r[i]);
        }
        cpu.x87.fxsave(area, true);
        FxsaveArea.putSse(area, cpu.mxcsr.value(), cpu.xmm);
        for (int i = 0; i < area.length; i++) {
            state.fxByte(i, area[i]);
        }
        return state;
    }
}
