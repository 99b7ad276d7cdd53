package org.xenolith.core.build;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.build.InitialLayout.Table;
import org.xenolith.core.image.ElfImage;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;

/** Fills an empty domain's memory so that its first vCPU can start. */
public final class DomainBuilder {
    /** Of entries that refer to tables, and of those that map pages: what Xen's builder sets. */
    private static final long TABLE_FLAGS =
            Pte.PRESENT | Pte.WRITABLE | Pte.USER | Pte.ACCESSED | Pte.DIRTY;

    private static final long PAGE_FLAGS = Pte.PRESENT | Pte.WRITABLE | Pte.ACCESSED;

    private final PageTypes types;
    private final FrameTable frames;
    private final BuildRequest request;
    private final InitialLayout layout;

    /** MFN by PFN. */
    private final long[] p2m;

    private DomainBuilder(PageTypes types, BuildRequest request, InitialLayout layout) {
        this.types = types;
        this.frames = types.frames();
        this.request = request;
        this.layout = layout;
        this.p2m = new long[Math.toIntExact(request.pages())];
    }

    /**
     * Builds a domain. After a failure its frame table is good for nothing but to be released.
     *
     * @throws BuildFailed when kernel, initrd or command line do not fit
     */
    public static BuiltDomain build(PageTypes types, BuildRequest request) throws BuildFailed {
        if (!StartInfo.fits(request.commandLine())) {
            throw new BuildFailed(
                    "The kernel command line is longer than the %d bytes that a guest can be given"
                            .formatted(StartInfo.CMD_LINE_BYTES - 1));
        }
        long maximumPages = types.frames().reservation().maximumPages();
        if (request.pages() > maximumPages) {
            throw new BuildFailed(
                    "A domain of %d MiB cannot start with %d MiB"
                            .formatted(maximumPages >> 8, request.pages() >> 8));
        }
        InitialLayout layout =
                InitialLayout.plan(
                        request.kernel(),
                        request.notes(),
                        request.initrd().length,
                        request.pages());
        return new DomainBuilder(types, request, layout).build();
    }

    private BuiltDomain build() throws BuildFailed {
        populate();
        for (ElfImage.Segment segment : request.kernel().loadSegments()) {
            MemorySegment contents = request.kernel().contents(segment);
            copyIn(segment.paddr() - request.notes().paddrOffset(), contents);
        }
        copyIn(layout.initrdPfn() << Ram.PAGE_SHIFT, MemorySegment.ofArray(request.initrd()));
        writeHypercallPage();
        writeP2mList();
        writeTables();
        long sharedInfoMfn = addSharedInfo();
        writeStartInfo(sharedInfoMfn);
        long cr3Mfn = loadTables();
        return new BuiltDomain(
                request.notes().entry().orElse(request.kernel().entry()),
                vaddr(layout.bootStackPfn() + 1),
                vaddr(layout.startInfoPfn()),
                cr3Mfn,
                p2m[(int) layout.startInfoPfn()],
                p2m[(int) layout.storePfn()],
                p2m[(int) layout.consolePfn()],
                sharedInfoMfn,
                layout);
    }

    private void populate() throws BuildFailed {
        for (int pfn = 0; pfn < p2m.length; pfn++) {
            p2m[pfn] = frames.reservation().populate(pfn);
            if (p2m[pfn] == NO_FRAME) {
                throw new BuildFailed(
                        "The host memory set aside for guests has no %d MiB left"
                                .formatted(p2m.length >> 8));
            }
        }
    }

    private long vaddr(long pfn) {
        return layout.virtBase() + (pfn << Ram.PAGE_SHIFT);
    }

    private long host(long pfn) {
        return frames.ownFrame(p2m[(int) pfn]);
    }

    /** Copies to guest-physical memory, frame by frame: the host's frames need not lie together. */
    private void copyIn(long physical, MemorySegment from) {
        long done = 0;
        while (done < from.byteSize()) {
            long at = physical + done;
            long offset = at & Ram.PAGE_OFFSET;
            long length = Math.min(from.byteSize() - done, Ram.PAGE_SIZE - offset);
            MemorySegment.copy(
                    from, done, Ram.SEGMENT, host(at >>> Ram.PAGE_SHIFT) + offset, length);
            done += length;
        }
    }

    private void writeHypercallPage() throws BuildFailed {
        if (request.notes().hypercallPage().isEmpty()) {
            return;
        }
        long vaddr = request.notes().hypercallPage().getAsLong();
        long physical = vaddr - layout.virtBase();
        if ((physical & Ram.PAGE_OFFSET) != 0
                || Long.compareUnsigned(physical >>> Ram.PAGE_SHIFT, layout.startInfoPfn()) >= 0) {
            throw new BuildFailed(
                    "The kernel wants its hypercall page at %#x, which is no page of it"
                            .formatted(vaddr));
        }
        copyIn(physical, MemorySegment.ofArray(HypercallPage.bytes()));
    }

    private void writeP2mList() {
        for (int pfn = 0; pfn < p2m.length; pfn++) {
            long at = (long) pfn * Long.BYTES;
            Ram.putLong(
                    host(layout.p2mPfn() + (at >>> Ram.PAGE_SHIFT)) + (at & Ram.PAGE_OFFSET),
                    p2m[pfn]);
        }
    }

    private void writeTables() {
        Set<Long> tablePfns = new HashSet<>();
        layout.tables().forEach(table -> tablePfns.add(table.pfn()));
        for (Table table : layout.tables()) {
            if (table.level() < 4) {
                setEntry(table.level() + 1, table.vaddr(), table.pfn(), TABLE_FLAGS);
            }
        }
        for (long pfn = 0; pfn < layout.mappedPages(); pfn++) {
            boolean isTable = tablePfns.contains(pfn);
            setEntry(1, vaddr(pfn), pfn, isTable ? PAGE_FLAGS & ~Pte.WRITABLE : PAGE_FLAGS);
        }
        if (layout.p2mFrames() > layout.p2mListPages()) {
            for (long page = 0; page < layout.p2mListPages(); page++) {
                long vaddr = layout.p2mVaddr() + (page << Ram.PAGE_SHIFT);
                setEntry(1, vaddr, layout.p2mPfn() + page, PAGE_FLAGS);
            }
        }
    }

    private Table lastFound;

    private void setEntry(int level, long vaddr, long pfn, long flags) {
        if (lastFound == null || lastFound.level() != level || !lastFound.covers(vaddr)) {
            lastFound = find(level, vaddr);
        }
        Ram.putLong(
                host(lastFound.pfn()) + InitialLayout.slot(lastFound, vaddr) * 8L,
                p2m[(int) pfn] << Ram.PAGE_SHIFT | flags);
    }

    private Table find(int level, long vaddr) {
        for (Table table : layout.tables()) {
            if (table.level() == level && table.covers(vaddr)) {
                return table;
            }
        }
        throw new IllegalStateException("no L%d table for %#x was planned".formatted(level, vaddr));
    }

    /** The page shared with the guest: zero, and events masked on every vCPU. */
    private long addSharedInfo() throws BuildFailed {
        long mfn;
        try {
            mfn = frames.xenFrames().add();
        } catch (FrameTable.OutOfMemory e) {
            throw new BuildFailed(e.getMessage(), e);
        }
        for (int vcpu = 0; vcpu < SharedInfo.LEGACY_MAX_VCPUS; vcpu++) {
            long info = frames.ownFrame(mfn) + SharedInfo.VCPU_INFO + (long) vcpu * VcpuInfo.SIZE;
            Ram.putByte(info + VcpuInfo.EVTCHN_UPCALL_MASK, 1);
        }
        return mfn;
    }

    private void writeStartInfo(long sharedInfoMfn) {
        boolean hasInitrd = request.initrd().length > 0;
        boolean initrdByPfn = hasInitrd && !layout.initrdMapped();
        long modStart = initrdByPfn ? layout.initrdPfn() : vaddr(layout.initrdPfn());
        new StartInfo(
                        request.pages(),
                        sharedInfoMfn << Ram.PAGE_SHIFT,
                        StartInfo.SIF_VIRT_P2M_4TOOLS
                                | (initrdByPfn ? StartInfo.SIF_MOD_START_PFN : 0),
                        p2m[(int) layout.storePfn()],
                        request.storePort(),
                        p2m[(int) layout.consolePfn()],
                        request.consolePort(),
                        vaddr(layout.tables().getFirst().pfn()),
                        layout.bootTables(),
                        layout.p2mVaddr(),
                        hasInitrd ? modStart : 0,
                        request.initrd().length,
                        request.commandLine(),
                        layout.p2mPfn(),
                        layout.p2mFrames())
                .writeTo(Ram.SEGMENT, host(layout.startInfoPfn()));
    }

    /**
     * Pins the L4 table, which checks all that was written, and takes the reference of vCPU 0's
     * CR3.
     */
    private long loadTables() {
        long mfn = p2m[(int) layout.tables().getFirst().pfn()];
        int result = types.pinTable(mfn, FrameType.L4_TABLE, TlbShootdown.NONE);
        if (result == 0) {
            result = types.acquire(mfn, FrameType.L4_TABLE, TlbShootdown.NONE);
        }
        if (result != 0) {
            throw new IllegalStateException("the first page tables are refused with " + result);
        }
        return mfn;
    }
}
