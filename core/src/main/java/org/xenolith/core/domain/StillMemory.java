package org.xenolith.core.domain;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.OptionalLong;

/**
 * Memory as a vCPU sees it that stands, or that the calling thread runs. A look leaves nothing
 * behind: no Accessed bit, no entry of the TLB, no fault.
 */
public final class StillMemory {
    private static final long NO_PAGE = -1;

    private final Mmu mmu;
    private final FrameTable frames;

    /** The page that was looked up last, and its entry, 0 for none. */
    private long page = NO_PAGE;

    private long pte;

    public StillMemory(VirtualCpu vcpu) {
        this.mmu = vcpu.mmu();
        this.frames = vcpu.domain().frames();
    }

    private void lookUp(long vaddr) {
        long wanted = vaddr >>> Ram.PAGE_SHIFT;
        if (wanted != page) {
            page = wanted;
            pte = mmu.pte(vaddr);
        }
    }

    /** Whether a byte lies in a page that may be executed, as far as its own entry says. */
    public boolean isExecutable(long vaddr) {
        lookUp(vaddr);
        return Pte.isPresent(pte) && (pte & Pte.NO_EXECUTE) == 0;
    }

    /**
     * A byte.
     *
     * @return -1 when it cannot be read
     */
    public int read8(long vaddr) {
        lookUp(vaddr);
        if (!Pte.isPresent(pte)) {
            return -1;
        }
        long frame = frames.frame(Pte.mfn(pte));
        return frame == MachineMemory.NO_FRAME
                ? -1
                : Ram.getByte(frame | vaddr & Ram.PAGE_OFFSET) & 0xff;
    }

    /** A quadword at any address; empty when a byte of it cannot be read. */
    public OptionalLong read64(long vaddr) {
        long word = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            int value = read8(vaddr + i);
            if (value < 0) {
                return OptionalLong.empty();
            }
            word |= (long) value << i * Byte.SIZE;
        }
        return OptionalLong.of(word);
    }
}
