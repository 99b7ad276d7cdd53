package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.abi.MemoryCommand;
import org.xenolith.core.abi.MemoryCommand.MachphysMapping;
import org.xenolith.core.abi.MemoryCommand.MemoryMap;
import org.xenolith.core.abi.MemoryCommand.Reservation;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

/**
 * Hypercall memory_op: a guest gives frames back, asks for more, and asks what it has.
 * public/memory.h.
 *
 * <p>exchange is refused: it serves devices that need contiguous machine memory, and there are
 * none.
 */
public final class MemoryOps {
    /**
     * Frames given back that siblings may still hold. They count for nobody until the siblings come
     * to a poll point: a guest could have many times its memory for as long as one stays away.
     */
    private static final int MOST_RETIRED = 1024;

    private final int domId;
    private final FrameTable frames;
    private final MemoryReservation reservation;

    public MemoryOps(int domId, FrameTable frames) {
        this.domId = domId;
        this.frames = frames;
        this.reservation = frames.reservation();
    }

    /**
     * @param command in the low 6 bits; above them, how many extents an earlier call has done
     * @return what the command says, often the number of extents done
     */
    public long handle(GuestContext vcpu, long command, long argument) {
        long start = command >>> 6;
        try {
            return switch ((int) command & MemoryCommand.CMD_MASK) {
                case MemoryCommand.INCREASE_RESERVATION ->
                        reserve(vcpu, argument, start, Change.INCREASE);
                case MemoryCommand.DECREASE_RESERVATION ->
                        reserve(vcpu, argument, start, Change.DECREASE);
                case MemoryCommand.POPULATE_PHYSMAP ->
                        reserve(vcpu, argument, start, Change.POPULATE);
                case MemoryCommand.MAXIMUM_RAM_PAGE -> frames.limitMfn();
                case MemoryCommand.CURRENT_RESERVATION ->
                        ofSelf(vcpu, argument, reservation.currentPages());
                case MemoryCommand.MAXIMUM_RESERVATION ->
                        ofSelf(vcpu, argument, reservation.maximumPages());
                case MemoryCommand.MACHPHYS_MAPPING -> machphysMapping(vcpu.mmu(), argument);
                case MemoryCommand.MEMORY_MAP -> memoryMap(vcpu.mmu(), argument);
                default -> -ENOSYS;
            };
        } catch (GuestFault fault) {
            return -EFAULT;
        }
    }

    private long ofSelf(GuestContext vcpu, long argument, long pages) {
        return MmuUpdate.isSelf(domId, vcpu.mmu().read16(argument)) ? pages : -ESRCH;
    }

    private enum Change {
        INCREASE(MemoryCommand.INCREASE_RESERVATION),
        DECREASE(MemoryCommand.DECREASE_RESERVATION),
        POPULATE(MemoryCommand.POPULATE_PHYSMAP);

        private final int command;

        Change(int command) {
            this.command = command;
        }
    }

    /**
     * Extents are done one by one; the first that cannot be done ends the call with the count so
     * far.
     */
    private long reserve(GuestContext vcpu, long reservation, long start, Change change) {
        Mmu mmu = vcpu.mmu();
        long list = mmu.read64(reservation + Reservation.EXTENT_START);
        long extents = mmu.read64(reservation + Reservation.NR_EXTENTS);
        int order = mmu.read32(reservation + Reservation.EXTENT_ORDER);
        int named = mmu.read16(reservation + Reservation.DOMID);
        // Only single frames: contiguous machine memory means nothing here.
        if (!MmuUpdate.isSelf(domId, named) || order != 0 || extents < 0) {
            return start;
        }
        long i = start;
        try {
            while (i < extents && changeOne(vcpu, list == 0 ? 0 : list + i * 8, change)) {
                i++;
                if (i < extents && vcpu.mustPause()) {
                    return vcpu.again(change.command | i << 6, reservation, 0, 0);
                }
            }
        } catch (GuestFault fault) {
            return i; // the guest is told how far it got
        }
        return i;
    }

    private boolean changeOne(GuestContext vcpu, long entry, Change change) {
        return switch (change) {
            case DECREASE -> decrease(vcpu, vcpu.mmu().read64(entry));
            case POPULATE -> populate(vcpu, entry, vcpu.mmu().read64(entry));
            case INCREASE -> populate(vcpu, entry, AddressSpace.INVALID_M2P_ENTRY);
        };
    }

    private boolean decrease(GuestContext vcpu, long mfn) {
        frames.lock.lock();
        try {
            return reservation.decrease(mfn, vcpu.tlb());
        } finally {
            frames.lock.unlock();
        }
    }

    /**
     * The list entry is checked before a frame is taken: a guest that cannot be told its number
     * loses none.
     */
    private boolean populate(GuestContext vcpu, long entry, long pfn) {
        if (entry != 0) {
            vcpu.mmu().checkWritable(entry);
        }
        if (frames.tlbs().retired() > MOST_RETIRED) {
            vcpu.tlb().awaitSettled(vcpu.tlb().stamp());
        }
        long mfn = reservation.populate(pfn);
        if (mfn == NO_FRAME) {
            return false;
        }
        if (entry != 0) {
            vcpu.mmu().write64(entry, mfn);
        }
        return true;
    }

    private long machphysMapping(Mmu mmu, long argument) {
        mmu.write64(argument + MachphysMapping.V_START, AddressSpace.MACH2PHYS_VIRT_START);
        mmu.write64(argument + MachphysMapping.V_END, AddressSpace.MACH2PHYS_VIRT_END);
        mmu.write64(argument + MachphysMapping.MAX_MFN, frames.limitMfn() - 1);
        return 0;
    }

    /**
     * One region of RAM up to the most the domain may have; what it has not yet, the balloon can
     * claim.
     */
    private long memoryMap(Mmu mmu, long argument) {
        int room = mmu.read32(argument + MemoryMap.NR_ENTRIES);
        long buffer = mmu.read64(argument + MemoryMap.BUFFER);
        int entries = room == 0 ? 0 : 1;
        if (entries == 1) {
            mmu.write64(buffer, 0);
            mmu.write64(buffer + 8, reservation.maximumPages() << Ram.PAGE_SHIFT);
            mmu.write32(buffer + 16, MemoryMap.E820_RAM);
        }
        mmu.write32(argument + MemoryMap.NR_ENTRIES, entries);
        return 0;
    }
}
