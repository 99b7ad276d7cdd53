package org.xenolith.cpu.translate;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.semantics.simd.Mxcsr;

/** A processor without memory, for units to be rehearsed on. */
final class IdleProcessor implements MachineMemory {
    private IdleProcessor() {}

    /** With the precision flag set, as most code that computes has it: the quick form runs. */
    static Cpu create() {
        Cpu cpu = new Cpu(new IdleProcessor(), null, new CodeCache());
        cpu.mxcsr.load(Mxcsr.DEFAULT | Mxcsr.PE);
        return cpu;
    }

    @Override
    public long frame(long mfn) {
        return NO_FRAME;
    }

    @Override
    public long writableFrame(long mfn) {
        return NO_FRAME;
    }

    @Override
    public long hypervisorEntry(int slot) {
        return 0;
    }

    @Override
    public boolean emulatesStores(long mfn) {
        return false;
    }

    @Override
    public boolean emulateStore(long maddr, int size, long value) {
        return false;
    }

    @Override
    public CasResult emulateCompareAndSet(long maddr, int size, long expected, long value) {
        return CasResult.REFUSED;
    }
}
