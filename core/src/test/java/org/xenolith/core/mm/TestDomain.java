package org.xenolith.core.mm;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.StoreWatch;

/**
 * A small domain with one address space, loaded by vCPU 0.
 *
 * <pre>
 * 0x0000000  64 writable pages, the first ones for hypercall arguments
 * 0x0064000  the L4, L3, L2 and L1 table, read-only
 * </pre>
 */
public final class TestDomain {
    public static final int DOM_ID = 7;
    public static final long RW = Pte.PRESENT | Pte.WRITABLE | Pte.ACCESSED;
    public static final long RO = Pte.PRESENT | Pte.ACCESSED;
    public static final long TABLE = RW | Pte.USER | Pte.DIRTY;

    /** Page for requests, and where the number of requests done is put. */
    public static final long ARGUMENTS = 0x20000;

    public static final long DONE = 0x21000;
    public static final int TABLES_SLOT = 0x64;

    private static final int PAGES = 64;

    private static final long MAXIMUM_PAGES = 1024;

    /** Of the pool of a domain that has it for itself. */
    static final long POOL_PAGES = TestMemory.poolPages(MAXIMUM_PAGES);

    public final FrameTable frames;
    public final PageTypes types;
    public final MmuUpdate mmuUpdate;
    public final MmuExtOps mmuExtOps;
    public final UpdateVaMapping updateVaMapping;
    public final DescriptorTables descriptors;
    public final MemoryOps memoryOps;
    public final long l4;
    public final long l3;
    public final long l2;
    public final long l1;
    public final long[] pages = new long[PAGES];
    public final Vcpu vcpu;
    private long nextPfn;
    private int nextVcpu;

    public TestDomain() {
        this(TestMemory.freshFrames(MAXIMUM_PAGES));
    }

    public TestDomain(FrameTable frames) {
        this(frames, TableWork.TABLES_PER_HOLD);
    }

    /** One whose larger trees of tables are changed in pieces. */
    TestDomain(int tablesPerHold) {
        this(TestMemory.freshFrames(MAXIMUM_PAGES), tablesPerHold);
    }

    TestDomain(FrameTable frames, int tablesPerHold) {
        this.frames = frames;
        types = new PageTypes(frames, tablesPerHold);
        mmuUpdate = new MmuUpdate(DOM_ID, types);
        mmuExtOps = new MmuExtOps(DOM_ID, types);
        updateVaMapping = new UpdateVaMapping(types);
        descriptors = new DescriptorTables(types);
        memoryOps = new MemoryOps(DOM_ID, frames);
        l4 = page();
        l3 = page();
        l2 = page();
        l1 = page();
        set(l4, 0, entry(l3, TABLE));
        set(l3, 0, entry(l2, TABLE));
        set(l2, 0, entry(l1, TABLE));
        for (int i = 0; i < PAGES; i++) {
            pages[i] = page();
            set(l1, i, entry(pages[i], RW));
        }
        long[] tables = {l4, l3, l2, l1};
        for (int i = 0; i < tables.length; i++) {
            set(l1, TABLES_SLOT + i, entry(tables[i], RO));
        }
        pin(l4, FrameType.L4_TABLE);
        vcpu = addVcpu();
    }

    /** Another vCPU in the same address space, not running. */
    public Vcpu addVcpu() {
        checkDone(types.acquire(l4, FrameType.L4_TABLE, TlbShootdown.NONE));
        return new Vcpu(nextVcpu++, l4);
    }

    /** A new frame of guest RAM. */
    public long page() {
        long mfn = frames.reservation().populate(nextPfn++);
        checkDone(mfn == MachineMemory.NO_FRAME ? -1 : 0);
        return mfn;
    }

    /** Makes a frame a page table; the caller knows that it can be one. */
    public void pin(long mfn, int level) {
        checkDone(types.pinTable(mfn, level, TlbShootdown.NONE));
    }

    // The benchmarks run on this domain too, and know no assertion library.
    private static void checkDone(int result) {
        if (result != 0) {
            throw new IllegalStateException("error " + result + " while the domain was built");
        }
    }

    public static long entry(long mfn, long flags) {
        return mfn << Ram.PAGE_SHIFT | flags;
    }

    /** Writes an entry behind the hypervisor's back: into frames that are no tables yet. */
    public void set(long tableMfn, int slot, long entry) {
        Ram.putLong(frames.ownFrame(tableMfn) + slot * 8L, entry);
    }

    public long get(long tableMfn, int slot) {
        return Ram.getLong(frames.frame(tableMfn) + slot * 8L);
    }

    /** One mmu_update of an entry, by vCPU 0. */
    public long update(long tableMfn, int slot, long entry) {
        return request((tableMfn << Ram.PAGE_SHIFT) + slot * 8L, entry);
    }

    public long request(long ptr, long value) {
        return request(vcpu, ptr, value);
    }

    public long request(Vcpu caller, long ptr, long value) {
        putRequest(caller, 0, ptr, value);
        long result = mmuUpdate.handle(caller, ARGUMENTS, 1, 0, DomId.SELF);
        while (caller.again != null) {
            long[] left = caller.comeBack();
            putRequest(caller, 0, ptr, value);
            result = mmuUpdate.handle(caller, left[0], left[1], left[2], left[3]);
        }
        return result;
    }

    public void putRequest(int index, long ptr, long value) {
        putRequest(vcpu, index, ptr, value);
    }

    private static void putRequest(Vcpu caller, int index, long ptr, long value) {
        caller.mmu().write64(ARGUMENTS + index * MmuCommand.SIZE, ptr);
        caller.mmu().write64(ARGUMENTS + index * MmuCommand.SIZE + 8, value);
    }

    public long extOp(int command, long arg1, long arg2) {
        return extOp(vcpu, command, arg1, arg2);
    }

    public long extOp(Vcpu caller, int command, long arg1, long arg2) {
        putExtOp(caller, command, arg1, arg2);
        long result = mmuExtOps.handle(caller, ARGUMENTS, 1, 0, DomId.SELF);
        while (caller.again != null) {
            long[] left = caller.comeBack();
            putExtOp(caller, command, arg1, arg2);
            result = mmuExtOps.handle(caller, left[0], left[1], left[2], left[3]);
        }
        return result;
    }

    /** Where {@link #extOp} has its operation. */
    public static void putExtOp(Vcpu caller, int command, long arg1, long arg2) {
        caller.mmu().write32(ARGUMENTS + MmuExtOp.CMD, command);
        caller.mmu().write64(ARGUMENTS + MmuExtOp.ARG1, arg1);
        caller.mmu().write64(ARGUMENTS + MmuExtOp.ARG2, arg2);
    }

    /** A vCPU that executes nothing but hypercalls. */
    public final class Vcpu implements GuestContext {
        private final int id;
        private final Mmu mmu;
        private final VcpuTlbs.VcpuTlb tlb;
        private long userBasePtr;
        private long[] gdt = {};
        public int gdtEntries;

        private volatile boolean kicked;

        /** Whether hypercalls stop after each piece of work, and what they then ask for. */
        public boolean pausing;

        public long[] again;

        /** Runs before a hypercall of {@link #extOp} or {@link #request} that paused goes on. */
        public Runnable whilePaused = () -> {};

        /** Runs between two pieces of a hypercall. */
        public Runnable betweenPieces = () -> {};

        public long ldtVaddr;
        public int ldtEntries;

        private Vcpu(int id, long root) {
            this.id = id;
            VcpuMemory memory = new VcpuMemory(types);
            mmu = new Mmu(memory, StoreWatch.NONE);
            tlb = frames.tlbs().register(id, mmu, () -> kicked = true);
            memory.attach(tlb);
            mmu.setRoot(root);
        }

        /** Whether a sibling has asked it to come to a poll point. */
        public boolean isKicked() {
            return kicked;
        }

        /**
         * Returns when a sibling's thread waits for this vCPU to come to a poll point.
         *
         * @return false when the thread has ended and does not wait
         */
        public boolean isAwaitedBy(Thread sibling) throws InterruptedException {
            while (!kicked && sibling.isAlive()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("waited for what does not come");
                }
                Thread.onSpinWait();
            }
            return sibling.isAlive();
        }

        @Override
        public int vcpuId() {
            return id;
        }

        @Override
        public Mmu mmu() {
            return mmu;
        }

        @Override
        public VcpuTlbs.VcpuTlb tlb() {
            return tlb;
        }

        @Override
        public long basePtr() {
            return mmu.root();
        }

        @Override
        public void newBasePtr(long mfn) {
            mmu.mailbox().drain();
            mmu.setRoot(mfn);
        }

        @Override
        public long userBasePtr() {
            return userBasePtr;
        }

        @Override
        public void newUserBasePtr(long mfn) {
            userBasePtr = mfn;
        }

        @Override
        public void setLdt(long vaddr, int entries) {
            ldtVaddr = vaddr;
            ldtEntries = entries;
        }

        @Override
        public long[] gdtMfns() {
            return gdt;
        }

        @Override
        public void setGdt(long[] mfns, int entries) {
            gdt = mfns;
            gdtEntries = entries;
        }

        private long[] comeBack() {
            long[] left = again;
            again = null;
            whilePaused.run();
            return left;
        }

        @Override
        public boolean mustPause() {
            betweenPieces.run();
            return pausing;
        }

        @Override
        public long again(long a1, long a2, long a3, long a4) {
            again = new long[] {a1, a2, a3, a4};
            return 0;
        }
    }
}
