package org.xenolith.core.grant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.abi.GrantCommand;
import org.xenolith.core.abi.GrantCommand.Copy;
import org.xenolith.core.abi.GrantCommand.Unmap;
import org.xenolith.core.abi.GrantEntry;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.parallel.HostThreads;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.SplittableRandom;

/** Two domains that grant to each other, two vCPUs each, every vCPU on a host thread of its own. */
class ParallelGrantsTest {
    private static final int SHARED_PAGES = 8;
    private static final int FIRST_SHARED = 40;
    private static final int FIRST_REF = 100;
    private static final int ROUNDS = 4000;
    private static final int ARGUMENTS_PER_VCPU = 0x2000;

    private final FramePool pool = TestMemory.freshPool(32 << 20);
    private final GrantTable[] tables = new GrantTable[2];
    private final Side[] sides = {new Side(0), new Side(1)};

    private final class Side {
        final TestDomain domain = new TestDomain(TestMemory.freshFrames(pool, 1024));
        final GrantTable table = new GrantTable(domain.types, host -> {});
        final GrantTableOps ops;
        final TestDomain.Vcpu[] vcpus = {domain.vcpu, domain.addVcpu()};

        Side(int id) {
            tables[id] = table;
            ops = new GrantTableOps(id, domain.types, table, other -> tables[other]);
            table.grow(1);
            for (int i = 0; i < SHARED_PAGES; i++) {
                long entry = domain.frames.frame(table.frameMfn(0)) + (FIRST_REF + i) * 8L;
                Ram.putInt(entry + GrantEntry.FRAME, (int) domain.pages[FIRST_SHARED + i]);
                Ram.putInt(entry, 1 - id << 16 | GrantEntry.GTF_PERMIT_ACCESS);
            }
        }

        int map(int vcpu, int ref, long vaddr) {
            Mmu mmu = vcpus[vcpu].mmu();
            long at = ARGUMENTS + (long) vcpu * ARGUMENTS_PER_VCPU;
            mmu.write64(at + GrantCommand.Map.HOST_ADDR, vaddr);
            mmu.write32(at + GrantCommand.Map.FLAGS, GrantCommand.Map.GNTMAP_HOST_MAP);
            mmu.write32(at + GrantCommand.Map.REF, ref);
            mmu.write16(at + GrantCommand.Map.DOM, sides[0] == this ? 1 : 0);
            ops.handle(vcpus[vcpu], GrantCommand.MAP_GRANT_REF, at, 1);
            int status = (short) mmu.read16(at + GrantCommand.Map.STATUS);
            return status == 0 ? mmu.read32(at + GrantCommand.Map.HANDLE) : -1;
        }

        int unmap(int vcpu, int handle) {
            Mmu mmu = vcpus[vcpu].mmu();
            long at = ARGUMENTS + (long) vcpu * ARGUMENTS_PER_VCPU;
            mmu.write64(at + Unmap.HOST_ADDR, 0);
            mmu.write32(at + Unmap.HANDLE, handle);
            ops.handle(vcpus[vcpu], GrantCommand.UNMAP_GRANT_REF, at, 1);
            return (short) mmu.read16(at + Unmap.STATUS);
        }

        int copyFromOther(int vcpu, int ref, long mfn) {
            Mmu mmu = vcpus[vcpu].mmu();
            long at = ARGUMENTS + (long) vcpu * ARGUMENTS_PER_VCPU;
            mmu.write64(at + Copy.SOURCE, ref);
            mmu.write16(at + Copy.SOURCE + Copy.DOMID, sides[0] == this ? 1 : 0);
            mmu.write16(at + Copy.SOURCE + Copy.OFFSET, 0);
            mmu.write64(at + Copy.DEST, mfn);
            mmu.write16(at + Copy.DEST + Copy.DOMID, sides[0] == this ? 0 : 1);
            mmu.write16(at + Copy.DEST + Copy.OFFSET, 0);
            mmu.write16(at + Copy.LEN, Ram.PAGE_SIZE);
            mmu.write16(at + Copy.FLAGS, Copy.SOURCE_GREF);
            ops.handle(vcpus[vcpu], GrantCommand.COPY, at, 1);
            return (short) mmu.read16(at + Copy.STATUS);
        }
    }

    private static long vaddr(int page) {
        return (200L + page) << Ram.PAGE_SHIFT;
    }

    @Test
    void siblingsThatUnmapAtTheSameTimeDoNotWaitForEachOtherForEver() {
        Side mapper = sides[0];
        int[] handles = {mapper.map(0, FIRST_REF, vaddr(0)), mapper.map(1, FIRST_REF, vaddr(1))};
        mapper.vcpus[0].tlb().enter();
        mapper.vcpus[1].tlb().enter();
        HostThreads.together(
                () -> unmapAndLeave(mapper, 0, handles), () -> unmapAndLeave(mapper, 1, handles));
        assertThat(sides[1].table.isInUse(FIRST_REF)).isFalse();
    }

    private static void unmapAndLeave(Side mapper, int vcpu, int[] handles) {
        assertThat(mapper.unmap(vcpu, handles[vcpu])).isZero();
        mapper.vcpus[vcpu].tlb().leave();
    }

    @Test
    @Timeout(60)
    void grantIsInUseUntilNoSiblingOfTheMapperCanHoldItsFrame() throws InterruptedException {
        Side mapper = sides[0];
        TestDomain.Vcpu sibling = mapper.vcpus[1];
        int handle = mapper.map(0, FIRST_REF, vaddr(0));
        sibling.tlb().enter();
        sibling.mmu().write64(vaddr(0), 1);
        Thread unmapping = Thread.ofPlatform().daemon().start(() -> mapper.unmap(0, handle));
        assertThat(sibling.isAwaitedBy(unmapping)).isTrue();
        assertThat(mapper.ops.mapped()).as("no handle any more").isEmpty();
        assertThat(sides[1].table.isInUse(FIRST_REF)).isTrue();
        sibling.tlb().pollPoint();
        unmapping.join();
        assertThat(sides[1].table.isInUse(FIRST_REF)).isFalse();
        sibling.tlb().leave();
    }

    @Test
    void grantsInBothDirectionsAtTheSameTimeEndAsTheyBegan() {
        long free = pool.freeFrames();
        int[] references = new int[2 * SHARED_PAGES];
        for (int i = 0; i < references.length; i++) {
            references[i] = referencesOf(i);
        }
        HostThreads.together(
                () -> hammer(0, 0), () -> hammer(0, 1), () -> hammer(1, 0), () -> hammer(1, 1));
        for (int i = 0; i < references.length; i++) {
            assertThat(referencesOf(i)).as("references of page %d", i).isEqualTo(references[i]);
            Side side = sides[i / SHARED_PAGES];
            assertThat(side.table.isInUse(FIRST_REF + i % SHARED_PAGES)).isFalse();
            assertThat(
                            side.domain.frames.typeCount(
                                    side.domain.pages[FIRST_SHARED + i % SHARED_PAGES]))
                    .as("writable uses of page %d", i)
                    .isEqualTo(1);
        }
        for (Side side : sides) {
            assertThat(side.domain.frames.grantWindow().isEmpty()).isTrue();
            side.domain.frames.tlbs().reclaim();
        }
        assertThat(pool.freeFrames()).isEqualTo(free);
    }

    private int referencesOf(int page) {
        TestDomain domain = sides[page / SHARED_PAGES].domain;
        return domain.frames.references(domain.pages[FIRST_SHARED + page % SHARED_PAGES]);
    }

    /** Maps, writes through, unmaps and copies at random; a sibling's pages are its own affair. */
    private void hammer(int id, int vcpu) {
        Side side = sides[id];
        Mmu mmu = side.vcpus[vcpu].mmu();
        SplittableRandom random = new SplittableRandom(2 * id + vcpu);
        side.vcpus[vcpu].tlb().enter();
        for (int round = 0; round < ROUNDS; round++) {
            int page = 2 * random.nextInt(4) + vcpu;
            int ref = FIRST_REF + random.nextInt(SHARED_PAGES);
            int handle = side.map(vcpu, ref, vaddr(page));
            assertThat(handle).isNotNegative();
            assertThat(Pte.isPresent(mmu.pte(vaddr(page)))).isTrue();
            mmu.write64(vaddr(page) + 8L * random.nextInt(512), round);
            assertThat(side.copyFromOther(vcpu, ref, side.domain.pages[50 + vcpu])).isZero();
            assertThat(side.unmap(vcpu, handle)).isZero();
            side.vcpus[vcpu].tlb().pollPoint();
        }
        side.vcpus[vcpu].tlb().leave();
    }
}
