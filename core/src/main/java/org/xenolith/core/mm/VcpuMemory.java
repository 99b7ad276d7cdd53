package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.MachineMemory;

/**
 * The domain's frame table as one vCPU's MMU sees it. It exists per vCPU because a store into a
 * page table must drop translations of the vCPU that made it at once.
 */
public final class VcpuMemory implements MachineMemory {
    private final FrameTable frames;
    private final EmulatedStores stores;
    private TlbShootdown tlb = TlbShootdown.NONE;

    public VcpuMemory(PageTypes types) {
        this.frames = types.frames();
        this.stores = new EmulatedStores(types);
    }

    /**
     * The MMU needs its memory first and the shootdown its MMU: this closes the circle, before the
     * vCPU runs.
     */
    public void attach(TlbShootdown tlb) {
        this.tlb = tlb;
    }

    @Override
    public long frame(long mfn) {
        return frames.frame(mfn);
    }

    @Override
    public long writableFrame(long mfn) {
        return frames.writableFrame(mfn, tlb);
    }

    @Override
    public long hypervisorEntry(int slot) {
        return frames.machineToPhysical().hypervisorEntry(slot);
    }

    @Override
    public boolean isLeafTable(long mfn) {
        return frames.isL1Table(mfn);
    }

    @Override
    public boolean emulatesStores(long mfn) {
        return frames.isL1Table(mfn);
    }

    @Override
    public boolean emulateStore(long maddr, int size, long value) {
        frames.lock.lock();
        try {
            return stores.store(maddr, size, value, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    @Override
    public CasResult emulateCompareAndSet(long maddr, int size, long expected, long value) {
        frames.lock.lock();
        try {
            return stores.compareAndSet(maddr, size, expected, value, tlb);
        } finally {
            frames.lock.unlock();
        }
    }

    @Override
    public void lockBus() {
        tlb.stopSiblings();
    }

    @Override
    public void unlockBus() {
        tlb.letSiblingsGo();
    }
}
