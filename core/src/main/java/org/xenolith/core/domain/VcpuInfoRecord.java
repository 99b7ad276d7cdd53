package org.xenolith.core.domain;

import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.time.Pvclock;
import org.xenolith.cpu.mmu.Ram;

/**
 * A vCPU's {@code struct vcpu_info} in guest memory: where it is, its upcall flags, its time.
 * public/xen.h, {@link VcpuInfo}.
 *
 * <p>It is moved by whichever vCPU makes the hypercall, with the domain locked, and written by the
 * vCPU's own thread; any thread may ask where it is and what it says.
 */
public final class VcpuInfoRecord {
    /** Host address of the vCPU's place in the shared page. */
    private final long shared;

    /** Host address, read by all that deliver events. */
    private volatile long host;

    private volatile boolean registered;
    private long maddr;

    /**
     * @param shared host address of the vCPU's place in the shared page
     */
    VcpuInfoRecord(long shared) {
        this.shared = shared;
        this.host = shared;
    }

    /** Host address. */
    long host() {
        return host;
    }

    public boolean isRegistered() {
        return registered;
    }

    /** Machine address of a registered vcpu_info, 0 while it stands in the shared page. */
    public long maddr() {
        return maddr;
    }

    /**
     * Moves vcpu_info to a place of the guest's choice; the frame is pinned by the caller.
     *
     * @param toMaddr machine address
     * @param toHost the same place as a host address
     */
    public void register(long toMaddr, long toHost) {
        byte[] old = new byte[VcpuInfo.SIZE];
        Ram.read(host, old, 0, old.length);
        Ram.write(toHost, old, 0, old.length);
        restore(toMaddr, toHost);
        // Events that came to the old place may be lost to the guest: one look at everything.
        Ram.putLongVolatile(toHost + VcpuInfo.EVTCHN_PENDING_SEL, -1);
        Ram.putByte(toHost + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
        publishTime();
    }

    /** As {@link #register} for a restored vCPU, whose record is in place already. */
    public void restore(long atMaddr, long atHost) {
        maddr = atMaddr;
        host = atHost;
        registered = true;
    }

    /**
     * Puts vcpu_info back into the shared page, with nothing pending and upcalls masked.
     *
     * @return machine address of the vcpu_info that was registered, 0 for none; its frame is the
     *     caller's to unpin
     */
    long unregister() {
        byte[] record = new byte[VcpuInfo.SIZE];
        Ram.read(host, record, 0, record.length);
        long old = maddr;
        host = shared;
        maddr = 0;
        registered = false;
        Ram.write(shared, record, 0, record.length);
        Ram.putByte(shared + VcpuInfo.EVTCHN_UPCALL_PENDING, 0);
        Ram.putLongVolatile(shared + VcpuInfo.EVTCHN_PENDING_SEL, 0);
        setUpcallMask(true);
        publishTime();
        return old;
    }

    /** Writes the time record. It stays true: the counter is system time. */
    void publishTime() {
        Pvclock.publish(host + VcpuInfo.TIME);
    }

    public boolean upcallsMasked() {
        return Ram.getByte(host + VcpuInfo.EVTCHN_UPCALL_MASK) != 0;
    }

    public void setUpcallMask(boolean masked) {
        Ram.putByte(host + VcpuInfo.EVTCHN_UPCALL_MASK, masked ? 1 : 0);
    }

    public boolean isUpcallPending() {
        return Ram.getByte(host + VcpuInfo.EVTCHN_UPCALL_PENDING) != 0;
    }

    /** Linear address of the last page fault, as the guest reads and writes it. */
    long cr2() {
        return Ram.getLong(host + VcpuInfo.ARCH_CR2);
    }

    void setCr2(long vaddr) {
        Ram.putLong(host + VcpuInfo.ARCH_CR2, vaddr);
    }
}
