package org.xenolith.core.machine;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.snapshot.Description;
import org.xenolith.core.time.Pvclock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Lets a guest that suspended itself go on as it would in a new domain: its memory and registers
 * are the same, everything that it had from the hypervisor is gone, and start_info says where it
 * finds the new shared page and rings. public/xen.h; what Xen's tools do on restore.
 */
final class FreshResume {
    private static final ValueLayout.OfLong LE_LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Domain domain;
    private final Description.Rings rings;

    /**
     * @param rings as they shall be from now on
     */
    FreshResume(Domain domain, Description.Rings rings) {
        this.domain = domain;
        this.rings = rings;
    }

    /** Takes from the guest what a new domain has not; its backends bind their ports after it. */
    void forgetEverything() {
        domain.events().reset();
        domain.grants().reset();
        for (VirtualCpu vcpu : domain.vcpus()) {
            long vcpuInfo = vcpu.forgetRegistrations();
            if (vcpuInfo != 0) {
                domain.pageTypes().release(vcpuInfo >>> Ram.PAGE_SHIFT, TlbShootdown.NONE);
            }
        }
        long shared = domain.sharedInfo();
        Ram.fill(shared + SharedInfo.EVTCHN_PENDING, SharedInfo.EVTCHN_BYTES, 0);
        Ram.fill(shared + SharedInfo.EVTCHN_MASK, SharedInfo.EVTCHN_BYTES, 0xff);
        Ram.putLong(shared + SharedInfo.PFN_TO_MFN_FRAME_LIST_LIST, 0);
        Pvclock.publishWallClock(shared, domain.clock());
    }

    /**
     * Writes the new start_info and makes the suspend return 0.
     *
     * @return false when the guest gave no frame for it: it has to die
     */
    boolean answer(DomainSuspend.Suspension suspension) {
        long mfn = suspension.startInfoMfn();
        // A frame that is shared becomes another one here, and the vCPUs may know the old one.
        TlbShootdown tlb = domain.vcpu(suspension.vcpu()).tlb();
        long host = domain.pin(mfn, tlb);
        if (host == MachineMemory.NO_FRAME) {
            return false;
        }
        writeStartInfo(Ram.SEGMENT.asSlice(host, Ram.PAGE_SIZE));
        domain.code().forget(host);
        domain.pageTypes().release(mfn, tlb);
        domain.vcpu(suspension.vcpu()).cpu().r[Cpu.RAX] = 0;
        return true;
    }

    private void writeStartInfo(MemorySegment page) {
        page.set(LE_LONG, StartInfo.NR_PAGES, domain.frames().reservation().currentPages());
        page.set(LE_LONG, StartInfo.SHARED_INFO, FrameTable.XEN_BASE << Ram.PAGE_SHIFT);
        page.set(LE_INT, StartInfo.FLAGS, 0);
        page.set(LE_LONG, StartInfo.STORE_MFN, rings.storeMfn());
        page.set(LE_INT, StartInfo.STORE_EVTCHN, rings.storePort());
        page.set(LE_LONG, StartInfo.CONSOLE_MFN, rings.consoleMfn());
        page.set(LE_INT, StartInfo.CONSOLE_EVTCHN, rings.consolePort());
    }
}
