package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MemoryCommand;
import org.xenolith.core.abi.MemoryCommand.MemoryMap;
import org.xenolith.core.abi.MemoryCommand.Reservation;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.concurrent.atomic.AtomicInteger;

class MemoryOpsTest {
    private static final long LIST = 0x3000;
    private static final long M2P = 0xffff800000000000L;
    private static final long NOT_MAPPED = 0x70000000L;

    /** More frames than a domain may have given back and not yet waited for. */
    private static final int ROUNDS = 1100;

    private final TestDomain domain = new TestDomain();
    private final FrameTable frames = domain.frames;
    private final MemoryReservation reservation = frames.reservation();
    private final Mmu mmu = domain.vcpu.mmu();

    private long call(int command, long argument) {
        return domain.memoryOps.handle(domain.vcpu, command, argument);
    }

    private long reserve(int command, long list, long count, int order, int domId) {
        mmu.write64(ARGUMENTS + Reservation.EXTENT_START, list);
        mmu.write64(ARGUMENTS + Reservation.NR_EXTENTS, count);
        mmu.write32(ARGUMENTS + Reservation.EXTENT_ORDER, order);
        mmu.write16(ARGUMENTS + Reservation.DOMID, domId);
        return call(command, ARGUMENTS);
    }

    private long decrease(long... mfns) {
        for (int i = 0; i < mfns.length; i++) {
            mmu.write64(LIST + i * 8L, mfns[i]);
        }
        int command = MemoryCommand.DECREASE_RESERVATION;
        return reserve(command, LIST, mfns.length, 0, DomId.SELF);
    }

    private long populate(long... pfns) {
        for (int i = 0; i < pfns.length; i++) {
            mmu.write64(LIST + i * 8L, pfns[i]);
        }
        return reserve(MemoryCommand.POPULATE_PHYSMAP, LIST, pfns.length, 0, DomId.SELF);
    }

    @Test
    void framesGivenBackLeaveTheReservationAndTheHost() {
        long first = domain.page();
        long second = domain.page();
        long pages = reservation.currentPages();
        long free = frames.pool().freeFrames();
        assertThat(decrease(first, second)).isEqualTo(2);
        assertThat(reservation.currentPages()).isEqualTo(pages - 2);
        assertThat(frames.pool().freeFrames()).isEqualTo(free + 2);
        assertThat(frames.frame(first)).isEqualTo(-1);
        assertThat(mmu.read64(M2P + first * 8)).isEqualTo(-1);
        assertThat(decrease(first)).as("given back twice").isZero();
    }

    @Test
    void mappedFrameIsFreeWithItsLastMapping() {
        long mfn = domain.pages[9];
        domain.set(mfn, 0, 99);
        assertThat(decrease(mfn)).isEqualTo(1);
        assertThat(mmu.read64(9 << 12)).isEqualTo(99);
        assertThat(frames.frame(mfn)).isNotEqualTo(-1);
        assertThat(domain.update(domain.l1, 9, 0)).isZero();
        assertThat(frames.frame(mfn)).isEqualTo(-1);
    }

    @Test
    void countStopsAtTheFirstFrameThatIsNotTheGuests() {
        long mine = domain.page();
        assertThat(decrease(mine, 5, domain.pages[9])).isEqualTo(1);
        assertThat(frames.frame(domain.pages[9])).isNotEqualTo(-1);
        assertThat(decrease(-1)).isZero();
        assertThat(decrease(FrameTable.M2P_BASE)).as("the hypervisor's own").isZero();
    }

    @Test
    void populatedFramesAreZeroAndTheirNumbersReported() {
        long old = domain.page();
        domain.set(old, 7, 777);
        assertThat(decrease(old)).isEqualTo(1);
        assertThat(populate(0x900, 0x901)).isEqualTo(2);
        for (int i = 0; i < 2; i++) {
            long mfn = mmu.read64(LIST + i * 8L);
            assertThat(frames.machineToPhysical().pfn(mfn)).isEqualTo(0x900 + i);
            assertThat(domain.get(mfn, 7)).isZero();
        }
    }

    @Test
    void longCallPausesAndCountsOn() {
        domain.vcpu.pausing = true;
        assertThat(populate(0x900, 0x901)).isZero();
        assertThat(mmu.read64(LIST + 8)).as("not done yet").isEqualTo(0x901);
        long[] again = domain.vcpu.again;
        assertThat(domain.memoryOps.handle(domain.vcpu, again[0], again[1])).isEqualTo(2);
        assertThat(frames.machineToPhysical().pfn(mmu.read64(LIST + 8))).isEqualTo(0x901);
    }

    @Test
    void populateStopsAtTheMaximum() {
        long room = reservation.maximumPages() - reservation.currentPages();
        for (long i = 2; i < room; i++) {
            domain.page();
        }
        assertThat(populate(1, 2, 3, 4)).isEqualTo(2);
        assertThat(populate(1)).isZero();
        assertThat(reservation.currentPages()).isEqualTo(reservation.maximumPages());
    }

    @Test
    void listThatCannotBeWrittenCostsNoFrame() {
        long pages = reservation.currentPages();
        long readOnly = (long) TestDomain.TABLES_SLOT << 12;
        int command = MemoryCommand.POPULATE_PHYSMAP;
        assertThat(reserve(command, readOnly, 1, 0, DomId.SELF)).isZero();
        assertThat(reserve(command, NOT_MAPPED, 1, 0, DomId.SELF)).isZero();
        assertThat(reservation.currentPages()).isEqualTo(pages);
        assertThat(call(command, NOT_MAPPED)).isEqualTo(-EFAULT);
    }

    @Test
    void impossibleReservationsAreNotDone() {
        int command = MemoryCommand.POPULATE_PHYSMAP;
        assertThat(reserve(command, LIST, 1, 9, DomId.SELF)).isZero();
        assertThat(reserve(command, LIST, 1, 0, 3)).isZero();
        assertThat(reserve(command, LIST, -1, 0, DomId.SELF)).isZero();
    }

    @Test
    void reservationSizesAreTold() {
        mmu.write16(ARGUMENTS, DomId.SELF);
        assertThat(call(MemoryCommand.CURRENT_RESERVATION, ARGUMENTS))
                .isEqualTo(reservation.currentPages());
        assertThat(call(MemoryCommand.MAXIMUM_RESERVATION, ARGUMENTS)).isEqualTo(1024);
        mmu.write16(ARGUMENTS, 3);
        assertThat(call(MemoryCommand.CURRENT_RESERVATION, ARGUMENTS)).isEqualTo(-ESRCH);
    }

    @Test
    void machineToPhysicalMappingIsTold() {
        assertThat(call(MemoryCommand.MACHPHYS_MAPPING, ARGUMENTS)).isZero();
        assertThat(mmu.read64(ARGUMENTS)).isEqualTo(M2P);
        assertThat(mmu.read64(ARGUMENTS + 8)).isEqualTo(0xffff804000000000L);
        assertThat(mmu.read64(ARGUMENTS + 16)).isEqualTo(FrameTable.RAM_BASE + 1023);
    }

    @Test
    void memoryMapIsOneRegionOfRam() {
        mmu.write32(ARGUMENTS + MemoryMap.NR_ENTRIES, 128);
        mmu.write64(ARGUMENTS + MemoryMap.BUFFER, LIST);
        assertThat(call(MemoryCommand.MEMORY_MAP, ARGUMENTS)).isZero();
        assertThat(mmu.read32(ARGUMENTS)).isEqualTo(1);
        assertThat(mmu.read64(LIST)).isZero();
        assertThat(mmu.read64(LIST + 8)).isEqualTo(1024L << 12);
        assertThat(mmu.read32(LIST + 16)).isEqualTo(MemoryMap.E820_RAM);
    }

    @Test
    void exchangeAndUnknownCommandsAreRefused() {
        assertThat(call(MemoryCommand.EXCHANGE, ARGUMENTS)).isEqualTo(-ENOSYS);
        assertThat(call(63, ARGUMENTS)).isEqualTo(-ENOSYS);
    }

    @Test
    void frameIsNotHandedOutAgainWhileASiblingMayHoldIt() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        long mfn = domain.pages[9];
        long host = sibling.mmu().hostForRead(9 << 12);
        assertThat(domain.update(domain.l1, 9, 0)).isZero();
        long free = frames.pool().freeFrames();
        assertThat(decrease(mfn)).isEqualTo(1);
        assertThat(frames.frame(mfn)).isEqualTo(-1);
        assertThat(frames.pool().freeFrames()).as("the sibling has not polled").isEqualTo(free);
        Ram.putLong(host, 1); // what the sibling might still do
        sibling.tlb().pollPoint();
        assertThat(frames.pool().freeFrames()).isEqualTo(free + 1);
        frames.pool().trim();
        assertThat(Ram.getLong(host)).as("zero before anybody gets it").isZero();
    }

    @Test
    @Timeout(60)
    void whoTradesFramesWaitsForTheSiblingThatMayHoldTooMany() throws InterruptedException {
        TestDomain.Vcpu sibling = domain.addVcpu();
        sibling.tlb().enter();
        AtomicInteger rounds = new AtomicInteger();
        Thread trading = Thread.ofPlatform().daemon().start(() -> trade(rounds));
        assertThat(sibling.isAwaitedBy(trading)).isTrue();
        assertThat(frames.tlbs().retired()).as("frames that count for nobody").isEqualTo(1025);
        while (trading.isAlive() && !Thread.interrupted()) {
            sibling.tlb().pollPoint();
        }
        assertThat(rounds.get()).as("each got a frame").isEqualTo(ROUNDS);
        assertThat(frames.tlbs().retired()).isLessThan(1025);
        sibling.tlb().leave();
    }

    private void trade(AtomicInteger rounds) {
        long mfn = domain.page();
        while (rounds.get() < ROUNDS && decrease(mfn) == 1 && populate(0x900) == 1) {
            mfn = mmu.read64(LIST);
            rounds.incrementAndGet();
        }
    }
}
