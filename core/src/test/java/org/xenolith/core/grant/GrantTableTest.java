package org.xenolith.core.grant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.GrantCommand;
import org.xenolith.core.abi.GrantCommand.Copy;
import org.xenolith.core.abi.GrantCommand.QuerySize;
import org.xenolith.core.abi.GrantCommand.SetupTable;
import org.xenolith.core.abi.GrantCommand.Unmap;
import org.xenolith.core.abi.GrantEntry;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

class GrantTableTest {
    private static final int BACKEND = 0;
    private static final int MAPPER_ID = 9;
    private static final long LIST = 0x3000;
    private static final int REF = 100;
    private static final long POOL_BYTES = 32 << 20;

    private final FramePool pool = TestMemory.freshPool(POOL_BYTES);
    private final TestDomain domain = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final List<Long> written = new ArrayList<>();
    private final GrantTable table = new GrantTable(domain.types, written::add);
    private final Map<Integer, GrantTable> tables = new HashMap<>();
    private final GrantTableOps ops =
            new GrantTableOps(TestDomain.DOM_ID, domain.types, table, tables::get);
    private final Mmu mmu = domain.vcpu.mmu();

    GrantTableTest() throws FrameTable.OutOfMemory {
        tables.put(TestDomain.DOM_ID, table);
        domain.frames.xenFrames().add(); // the shared page
        table.grow(1);
    }

    private long entryHost(int ref) {
        return domain.frames.frame(table.frameMfn(0)) + ref * 8L;
    }

    private long host(long mfn) {
        return domain.frames.frame(mfn);
    }

    private void grant(int ref, int grantee, int flags, long mfn) {
        Ram.putInt(entryHost(ref) + GrantEntry.FRAME, (int) mfn);
        Ram.putInt(entryHost(ref), grantee << 16 | flags);
    }

    private int flags(int ref) {
        return Ram.getInt(entryHost(ref)) & 0xffff;
    }

    @Test
    void backendReadsAndWritesAGrantedFrame() {
        grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        mmu.write64(9 << 12, 0x1122334455667788L);
        try (GrantAccess access = table.access(BACKEND, REF, true)) {
            byte[] bytes = new byte[2];
            access.read(6, bytes, 0, 2);
            assertThat(bytes).containsExactly(0x22, 0x11);
            access.write(0, new byte[] {1}, 0, 1);
            assertThat(flags(REF))
                    .isEqualTo(
                            GrantEntry.GTF_PERMIT_ACCESS
                                    | GrantEntry.GTF_READING
                                    | GrantEntry.GTF_WRITING);
        }
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        assertThat(mmu.read64(9 << 12)).isEqualTo(0x1122334455667701L);
        assertThat(written).containsExactly(domain.frames.frame(domain.pages[9]));
        assertThat(domain.frames.references(domain.pages[9])).isEqualTo(2);
    }

    @Test
    void accessLeavesTheFrameNowhere() {
        grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        GrantAccess access = table.access(BACKEND, REF, true);
        byte[] bytes = new byte[16];
        for (int at : new int[] {-1, 4081, 4096, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> access.read(at, bytes, 0, 16))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> access.write(at, bytes, 0, 16))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        access.close();
        assertThatThrownBy(() -> access.read(0, bytes, 0, 1))
                .isInstanceOf(IllegalStateException.class);
        access.close();
    }

    @Test
    void grantIsOnlyGoodForWhatItSays() {
        grant(
                REF,
                BACKEND,
                GrantEntry.GTF_PERMIT_ACCESS | GrantEntry.GTF_READONLY,
                domain.pages[9]);
        assertThat(table.access(BACKEND, REF, true)).as("read-only").isNull();
        assertThat(table.access(3, REF, false)).as("granted to another").isNull();
        assertThat(table.access(BACKEND, REF + 1, false)).as("not granted").isNull();
        assertThat(table.access(BACKEND, -1, false)).isNull();
        assertThat(table.access(BACKEND, 512, false)).as("beyond the table").isNull();
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS | GrantEntry.GTF_READONLY);
        GrantAccess access = table.access(BACKEND, REF, false);
        assertThatThrownBy(() -> access.write(0, new byte[1], 0, 1))
                .isInstanceOf(IllegalStateException.class);
        assertThat(access.memory().isReadOnly()).isTrue();
        access.close();
    }

    @Test
    void onlyOwnFramesCanBeGrantedAndTablesNotForWriting() {
        grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, domain.l1);
        assertThat(table.access(BACKEND, REF, true)).isNull();
        assertThat(flags(REF)).as("marks taken back").isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        for (long mfn : new long[] {5, FrameTable.M2P_BASE, 0xffff_ffffL}) {
            grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, mfn);
            assertThat(table.access(BACKEND, REF, false)).isNull();
        }
    }

    @Test
    void frameInUseStaysWhateverTheGuestDoesMeanwhile() {
        grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        GrantAccess first = table.access(BACKEND, REF, true);
        GrantAccess second = table.access(BACKEND, REF, false);
        grant(REF, BACKEND, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[10]);
        assertThat(domain.update(domain.l1, 9, 0)).isZero();
        assertThat(domain.extOp(0, domain.pages[9], 0)).as("no page table now").isEqualTo(-EINVAL);
        first.write(0, new byte[] {42}, 0, 1);
        first.close();
        byte[] bytes = new byte[1];
        second.read(0, bytes, 0, 1);
        assertThat(bytes[0]).isEqualTo((byte) 42);
        second.close();
        assertThat(table.isInUse(REF)).isFalse();
        assertThat(domain.frames.references(domain.pages[9])).isEqualTo(1);
    }

    @Test
    void guestSetsItsTableUpAndMapsIt() {
        mmu.write16(ARGUMENTS + SetupTable.DOM, DomId.SELF);
        mmu.write32(ARGUMENTS + SetupTable.NR_FRAMES, 3);
        mmu.write64(ARGUMENTS + SetupTable.FRAME_LIST, LIST);
        assertThat(ops.handle(domain.vcpu, GrantCommand.SETUP_TABLE, ARGUMENTS, 1)).isZero();
        assertThat(mmu.read16(ARGUMENTS + SetupTable.STATUS)).isZero();
        long mfn = mmu.read64(LIST + 16);
        assertThat(mfn).isEqualTo(table.frameMfn(2));
        assertThat(domain.update(domain.l1, 200, entry(mfn, RW))).isZero();
        mmu.write64(200L << 12, 1);
        mmu.write16(ARGUMENTS + QuerySize.DOM, DomId.SELF);
        assertThat(ops.handle(domain.vcpu, GrantCommand.QUERY_SIZE, ARGUMENTS, 1)).isZero();
        assertThat(mmu.read32(ARGUMENTS + QuerySize.NR_FRAMES)).isEqualTo(3);
        assertThat(mmu.read32(ARGUMENTS + QuerySize.MAX_NR_FRAMES)).isEqualTo(64);
    }

    @Test
    void tableBeyondTheMaximumOrOfAnotherDomainIsRefused() {
        mmu.write64(ARGUMENTS + SetupTable.FRAME_LIST, LIST);
        mmu.write16(ARGUMENTS + SetupTable.DOM, DomId.SELF);
        for (int frames : new int[] {65, -1, Integer.MAX_VALUE}) {
            mmu.write32(ARGUMENTS + SetupTable.NR_FRAMES, frames);
            assertThat(ops.handle(domain.vcpu, GrantCommand.SETUP_TABLE, ARGUMENTS, 1)).isZero();
            assertThat((short) mmu.read16(ARGUMENTS + SetupTable.STATUS)).isEqualTo((short) -1);
        }
        mmu.write16(ARGUMENTS + SetupTable.DOM, 3);
        assertThat(ops.handle(domain.vcpu, GrantCommand.SETUP_TABLE, ARGUMENTS, 1)).isZero();
        assertThat((short) mmu.read16(ARGUMENTS + SetupTable.STATUS)).isEqualTo((short) -8);
    }

    @Test
    void versionOneIsAllThereIs() {
        mmu.write32(ARGUMENTS, 1);
        assertThat(ops.handle(domain.vcpu, GrantCommand.SET_VERSION, ARGUMENTS, 1)).isZero();
        mmu.write32(ARGUMENTS, 2);
        assertThat(ops.handle(domain.vcpu, GrantCommand.SET_VERSION, ARGUMENTS, 1))
                .isEqualTo(-ENOSYS);
        mmu.write16(ARGUMENTS, DomId.SELF);
        assertThat(ops.handle(domain.vcpu, GrantCommand.GET_VERSION, ARGUMENTS, 1)).isZero();
        assertThat(mmu.read32(ARGUMENTS + 4)).isEqualTo(1);
        assertThat(ops.handle(domain.vcpu, 77, ARGUMENTS, 1)).isEqualTo(-ENOSYS);
        assertThat(ops.handle(domain.vcpu, GrantCommand.COPY, 0x70000000L, 1)).isEqualTo(-EFAULT);
        assertThat(ops.handle(domain.vcpu, GrantCommand.COPY, ARGUMENTS, -1)).isEqualTo(-EINVAL);
    }

    private int copy(
            long source, int sourceOffset, long dest, int destOffset, int length, int flags) {
        mmu.write64(ARGUMENTS + Copy.SOURCE, source);
        mmu.write16(ARGUMENTS + Copy.SOURCE + Copy.DOMID, DomId.SELF);
        mmu.write16(ARGUMENTS + Copy.SOURCE + Copy.OFFSET, sourceOffset);
        mmu.write64(ARGUMENTS + Copy.DEST, dest);
        mmu.write16(ARGUMENTS + Copy.DEST + Copy.DOMID, DomId.SELF);
        mmu.write16(ARGUMENTS + Copy.DEST + Copy.OFFSET, destOffset);
        mmu.write16(ARGUMENTS + Copy.LEN, length);
        mmu.write16(ARGUMENTS + Copy.FLAGS, flags);
        assertThat(ops.handle(domain.vcpu, GrantCommand.COPY, ARGUMENTS, 1)).isZero();
        return (short) mmu.read16(ARGUMENTS + Copy.STATUS);
    }

    @Test
    void copyMovesBytesBetweenFramesAndGrants() {
        grant(REF, TestDomain.DOM_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        mmu.write64((9 << 12) + 16, 99);
        assertThat(copy(REF, 16, domain.pages[10], 8, 8, Copy.SOURCE_GREF)).isZero();
        assertThat(mmu.read64((10 << 12) + 8)).isEqualTo(99);
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        assertThat(copy(domain.pages[10], 4092, domain.pages[9], 0, 5, 0)).isEqualTo(-10);
        assertThat(copy(domain.pages[10], 0, domain.l1, 0, 8, 0)).isEqualTo(-9);
        assertThat(copy(REF + 1, 0, domain.pages[9], 0, 8, Copy.SOURCE_GREF)).isEqualTo(-1);
        assertThat(copy(5000, 0, domain.pages[9], 0, 8, Copy.SOURCE_GREF)).isEqualTo(-3);
    }

    @Test
    void copyEndsWithTheFrameItGoesTo() {
        long behind = host(domain.pages[9]) + Ram.PAGE_SIZE;
        int next = Ram.getInt(behind);
        mmu.write64(20 << 12, -1);
        assertThat(copy(domain.pages[20], 0, domain.pages[9], 4092, 5, 0)).isEqualTo(-10);
        assertThat(copy(domain.pages[20], 0, domain.pages[9], 0xffff, 1, 0)).isEqualTo(-10);
        assertThat(mmu.read32((9 << 12) + 4092)).isZero();
        assertThat(Ram.getInt(behind)).as("the frame behind it").isEqualTo(next);
        assertThat(copy(domain.pages[20], 0, domain.pages[9], 4092, 4, 0)).isZero();
        assertThat(mmu.read32((9 << 12) + 4092)).isEqualTo(-1);
    }

    @Test
    void copyIntoAGrantNeedsOneForWriting() {
        int readOnly = GrantEntry.GTF_PERMIT_ACCESS | GrantEntry.GTF_READONLY;
        grant(REF, TestDomain.DOM_ID, readOnly, domain.pages[9]);
        mmu.write64(10 << 12, 99);
        assertThat(copy(domain.pages[10], 0, REF, 8, 8, Copy.DEST_GREF)).isEqualTo(-1);
        assertThat(mmu.read64((9 << 12) + 8)).isZero();
        assertThat(flags(REF)).isEqualTo(readOnly);
        grant(REF, TestDomain.DOM_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        assertThat(copy(domain.pages[10], 0, REF, 8, 8, Copy.DEST_GREF)).isZero();
        assertThat(mmu.read64((9 << 12) + 8)).isEqualTo(99);
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        assertThat(written).as("frames with code").containsExactly(host(domain.pages[9]));
    }

    @Test
    void copyIntoAGrantedPageTableIsRefused() {
        grant(REF, TestDomain.DOM_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.l1);
        long entry = domain.get(domain.l1, 9);
        assertThat(copy(domain.pages[10], 0, REF, 9 * 8, 8, Copy.DEST_GREF)).isEqualTo(-9);
        assertThat(domain.get(domain.l1, 9)).isEqualTo(entry);
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
    }

    // ---- mapping by another domain ----

    private final TestDomain mapper = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final GrantTable mapperTable = new GrantTable(mapper.types, host -> {});
    private final GrantTableOps mapperOps =
            new GrantTableOps(MAPPER_ID, mapper.types, mapperTable, tables::get);

    private int map(long hostAddr, int flags) {
        return map(TestDomain.DOM_ID, hostAddr, flags);
    }

    private int map(int granter, long hostAddr, int flags) {
        Mmu theirs = mapper.vcpu.mmu();
        theirs.write64(ARGUMENTS + GrantCommand.Map.HOST_ADDR, hostAddr);
        theirs.write32(ARGUMENTS + GrantCommand.Map.FLAGS, flags);
        theirs.write32(ARGUMENTS + GrantCommand.Map.REF, REF);
        theirs.write16(ARGUMENTS + GrantCommand.Map.DOM, granter);
        assertThat(mapperOps.handle(mapper.vcpu, GrantCommand.MAP_GRANT_REF, ARGUMENTS, 1))
                .isZero();
        return (short) theirs.read16(ARGUMENTS + GrantCommand.Map.STATUS);
    }

    private int unmap(long hostAddr, int handle) {
        Mmu theirs = mapper.vcpu.mmu();
        theirs.write64(ARGUMENTS + Unmap.HOST_ADDR, hostAddr);
        theirs.write64(ARGUMENTS + Unmap.DEV_BUS_ADDR, 0);
        theirs.write32(ARGUMENTS + Unmap.HANDLE, handle);
        assertThat(mapperOps.handle(mapper.vcpu, GrantCommand.UNMAP_GRANT_REF, ARGUMENTS, 1))
                .isZero();
        return (short) theirs.read16(ARGUMENTS + Unmap.STATUS);
    }

    @Test
    void mappedGrantIsTheGrantersMemoryUntilItIsUnmapped() {
        grant(REF, MAPPER_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        mmu.write64(9 << 12, 1234);
        long vaddr = 200L << 12;
        assertThat(map(vaddr, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        int handle = mapper.vcpu.mmu().read32(ARGUMENTS + GrantCommand.Map.HANDLE);
        assertThat(mapper.vcpu.mmu().read64(vaddr)).isEqualTo(1234);
        mapper.vcpu.mmu().write64(vaddr, 5678);
        assertThat(mmu.read64(9 << 12)).isEqualTo(5678);

        long window = Pte.mfn(mapper.vcpu.mmu().pte(vaddr));
        assertThat(mapper.update(mapper.l1, 201, entry(window, RO)))
                .as("only the grant maps it")
                .isNegative();
        assertThat(unmap(vaddr, handle)).isZero();
        assertThatThrownBy(() -> mapper.vcpu.mmu().read64(vaddr)).isInstanceOf(GuestFault.class);
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        assertThat(mapper.frames.frame(window)).isEqualTo(-1);
        assertThat(unmap(vaddr, handle)).as("unmapped twice").isEqualTo(-4);
        assertThat(domain.frames.references(domain.pages[9])).isEqualTo(2);
    }

    @Test
    void windowFrameIsNotReusedBeforeUnmapEvenIfTheEntryIsCleared() {
        grant(REF, MAPPER_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        assertThat(map(200L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        int first = mapper.vcpu.mmu().read32(ARGUMENTS + GrantCommand.Map.HANDLE);
        long window = Pte.mfn(mapper.vcpu.mmu().pte(200L << 12));
        assertThat(mapper.update(mapper.l1, 200, 0)).isZero();
        assertThat(map(200L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        assertThat(Pte.mfn(mapper.vcpu.mmu().pte(200L << 12))).isNotEqualTo(window);
        assertThat(unmap(200L << 12, first)).isZero();
        assertThat(table.isInUse(REF)).isTrue();
    }

    @Test
    void readOnlyMappingCannotBeMadeWritable() {
        grant(
                REF,
                MAPPER_ID,
                GrantEntry.GTF_PERMIT_ACCESS | GrantEntry.GTF_READONLY,
                domain.pages[9]);
        assertThat(map(200L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isEqualTo(-1);
        int readOnly = GrantCommand.Map.GNTMAP_HOST_MAP | GrantCommand.Map.GNTMAP_READONLY;
        assertThat(map(200L << 12, readOnly)).isZero();
        long entry = mapper.vcpu.mmu().pte(200L << 12);
        assertThat(mapper.update(mapper.l1, 200, entry | Pte.WRITABLE)).isNegative();
        assertThatThrownBy(() -> mapper.vcpu.mmu().write8(200 << 12, 1))
                .isInstanceOf(GuestFault.class);
        assertThat(map(0x70000000L, readOnly)).as("no page table there").isEqualTo(-5);
    }

    @Test
    void whatIsMappedForReadingIsNotWrittenByItsMachineAddressEither() {
        int readOnly = GrantEntry.GTF_PERMIT_ACCESS | GrantEntry.GTF_READONLY;
        grant(REF, MAPPER_ID, readOnly, domain.pages[9]);
        mmu.write64(9 << 12, 1234);
        int flags = GrantCommand.Map.GNTMAP_HOST_MAP | GrantCommand.Map.GNTMAP_READONLY;
        assertThat(map(200L << 12, flags)).isZero();
        long window = Pte.mfn(mapper.vcpu.mmu().pte(200L << 12));
        assertThat(mapper.request(window << 12, 0xbad)).isEqualTo(-EINVAL);
        assertThat(mmu.read64(9 << 12)).isEqualTo(1234);
    }

    @Test
    void granterThatDiesLeavesItsFrameToTheMapperUntilThatUnmaps() {
        grant(REF, MAPPER_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        mmu.write64(9 << 12, 1234);
        long vaddr = 200L << 12;
        assertThat(map(vaddr, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        int handle = mapper.vcpu.mmu().read32(ARGUMENTS + GrantCommand.Map.HANDLE);
        table.close();
        domain.frames.releaseAll();
        long free = pool.freeFrames();
        assertThat(mapper.vcpu.mmu().read64(vaddr)).isEqualTo(1234);
        assertThat(map(201L << 12, GrantCommand.Map.GNTMAP_HOST_MAP))
                .as("a dead domain grants nothing")
                .isEqualTo(-3);
        written.clear();
        assertThat(unmap(vaddr, handle)).isZero();
        assertThat(pool.freeFrames()).isEqualTo(free + 1);
        assertThat(written).as("frames of a domain that is gone").isEmpty();
        mapper.frames.releaseAll();
        assertThat(pool.freeFrames()).as("both are gone").isEqualTo(POOL_BYTES / Ram.PAGE_SIZE);
    }

    @Test
    void mapperThatDiesEndsItsUsesOfGrants() {
        grant(REF, MAPPER_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        mmu.write64(9 << 12, 1234);
        int references = domain.frames.references(domain.pages[9]);
        assertThat(map(200L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        assertThat(map(201L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        mapperOps.close();
        assertThat(table.isInUse(REF)).isFalse();
        assertThat(flags(REF)).isEqualTo(GrantEntry.GTF_PERMIT_ACCESS);
        assertThat(domain.frames.references(domain.pages[9])).isEqualTo(references);
        mapper.frames.releaseAll();
        assertThat(mmu.read64(9 << 12)).as("still the granter's").isEqualTo(1234);
        table.close();
        domain.frames.releaseAll();
        assertThat(pool.freeFrames()).as("both are gone").isEqualTo(POOL_BYTES / Ram.PAGE_SIZE);
    }

    @Test
    void tableThatGrewOnlyInPartAnswersForAllThatItHas() {
        List<Long> others = new ArrayList<>();
        while (pool.freeFrames() > 3) {
            others.add(pool.allocate());
        }
        assertThat(table.grow(GrantTable.MAX_FRAMES)).isEqualTo(GrantCommand.GNTST_NO_SPACE);
        others.forEach(pool::release);
        assertThat(table.frameCount()).isEqualTo(4);
        assertThat(table.access(BACKEND, 4 * 512 - 1, false)).as("nothing is granted").isNull();
    }

    @Test
    void mapperCannotGrantTheFrameOn() {
        grant(REF, MAPPER_ID, GrantEntry.GTF_PERMIT_ACCESS, domain.pages[9]);
        assertThat(map(200L << 12, GrantCommand.Map.GNTMAP_HOST_MAP)).isZero();
        mapperTable.grow(1);
        mapperTable.preset(REF, BACKEND, Pte.mfn(mapper.vcpu.mmu().pte(200L << 12)));
        assertThat(mapperTable.access(BACKEND, REF, false)).isNull();
        assertThat(mapperTable.access(BACKEND, REF, true)).isNull();
    }

    @Test
    void presetEntryLooksAsIfTheGuestHadWrittenIt() {
        table.preset(GrantEntry.RESERVED_CONSOLE, BACKEND, domain.pages[9]);
        try (GrantAccess access = table.access(BACKEND, GrantEntry.RESERVED_CONSOLE, true)) {
            access.write(0, new byte[] {7}, 0, 1);
        }
        assertThat(mmu.read8(9 << 12)).isEqualTo(7);
    }

    @Test
    void backendsGrantNothingAndAreADomainAllTheSame() {
        long vaddr = 200L << 12;
        assertThat(map(DomId.BACKENDS, vaddr, GrantCommand.Map.GNTMAP_HOST_MAP)).isEqualTo(-1);
        assertThat(map(MAPPER_ID + 1, vaddr, GrantCommand.Map.GNTMAP_HOST_MAP)).isEqualTo(-2);
    }

    // ---- a copy of the domain

    private boolean isRestored(Long... frameMfns) {
        GrantTable copy = new GrantTable(domain.types, written::add);
        return copy.restore(new GrantTable.Saved(List.of(frameMfns), List.of()));
    }

    @Test
    void copyTakesTheFramesOfItsTable() {
        assertThat(isRestored(table.frameMfn(0))).isTrue();
    }

    @Test
    void sharedPageIsNoFrameOfAGrantTable() {
        assertThat(domain.frames.xenFrames().contains(FrameTable.XEN_BASE)).isTrue();
        assertThat(isRestored(FrameTable.XEN_BASE)).isFalse();
    }

    @Test
    void grantTableHasNoFrameTwice() {
        assertThat(isRestored(table.frameMfn(0), table.frameMfn(0))).isFalse();
    }
}
