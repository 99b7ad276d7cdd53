package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.xenolith.core.abi.TrapInfo;
import org.xenolith.core.abi.VcpuGuestContext;
import org.xenolith.core.abi.VcpuGuestContext.UserRegs;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.DescriptorTables;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.PausableTables;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Loads {@code struct vcpu_guest_context} into a vCPU that was never up. public/arch-x86/xen.h. */
final class VcpuContext {
    private static final int VECTORS = 256;
    private static final int MAX_GDT_FRAMES = 14;
    private static final int GDT_ENTRIES_PER_FRAME = 512;

    /** Where the context holds addresses that must be canonical. */
    private static final int[] ADDRESSES = {
        VcpuGuestContext.USER_REGS + UserRegs.RIP,
        VcpuGuestContext.USER_REGS + UserRegs.RSP,
        VcpuGuestContext.EVENT_CALLBACK_EIP,
        VcpuGuestContext.FAILSAFE_CALLBACK_EIP,
        VcpuGuestContext.SYSCALL_CALLBACK_EIP,
        VcpuGuestContext.KERNEL_SP,
        VcpuGuestContext.FS_BASE,
        VcpuGuestContext.GS_BASE_KERNEL,
        VcpuGuestContext.GS_BASE_USER
    };

    /** Offsets in user_regs of the general registers in encoding order. */
    private static final int[] REGISTERS = {
        UserRegs.RAX, UserRegs.RCX, UserRegs.RDX, UserRegs.RBX, UserRegs.RSP, UserRegs.RBP,
        UserRegs.RSI, UserRegs.RDI, UserRegs.R8, UserRegs.R9, UserRegs.R10, UserRegs.R11,
        UserRegs.R12, UserRegs.R13, UserRegs.R14, UserRegs.R15
    };

    private final Domain domain;
    private final PausableTables tables;

    /** vCPUs whose context is just being loaded by a sibling. */
    private final Set<VirtualCpu> loading = ConcurrentHashMap.newKeySet();

    VcpuContext(Domain domain) {
        this.domain = domain;
        this.tables = new PausableTables(domain.pageTypes());
    }

    /**
     * Reads the context once, checks the copy, and leaves the vCPU initialised and offline. A
     * sibling that wants to do the same meanwhile comes too late. Not one after the other under a
     * lock: taking the tables may wait for siblings, and who waits for a lock stands at no poll
     * point.
     *
     * @return 0, a negative error number, or {@link PausableTables#PAUSED} when the caller has to
     *     pause before all tables are taken: nothing has changed then
     */
    long load(VirtualCpu caller, VirtualCpu vcpu, long vaddr) {
        if (vcpu.initialised || !loading.add(vcpu)) {
            return -EEXIST;
        }
        try {
            // Another load may have ended between the two questions above.
            return vcpu.initialised ? -EEXIST : loadAlone(caller, vcpu, vaddr);
        } finally {
            loading.remove(vcpu);
            // What this turn has no time for is left to the next change of tables.
            tables.letGoOfOld(caller);
        }
    }

    private long loadAlone(VirtualCpu caller, VirtualCpu vcpu, long vaddr) {
        byte[] copy = new byte[VcpuGuestContext.SIZE];
        caller.mmu().copyFrom(vaddr, copy, 0, copy.length);
        ByteBuffer in = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        long root = in.getLong(VcpuGuestContext.CTRLREG + 3 * 8) >>> Ram.PAGE_SHIFT;
        long userRoot = in.getLong(VcpuGuestContext.CTRLREG + 8) >>> Ram.PAGE_SHIFT;
        long gdtEntries = in.getLong(VcpuGuestContext.GDT_ENTS);
        if (gdtEntries < 0 || gdtEntries > MAX_GDT_FRAMES * GDT_ENTRIES_PER_FRAME) {
            return -EINVAL;
        }
        long ldtBase = in.getLong(VcpuGuestContext.LDT_BASE);
        long ldtEntries = in.getLong(VcpuGuestContext.LDT_ENTS);
        if (!DescriptorTables.isLdt(ldtBase, ldtEntries) || !areCanonical(in)) {
            return -EINVAL;
        }
        int taken = takeRoots(caller, root, userRoot);
        if (taken != 0) {
            return taken;
        }
        int entries = (int) gdtEntries;
        if (!installGdt(caller, vcpu, gdtFrames(in, entries), entries)) {
            tables.releaseRoot(caller, root);
            if (userRoot != 0) {
                tables.releaseRoot(caller, userRoot);
            }
            return -EINVAL;
        }
        loadRegisters(vcpu, in);
        loadPvState(vcpu, in);
        vcpu.newBasePtr(root);
        vcpu.delivery.resumeCode();
        vcpu.newUserBasePtr(userRoot);
        vcpu.mmu().setRoot(root);
        vcpu.initialised = true;
        return 0;
    }

    /** Takes both, or neither. */
    private int takeRoots(VirtualCpu caller, long root, long userRoot) {
        int result = tables.acquireRoot(caller, root);
        if (result == 0 && userRoot != 0) {
            result = tables.acquireRoot(caller, userRoot);
            if (result == PausableTables.PAUSED) {
                tables.keepRoot(caller, root);
            } else if (result != 0) {
                tables.releaseRoot(caller, root);
            }
        }
        return result == 0 || result == PausableTables.PAUSED ? result : -EINVAL;
    }

    /**
     * Types the new vCPU's descriptor pages. The caller's TLB is the one to keep: waiting for
     * siblings in the name of the vCPU that does not run yet would wait for the caller itself.
     */
    private boolean installGdt(VirtualCpu caller, VirtualCpu vcpu, long[] mfns, int entries) {
        for (int i = 0; i < mfns.length; i++) {
            int type = FrameType.SEGMENT_DESCRIPTORS;
            if (domain.pageTypes().acquire(mfns[i], type, caller.tlb()) != 0) {
                while (--i >= 0) {
                    domain.pageTypes().release(mfns[i], caller.tlb());
                }
                return false;
            }
        }
        vcpu.setGdt(mfns, entries);
        return true;
    }

    private static long[] gdtFrames(ByteBuffer in, int entries) {
        long[] mfns = new long[(entries + GDT_ENTRIES_PER_FRAME - 1) / GDT_ENTRIES_PER_FRAME];
        for (int i = 0; i < mfns.length; i++) {
            mfns[i] = in.getLong(VcpuGuestContext.GDT_FRAMES + 8 * i);
        }
        return mfns;
    }

    private static boolean areCanonical(ByteBuffer in) {
        for (int at : ADDRESSES) {
            if (!Mmu.isCanonical(in.getLong(at))) {
                return false;
            }
        }
        for (int i = 0; i < VECTORS; i++) {
            int at = VcpuGuestContext.TRAP_CTXT + i * TrapInfo.SIZE;
            if (!Mmu.isCanonical(in.getLong(at + TrapInfo.ADDRESS))) {
                return false;
            }
        }
        return true;
    }

    private static void loadRegisters(VirtualCpu vcpu, ByteBuffer in) {
        Cpu cpu = vcpu.cpu();
        int regs = VcpuGuestContext.USER_REGS;
        for (int i = 0; i < REGISTERS.length; i++) {
            cpu.r[i] = in.getLong(regs + REGISTERS[i]);
        }
        cpu.rip = in.getLong(regs + UserRegs.RIP);
        cpu.setRflags(in.getLong(regs + UserRegs.RFLAGS));
        cpu.selectors[Selectors.CS] = in.getShort(regs + UserRegs.CS) & 0xffff | Selectors.RPL;
        cpu.selectors[Selectors.SS] = in.getShort(regs + UserRegs.SS) & 0xffff | Selectors.RPL;
        cpu.selectors[Selectors.DS] = in.getShort(regs + UserRegs.DS) & 0xffff;
        cpu.selectors[Selectors.ES] = in.getShort(regs + UserRegs.ES) & 0xffff;
        cpu.selectors[Selectors.FS] = in.getShort(regs + UserRegs.FS) & 0xffff;
        cpu.selectors[Selectors.GS] = in.getShort(regs + UserRegs.GS) & 0xffff;
        cpu.r[Cpu.FS_BASE] = in.getLong(VcpuGuestContext.FS_BASE);
        cpu.r[Cpu.GS_BASE] = in.getLong(VcpuGuestContext.GS_BASE_KERNEL);
        vcpu.mode.setInactiveGsBase(in.getLong(VcpuGuestContext.GS_BASE_USER));
    }

    private static void loadPvState(VirtualCpu vcpu, ByteBuffer in) {
        for (int i = 0; i < VECTORS; i++) {
            int at = VcpuGuestContext.TRAP_CTXT + i * TrapInfo.SIZE;
            vcpu.traps.set(
                    i,
                    in.get(at + TrapInfo.FLAGS),
                    in.getShort(at + TrapInfo.CS) & 0xffff,
                    in.getLong(at + TrapInfo.ADDRESS));
        }
        int ldtEntries = (int) in.getLong(VcpuGuestContext.LDT_ENTS);
        vcpu.setLdt(ldtEntries == 0 ? 0 : in.getLong(VcpuGuestContext.LDT_BASE), ldtEntries);
        vcpu.entry.kernelSs = in.getLong(VcpuGuestContext.KERNEL_SS) | Selectors.RPL;
        vcpu.entry.kernelSp = in.getLong(VcpuGuestContext.KERNEL_SP);
        vcpu.entry.eventCallback = in.getLong(VcpuGuestContext.EVENT_CALLBACK_EIP);
        vcpu.entry.failsafeCallback = in.getLong(VcpuGuestContext.FAILSAFE_CALLBACK_EIP);
        vcpu.entry.syscallCallback = in.getLong(VcpuGuestContext.SYSCALL_CALLBACK_EIP);
        int flags = (int) in.getLong(VcpuGuestContext.FLAGS);
        vcpu.entry.failsafeMasksEvents =
                (flags & VcpuGuestContext.VGCF_FAILSAFE_DISABLES_EVENTS) != 0;
        vcpu.entry.syscallMasksEvents =
                (flags & VcpuGuestContext.VGCF_SYSCALL_DISABLES_EVENTS) != 0;
        // As in Xen, the I/O privilege of the flags becomes the vCPU's own: its kernel may use
        // ports.
        vcpu.ioPrivilege.setLevelOf(in.getLong(VcpuGuestContext.USER_REGS + UserRegs.RFLAGS));
        vcpu.mode.startIn(true);
        vcpu.info.setUpcallMask(true);
    }
}
