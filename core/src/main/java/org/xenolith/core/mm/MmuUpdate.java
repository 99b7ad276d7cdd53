package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * Hypercall mmu_update: changes page-table entries and machine-to-physical entries by machine
 * address. public/xen.h, {@code HYPERVISOR_mmu_update}.
 */
public final class MmuUpdate {
    /**
     * In the count: the call goes on where an earlier one stopped. {@code MMU_UPDATE_PREEMPTED}.
     */
    static final int PREEMPTED = 1 << 31;

    /** The argument before it has 32 bits; an error number takes the bits above them. */
    private static final int FAILURE_SHIFT = 32;

    private final PageTypes types;
    private final FrameTable frames;
    private final EntryUpdates updates;
    private final PausableTables tables;
    private final int domId;

    public MmuUpdate(int domId, PageTypes types) {
        this.domId = domId;
        this.types = types;
        this.frames = types.frames();
        this.updates = new EntryUpdates(types);
        this.tables = new PausableTables(types);
    }

    /**
     * @param requests linear address of {@code count} requests of 16 bytes
     * @param done linear address of an int that gets the number of requests done, or 0
     * @param foreignDom whose frames and, in the high half, whose tables
     */
    public long handle(GuestContext vcpu, long requests, long count, long done, long foreignDom) {
        if (!isSelf(domId, (int) foreignDom & 0xffff) || !isTableOwner((int) foreignDom >>> 16)) {
            return -ESRCH;
        }
        int todo = (int) count & ~PREEMPTED;
        int doneBefore = doneBefore(vcpu, (int) count, done);
        int i = 0;
        int result = failedBefore((int) count, foreignDom);
        boolean pauses = !tables.letGoOfOld(vcpu);
        try {
            while (i < todo && result == 0 && !pauses) {
                if (i > 0 && vcpu.mustPause()) {
                    pauses = true;
                    break;
                }
                long ptr = vcpu.mmu().read64(requests + MmuCommand.PTR);
                long value = vcpu.mmu().read64(requests + MmuCommand.VAL);
                result = tables.change(vcpu, Pte.mfn(value), () -> apply(vcpu, ptr, value));
                if (result == 0) {
                    requests += MmuCommand.SIZE;
                    i++;
                }
                pauses = result == PausableTables.PAUSED || !tables.letGoOfOld(vcpu);
            }
        } catch (GuestFault fault) {
            result = -EFAULT;
        }
        reportDone(vcpu, done, doneBefore + i);
        if (pauses) {
            long argument = withFailure(foreignDom, result);
            return vcpu.again(requests, (todo - i) | PREEMPTED, done, argument);
        }
        return result;
    }

    static boolean isSelf(int domId, int named) {
        return named == DomId.SELF || named == domId;
    }

    private boolean isTableOwner(int owner) {
        return owner == 0 || owner - 1 == domId;
    }

    static int doneBefore(GuestContext vcpu, int count, long done) {
        if ((count & PREEMPTED) == 0 || done == 0) {
            return 0;
        }
        try {
            return vcpu.mmu().read32(done);
        } catch (GuestFault fault) {
            return 0; // as Xen: the guest has taken away its own counter
        }
    }

    /**
     * The error of a request that had failed when the call paused, to let go of what the request
     * had begun. A guest that forges one only deceives itself.
     */
    static int failedBefore(int count, long foreignDom) {
        return (count & PREEMPTED) == 0 ? 0 : -(int) (foreignDom >>> FAILURE_SHIFT);
    }

    /** The last argument of a call that pauses: with the error that it will end with. */
    static long withFailure(long foreignDom, int result) {
        long named = foreignDom & (1L << FAILURE_SHIFT) - 1;
        return result == PausableTables.PAUSED ? named : named | (long) -result << FAILURE_SHIFT;
    }

    static void reportDone(GuestContext vcpu, long done, int count) {
        if (done == 0) {
            return;
        }
        try {
            vcpu.mmu().write32(done, count);
        } catch (GuestFault fault) {
            // As Xen: the work is done, and the guest asked to be told where it cannot be.
        }
    }

    private int apply(GuestContext vcpu, long ptr, long value) {
        int command = (int) ptr & MmuCommand.COMMAND_MASK;
        return switch (command) {
            case MmuCommand.NORMAL_PT_UPDATE, MmuCommand.PT_UPDATE_NO_TRANSLATE ->
                    updateEntry(vcpu, ptr - command, value, false);
            case MmuCommand.PT_UPDATE_PRESERVE_AD -> updateEntry(vcpu, ptr - command, value, true);
            case MmuCommand.MACHPHYS_UPDATE -> updateMachphys(ptr >>> Ram.PAGE_SHIFT, value);
            default -> -ENOSYS;
        };
    }

    private int updateEntry(GuestContext vcpu, long maddr, long value, boolean preserveAd) {
        long mfn = maddr >>> Ram.PAGE_SHIFT;
        if (!frames.exists(mfn) || frames.has(mfn, FrameInfo.PRIVATE | FrameInfo.GRANTED)) {
            return -EINVAL;
        }
        int offset = (int) (maddr & Ram.PAGE_OFFSET);
        int type = frames.type(mfn);
        if (frames.typeCount(mfn) == 0 || type == FrameType.WRITABLE) {
            long host = frames.writableFrame(mfn, vcpu.tlb()) + offset;
            Ram.putLongVolatile(host, value);
            vcpu.mmu().noteStore(host, Long.BYTES);
            types.wroteUntyped(mfn, vcpu.tlb());
            return 0;
        }
        if (!FrameType.isPageTable(type)) {
            return -EINVAL;
        }
        int result = updates.update(mfn, offset >>> 3, value, preserveAd, vcpu.tlb());
        if (type != FrameType.L1_TABLE) {
            vcpu.tookLong(); // a whole tree of tables may have come, or gone
        }
        return result;
    }

    private int updateMachphys(long mfn, long pfn) {
        return frames.exists(mfn) && frames.machineToPhysical().setPfn(mfn, pfn) ? 0 : -EINVAL;
    }
}
