package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EACCES;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EOPNOTSUPP;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

/**
 * Hypercall mmuext_op: pins tables, loads roots, flushes TLBs. public/xen.h, {@code
 * HYPERVISOR_mmuext_op}.
 */
public final class MmuExtOps {
    private static final long ALL_VCPUS = -1;

    private final PageTypes types;
    private final FrameTable frames;
    private final PausableTables tables;
    private final int domId;

    public MmuExtOps(int domId, PageTypes types) {
        this.domId = domId;
        this.types = types;
        this.frames = types.frames();
        this.tables = new PausableTables(types);
    }

    /**
     * @param operations linear address of {@code count} records of 24 bytes
     * @param done linear address of an int that gets the number of operations done, or 0
     */
    public long handle(GuestContext vcpu, long operations, long count, long done, long foreignDom) {
        if (!MmuUpdate.isSelf(domId, (int) foreignDom & 0xffff)) {
            return -ESRCH;
        }
        int todo = (int) count & ~MmuUpdate.PREEMPTED;
        int doneBefore = MmuUpdate.doneBefore(vcpu, (int) count, done);
        int i = 0;
        int result = MmuUpdate.failedBefore((int) count, foreignDom);
        boolean pauses = !tables.letGoOfOld(vcpu);
        try {
            while (i < todo && result == 0 && !pauses) {
                if (i > 0 && vcpu.mustPause()) {
                    pauses = true;
                    break;
                }
                MmuExtOp operation = read(vcpu.mmu(), operations);
                result = perform(vcpu, operation);
                if (mayTakeLong(operation)) {
                    vcpu.tookLong();
                }
                if (result == 0) {
                    operations += MmuExtOp.SIZE;
                    i++;
                }
                pauses = result == PausableTables.PAUSED || !tables.letGoOfOld(vcpu);
            }
        } catch (GuestFault fault) {
            result = -EFAULT;
        }
        MmuUpdate.reportDone(vcpu, done, doneBefore + i);
        if (pauses) {
            int left = (todo - i) | MmuUpdate.PREEMPTED;
            return vcpu.again(operations, left, done, MmuUpdate.withFailure(foreignDom, result));
        }
        return result;
    }

    private static MmuExtOp read(Mmu mmu, long vaddr) {
        return new MmuExtOp(
                mmu.read32(vaddr + MmuExtOp.CMD),
                mmu.read64(vaddr + MmuExtOp.ARG1),
                mmu.read64(vaddr + MmuExtOp.ARG2));
    }

    /** Whether it looks at all entries of a tree of tables. */
    private static boolean mayTakeLong(MmuExtOp operation) {
        return operation.command() <= MmuExtOp.NEW_BASEPTR
                || operation.command() == MmuExtOp.NEW_USER_BASEPTR;
    }

    private int perform(GuestContext vcpu, MmuExtOp op) {
        TlbShootdown tlb = vcpu.tlb();
        return switch (op.command()) {
            case MmuExtOp.PIN_L1_TABLE,
                    MmuExtOp.PIN_L2_TABLE,
                    MmuExtOp.PIN_L3_TABLE,
                    MmuExtOp.PIN_L4_TABLE ->
                    tables.pin(
                            vcpu,
                            op.arg1(),
                            FrameType.L1_TABLE + op.command() - MmuExtOp.PIN_L1_TABLE);
            case MmuExtOp.UNPIN_TABLE -> tables.unpin(vcpu, op.arg1());
            case MmuExtOp.NEW_BASEPTR -> newBasePtr(vcpu, op.arg1());
            case MmuExtOp.NEW_USER_BASEPTR -> newUserBasePtr(vcpu, op.arg1());
            case MmuExtOp.TLB_FLUSH_LOCAL, MmuExtOp.INVLPG_LOCAL -> flush(tlb::flushLocal);
            case MmuExtOp.TLB_FLUSH_MULTI, MmuExtOp.INVLPG_MULTI -> flushMulti(vcpu, op);
            case MmuExtOp.TLB_FLUSH_ALL, MmuExtOp.INVLPG_ALL -> flush(() -> tlb.flush(ALL_VCPUS));
            // Only a domain with real devices may flush caches.
            case MmuExtOp.FLUSH_CACHE, MmuExtOp.FLUSH_CACHE_GLOBAL -> -EACCES;
            case MmuExtOp.SET_LDT -> setLdt(vcpu, op.arg1(), op.arg2());
            case MmuExtOp.CLEAR_PAGE -> clearPage(vcpu, op.arg1());
            case MmuExtOp.COPY_PAGE -> copyPage(vcpu, op.arg1(), op.arg2());
            case MmuExtOp.MARK_SUPER, MmuExtOp.UNMARK_SUPER -> -EOPNOTSUPP;
            default -> -ENOSYS;
        };
    }

    private int flush(Runnable flush) {
        frames.awaitChange();
        flush.run();
        return 0;
    }

    private int newBasePtr(GuestContext vcpu, long mfn) {
        long old = vcpu.basePtr();
        if (mfn == old) {
            frames.awaitChange();
            vcpu.newBasePtr(mfn);
            return 0;
        }
        int result = tables.acquireRoot(vcpu, mfn);
        if (result == 0) {
            vcpu.newBasePtr(mfn);
            tables.releaseRoot(vcpu, old);
        }
        return result;
    }

    private int newUserBasePtr(GuestContext vcpu, long mfn) {
        long old = vcpu.userBasePtr();
        if (mfn == old) {
            frames.awaitChange();
            vcpu.newUserBasePtr(mfn);
            return 0;
        }
        int result = mfn == 0 ? 0 : tables.acquireRoot(vcpu, mfn);
        if (result == 0) {
            vcpu.newUserBasePtr(mfn);
            if (old != 0) {
                tables.releaseRoot(vcpu, old);
            }
        }
        return result;
    }

    private int flushMulti(GuestContext vcpu, MmuExtOp op) {
        try {
            long vcpus = vcpu.mmu().read64(op.arg2());
            return flush(() -> vcpu.tlb().flush(vcpus));
        } catch (GuestFault fault) {
            return -EINVAL;
        }
    }

    private static int setLdt(GuestContext vcpu, long vaddr, long arg2) {
        int entries = (int) arg2;
        if (!DescriptorTables.isLdt(vaddr, entries)) {
            return -EINVAL;
        }
        vcpu.setLdt(entries == 0 ? 0 : vaddr, entries);
        return 0;
    }

    private int clearPage(GuestContext vcpu, long mfn) {
        int result = types.acquire(mfn, FrameType.WRITABLE, vcpu.tlb());
        if (result == 0) {
            long host = frames.writableFrame(mfn, vcpu.tlb());
            Ram.fill(host, Ram.PAGE_SIZE, 0);
            vcpu.mmu().noteStore(host, Ram.PAGE_SIZE);
            types.release(mfn, vcpu.tlb());
        }
        return result;
    }

    private int copyPage(GuestContext vcpu, long toMfn, long fromMfn) {
        if (GrantWindow.contains(fromMfn)) {
            return -EINVAL; // as for PageTypes.acquire
        }
        frames.lock.lock();
        try {
            if (!frames.get(fromMfn)) {
                return -EINVAL;
            }
        } finally {
            frames.lock.unlock();
        }
        int result = types.acquire(toMfn, FrameType.WRITABLE, vcpu.tlb());
        if (result == 0) {
            long host = frames.writableFrame(toMfn, vcpu.tlb());
            Ram.copy(frames.frame(fromMfn), host, Ram.PAGE_SIZE);
            vcpu.mmu().noteStore(host, Ram.PAGE_SIZE);
            types.release(toMfn, vcpu.tlb());
        }
        frames.lock.lock();
        try {
            frames.put(fromMfn, vcpu.tlb());
        } finally {
            frames.lock.unlock();
        }
        return result;
    }
}
