package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * Stands behind every operation of a block that was dropped, and ends every straight run: back to
 * look-up.
 */
final class Leave extends Op {
    Leave(int start, int position) {
        standAt(start, start, position);
    }

    @Override
    public Op execute(Cpu cpu) {
        cpu.budget -= position();
        return Interpreter.enter(cpu, address(cpu));
    }
}
