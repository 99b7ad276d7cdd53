package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.Vector;

/**
 * Whether the guest's kernel runs or one of its processes, and what each of the two has of its own:
 * an L4 table and a GS base. Both run at CPL 3, so this is all that tells them apart.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class GuestMode {
    private final Cpu cpu;
    private boolean kernel = true;

    /** MFNs of the L4 tables; 0 for none. */
    private long kernelRoot;

    private long userRoot;

    /** GS base of the mode that does not run now. */
    private long inactiveGsBase;

    GuestMode(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Whether the guest's kernel runs, not one of its processes. */
    public boolean isKernel() {
        return kernel;
    }

    /**
     * For instructions that are the kernel's only.
     *
     * @throws GuestFault #GP(0) while a process runs
     */
    void requireKernel() {
        if (!kernel) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /** Sets the mode of a vCPU that never ran, before its tables are loaded. */
    public void startIn(boolean kernelMode) {
        kernel = kernelMode;
    }

    /** From a process into the kernel: its L4 table and its GS base. */
    public void enterKernel() {
        if (!kernel) {
            kernel = true;
            swapGs();
            cpu.mmu().setRoot(kernelRoot);
        }
    }

    /**
     * From the kernel into a process.
     *
     * @return false when there is no user L4 table; the domain cannot go on
     */
    public boolean enterUser() {
        if (userRoot == 0) {
            return false;
        }
        if (kernel) {
            kernel = false;
            swapGs();
            cpu.mmu().setRoot(userRoot);
        }
        return true;
    }

    private void swapGs() {
        long active = cpu.r[Cpu.GS_BASE];
        cpu.r[Cpu.GS_BASE] = inactiveGsBase;
        inactiveGsBase = active;
    }

    public long inactiveGsBase() {
        return inactiveGsBase;
    }

    /**
     * @param base canonical
     */
    public void setInactiveGsBase(long base) {
        inactiveGsBase = base;
    }

    /**
     * Loads GS for the processes, while the kernel's base is in use: {@code SEGBASE_GS_USER_SEL}. A
     * selector that cannot be loaded becomes null, without a fault.
     *
     * @param descriptor what the selector names, 0 for nothing
     */
    public void loadUserGs(int selector, long descriptor) {
        boolean isNull = selector <= Selectors.RPL;
        boolean loads = !isNull && Selectors.isLoadableData(descriptor);
        cpu.selectors[Selectors.GS] = loads ? selector | Selectors.RPL : isNull ? selector : 0;
        inactiveGsBase = loads ? SegmentDescriptor.base(descriptor) : 0;
    }

    /** MFN of the kernel's L4 table. */
    long kernelRoot() {
        return kernelRoot;
    }

    /** Sets the kernel's L4 table; current if the kernel runs. */
    void setKernelRoot(long mfn) {
        kernelRoot = mfn;
        cpu.mmu().mailbox().drain();
        if (kernel) {
            cpu.mmu().setRoot(mfn);
        }
    }

    /** MFN of the L4 table of processes, 0 for none. */
    long userRoot() {
        return userRoot;
    }

    /** Sets the L4 table of processes; current if one runs. */
    void setUserRoot(long mfn) {
        userRoot = mfn;
        // Into a process later: that is no base-pointer load.
        cpu.mmu().mailbox().drain();
        if (!kernel) {
            cpu.mmu().setRoot(mfn);
        }
    }

    /** Reaches what a kernel registered by linear address, whichever mode runs now. */
    void throughKernelTables(Runnable access) {
        if (kernel) {
            access.run();
            return;
        }
        cpu.mmu().setRoot(kernelRoot);
        try {
            access.run();
        } finally {
            cpu.mmu().setRoot(userRoot);
        }
    }
}
