package org.xenolith.core.grant;

import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_COPY_ARG;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_DOMAIN;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_GNTREF;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_HANDLE;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_PAGE;
import static org.xenolith.core.abi.GrantCommand.GNTST_BAD_VIRT_ADDR;
import static org.xenolith.core.abi.GrantCommand.GNTST_GENERAL_ERROR;
import static org.xenolith.core.abi.GrantCommand.GNTST_NO_SPACE;
import static org.xenolith.core.abi.GrantCommand.GNTST_OKAY;
import static org.xenolith.core.abi.GrantCommand.GNTST_PERMISSION_DENIED;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EOPNOTSUPP;
import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.GrantCommand;
import org.xenolith.core.abi.GrantCommand.Copy;
import org.xenolith.core.abi.GrantCommand.GetVersion;
import org.xenolith.core.abi.GrantCommand.QuerySize;
import org.xenolith.core.abi.GrantCommand.SetupTable;
import org.xenolith.core.abi.GrantCommand.Unmap;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.GrantedMappings;
import org.xenolith.core.mm.GuestContext;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/** Hypercall grant_table_op of one domain. public/grant_table.h, {@code GNTTABOP_*}, version 1. */
public final class GrantTableOps {
    /** Grants of others that a domain may have mapped at a time. */
    private static final int MAX_MAPPINGS = 16384;

    private final int domId;
    private final PageTypes types;
    private final GrantedMappings granted;
    private final GrantTable own;
    private final IntFunction<GrantTable> tables;

    /** What this domain has mapped, by handle. Guarded by this object. */
    private final Map<Integer, Mapping> mappings = new HashMap<>();

    private int nextHandle;

    /** A grant of another domain, seen at an MFN of our window. */
    private record Mapping(
            int granterId,
            GrantTable granter,
            int ref,
            boolean write,
            long mfn,
            long hostAddr,
            int flags) {}

    /**
     * A grant of another domain that this one has mapped.
     *
     * @param granter the other domain's id
     * @param mfn under which this domain sees the frame
     */
    public record Mapped(int handle, int granter, int ref, long mfn, boolean write) {}

    /** All that is mapped now, by handle. */
    public synchronized List<Mapped> mapped() {
        return mappings.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(
                        entry -> {
                            Mapping of = entry.getValue();
                            return new Mapped(
                                    entry.getKey(), of.granterId, of.ref, of.mfn, of.write);
                        })
                .toList();
    }

    /**
     * @param tables grant table of a domain by its id, null when there is none
     */
    public GrantTableOps(
            int domId, PageTypes types, GrantTable own, IntFunction<GrantTable> tables) {
        this.domId = domId;
        this.types = types;
        this.granted = new GrantedMappings(types);
        this.own = own;
        this.tables = tables;
    }

    /**
     * @param argument linear address of {@code count} records, each of which gets a status of its
     *     own
     */
    public long handle(GuestContext vcpu, long command, long argument, long count) {
        int records = (int) count;
        if (records < 0) {
            return -EINVAL;
        }
        try {
            return switch ((int) command & GrantCommand.CMD_MASK) {
                case GrantCommand.MAP_GRANT_REF ->
                        each(vcpu, command, argument, records, GrantCommand.Map.SIZE, this::map);
                case GrantCommand.UNMAP_GRANT_REF ->
                        each(vcpu, command, argument, records, Unmap.SIZE, this::unmap);
                case GrantCommand.SETUP_TABLE ->
                        records == 1 ? setupTable(vcpu.mmu(), argument) : -EINVAL;
                case GrantCommand.COPY ->
                        each(vcpu, command, argument, records, Copy.SIZE, this::copy);
                case GrantCommand.QUERY_SIZE ->
                        records == 1 ? querySize(vcpu.mmu(), argument) : -EINVAL;
                case GrantCommand.SET_VERSION -> setVersion(vcpu.mmu(), argument);
                case GrantCommand.GET_VERSION -> getVersion(vcpu.mmu(), argument);
                case GrantCommand.CACHE_FLUSH -> -EOPNOTSUPP;
                default -> -ENOSYS;
            };
        } catch (GuestFault fault) {
            return -EFAULT;
        }
    }

    @FunctionalInterface
    private interface Operation {
        void perform(GuestContext vcpu, long record);
    }

    private static long each(
            GuestContext vcpu,
            long command,
            long argument,
            int records,
            int size,
            Operation operation) {
        for (int i = 0; i < records; i++) {
            if (i > 0 && vcpu.mustPause()) {
                return vcpu.again(command, argument + (long) i * size, records - i, 0);
            }
            operation.perform(vcpu, argument + (long) i * size);
        }
        return 0;
    }

    private boolean isSelf(int named) {
        return named == DomId.SELF || named == domId;
    }

    private int resolve(int named) {
        return named == DomId.SELF ? domId : named;
    }

    // ---- the table ----

    private long setupTable(Mmu mmu, long record) {
        int wanted = mmu.read32(record + SetupTable.NR_FRAMES);
        long list = mmu.read64(record + SetupTable.FRAME_LIST);
        int status =
                isSelf(mmu.read16(record + SetupTable.DOM))
                        ? own.grow(wanted)
                        : GNTST_PERMISSION_DENIED;
        for (int i = 0; status == GNTST_OKAY && i < wanted; i++) {
            mmu.write64(list + i * 8L, own.frameMfn(i));
        }
        mmu.write16(record + SetupTable.STATUS, status);
        return 0;
    }

    private long querySize(Mmu mmu, long record) {
        if (isSelf(mmu.read16(record + QuerySize.DOM))) {
            mmu.write32(record + QuerySize.NR_FRAMES, own.frameCount());
            mmu.write32(record + QuerySize.MAX_NR_FRAMES, GrantTable.MAX_FRAMES);
            mmu.write16(record + QuerySize.STATUS, GNTST_OKAY);
        } else {
            mmu.write16(record + QuerySize.STATUS, GNTST_PERMISSION_DENIED);
        }
        return 0;
    }

    private static long setVersion(Mmu mmu, long record) {
        return switch (mmu.read32(record)) {
            case 1 -> 0;
            case 2 -> -ENOSYS;
            default -> -EINVAL;
        };
    }

    private long getVersion(Mmu mmu, long record) {
        if (!isSelf(mmu.read16(record + GetVersion.DOM))) {
            return -EINVAL;
        }
        mmu.write32(record + GetVersion.VERSION, 1);
        return 0;
    }

    // ---- copy ----

    private void copy(GuestContext vcpu, long record) {
        Mmu mmu = vcpu.mmu();
        int flags = mmu.read16(record + Copy.FLAGS);
        int length = mmu.read16(record + Copy.LEN);
        Side source = readSide(mmu, record + Copy.SOURCE, (flags & Copy.SOURCE_GREF) != 0, false);
        Side dest = readSide(mmu, record + Copy.DEST, (flags & Copy.DEST_GREF) != 0, true);
        int status = copy(vcpu, source, dest, length);
        mmu.write16(record + Copy.STATUS, status);
    }

    /**
     * @param granter table of the domain that is named by a reference; null when there is none
     */
    private record Side(
            boolean byRef,
            long refOrMfn,
            int domId,
            GrantTable granter,
            int offset,
            boolean write) {
        boolean holds(int length) {
            return offset + length <= Ram.PAGE_SIZE;
        }
    }

    private Side readSide(Mmu mmu, long at, boolean byRef, boolean write) {
        long refOrMfn =
                byRef
                        ? mmu.read32(at + Copy.REF_OR_GMFN) & 0xffff_ffffL
                        : mmu.read64(at + Copy.REF_OR_GMFN);
        int named = resolve(mmu.read16(at + Copy.DOMID));
        return new Side(
                byRef,
                refOrMfn,
                named,
                byRef ? tables.apply(named) : null,
                mmu.read16(at + Copy.OFFSET),
                write);
    }

    private int copy(GuestContext vcpu, Side source, Side dest, int length) {
        if (!source.holds(length) || !dest.holds(length)) {
            return GNTST_BAD_COPY_ARG;
        }
        int status = hold(vcpu, source);
        if (status != GNTST_OKAY) {
            return status;
        }
        status = hold(vcpu, dest);
        if (status == GNTST_OKAY) {
            long to = host(vcpu, dest) + dest.offset;
            Ram.copy(host(vcpu, source) + source.offset, to, length);
            vcpu.mmu().noteStore(to, length);
            letGo(vcpu, dest);
        }
        letGo(vcpu, source);
        return status;
    }

    private int hold(GuestContext vcpu, Side side) {
        if (side.byRef) {
            return side.granter == null
                    ? withoutTable(side.domId)
                    : side.granter.begin(domId, (int) side.refOrMfn, side.write);
        }
        if (side.domId != domId) {
            return GNTST_PERMISSION_DENIED;
        }
        int type = side.write ? FrameType.WRITABLE : FrameType.NONE;
        return types.acquire(side.refOrMfn, type, vcpu.tlb()) == 0 ? GNTST_OKAY : GNTST_BAD_PAGE;
    }

    /** The backends' domain is there, and has granted nothing. */
    private static int withoutTable(int domId) {
        return domId == DomId.BACKENDS ? GNTST_GENERAL_ERROR : GNTST_BAD_DOMAIN;
    }

    private long host(GuestContext vcpu, Side side) {
        if (side.byRef) {
            return side.granter.hostBase((int) side.refOrMfn);
        }
        return side.write
                ? types.frames().writableFrame(side.refOrMfn, vcpu.tlb())
                : types.frames().frame(side.refOrMfn);
    }

    private void letGo(GuestContext vcpu, Side side) {
        if (side.byRef) {
            side.granter.end((int) side.refOrMfn, side.write);
        } else if (side.write) {
            types.release(side.refOrMfn, vcpu.tlb());
        } else {
            types.releaseReference(side.refOrMfn, vcpu.tlb());
        }
    }

    // ---- map and unmap ----

    private void map(GuestContext vcpu, long record) {
        Mmu mmu = vcpu.mmu();
        long hostAddr = mmu.read64(record + GrantCommand.Map.HOST_ADDR);
        int flags = mmu.read32(record + GrantCommand.Map.FLAGS);
        int ref = mmu.read32(record + GrantCommand.Map.REF);
        int granterId = resolve(mmu.read16(record + GrantCommand.Map.DOM));
        GrantTable granter = tables.apply(granterId);
        int status =
                granter == null
                        ? withoutTable(granterId)
                        : map(vcpu, record, granterId, granter, ref, hostAddr, flags);
        mmu.write16(record + GrantCommand.Map.STATUS, status);
    }

    private synchronized int map(
            GuestContext vcpu,
            long record,
            int granterId,
            GrantTable granter,
            int ref,
            long hostAddr,
            int flags) {
        boolean write = (flags & GrantCommand.Map.GNTMAP_READONLY) == 0;
        // Device mappings need an IOMMU; only what the guest can reach through its tables is done.
        if ((flags & GrantCommand.Map.GNTMAP_HOST_MAP) == 0) {
            return GNTST_BAD_GNTREF;
        }
        if (mappings.size() == MAX_MAPPINGS) {
            return GNTST_NO_SPACE;
        }
        int status = granter.begin(domId, ref, write);
        if (status != GNTST_OKAY) {
            return status;
        }
        long mfn = types.frames().grantWindow().add(granter.hostBase(ref), !write);
        if (mfn == NO_FRAME) {
            granter.end(ref, write);
            return GNTST_NO_SPACE;
        }
        if (!granted.map(entryAddress(vcpu, hostAddr, flags), mfn, write, vcpu.tlb())) {
            types.frames().grantWindow().remove(mfn, vcpu.tlb());
            granter.end(ref, write);
            return GNTST_BAD_VIRT_ADDR;
        }
        // It comes round after 2^32 mappings, and some may be as old as that.
        while (mappings.containsKey(nextHandle)) {
            nextHandle++;
        }
        int handle = nextHandle++;
        mappings.put(handle, new Mapping(granterId, granter, ref, write, mfn, hostAddr, flags));
        vcpu.mmu().write32(record + GrantCommand.Map.HANDLE, handle);
        vcpu.mmu().write64(record + GrantCommand.Map.DEV_BUS_ADDR, mfn << Ram.PAGE_SHIFT);
        return GNTST_OKAY;
    }

    /**
     * Machine address of the entry to set: given, or that of a linear address; 0 when there is
     * none.
     */
    private static long entryAddress(GuestContext vcpu, long hostAddr, int flags) {
        return (flags & GrantCommand.Map.GNTMAP_CONTAINS_PTE) != 0
                ? hostAddr
                : vcpu.mmu().pteMachineAddress(hostAddr);
    }

    private void unmap(GuestContext vcpu, long record) {
        Mmu mmu = vcpu.mmu();
        long hostAddr = mmu.read64(record + Unmap.HOST_ADDR);
        int handle = mmu.read32(record + Unmap.HANDLE);
        mmu.write16(record + Unmap.STATUS, unmap(vcpu, handle, hostAddr));
    }

    /** Ends all mappings of a mapper that is dead; its own frame table drops their frames. */
    public synchronized void close() {
        for (Mapping mapping : mappings.values()) {
            mapping.granter.end(mapping.ref, mapping.write);
        }
        mappings.clear();
    }

    private int unmap(GuestContext vcpu, int handle, long hostAddr) {
        Mapping mapping;
        synchronized (this) {
            mapping = mappings.get(handle);
            if (mapping == null) {
                return GNTST_BAD_HANDLE;
            }
            if (hostAddr != 0 && hostAddr != mapping.hostAddr) {
                return GNTST_BAD_VIRT_ADDR;
            }
            long entry = entryAddress(vcpu, mapping.hostAddr, mapping.flags);
            if (!granted.unmap(entry, mapping.mfn, vcpu.tlb())) {
                return GNTST_GENERAL_ERROR;
            }
            mappings.remove(handle);
        }
        // Siblings may hold the frame in their TLBs, or be about to look its number up: the frame
        // is the granter's again, and the number another grant's, only when none does. Outside the
        // monitor: a sibling that waits for it stands at no poll point.
        vcpu.tlb().awaitSettled(vcpu.tlb().stamp());
        types.frames().grantWindow().remove(mapping.mfn, vcpu.tlb());
        mapping.granter.end(mapping.ref, mapping.write);
        return GNTST_OKAY;
    }
}
