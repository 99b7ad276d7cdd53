package org.xenolith.core.domain;

/**
 * Where Xen enters the guest's kernel, but for exceptions, which go by the {@link TrapTable}: its
 * stack and its callbacks. public/callback.h; linear addresses, 0 for none.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class KernelEntry {
    public long kernelSs = Selectors.FLAT_SS;
    public long kernelSp;

    public long eventCallback;

    public long failsafeCallback;
    public boolean failsafeMasksEvents;

    public long syscallCallback;
    public boolean syscallMasksEvents;

    KernelEntry() {}
}
