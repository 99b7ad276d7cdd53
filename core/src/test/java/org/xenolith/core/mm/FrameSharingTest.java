package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.MmuExtOp;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

/** Two domains of one pool, each with a page that may hold what the other one's does. */
class FrameSharingTest {
    private static final long MAXIMUM_PAGES = 1024;

    /** Where page {@link #PAGE} of each domain is mapped. */
    private static final long AT = 0x30000;

    private static final int PAGE = 0x30;
    private static final int OTHER_PAGE = 0x31;

    private final FramePool pool =
            TestMemory.freshPool(2 * TestMemory.poolPages(MAXIMUM_PAGES) << Ram.PAGE_SHIFT);
    private final TestDomain one = new TestDomain(TestMemory.freshFrames(pool, MAXIMUM_PAGES));
    private final TestDomain other = new TestDomain(TestMemory.freshFrames(pool, MAXIMUM_PAGES));
    private final SharedFrames shared = pool.shared();

    @BeforeEach
    void bothHoldTheSame() {
        one.vcpu.tlb().enter();
        other.vcpu.tlb().enter();
        fill(one, PAGE, 7);
        fill(other, PAGE, 7);
    }

    private static void fill(TestDomain domain, int page, int seed) {
        for (int i = 0; i < Ram.PAGE_SIZE; i += 8) {
            domain.vcpu.mmu().write64((long) page * Ram.PAGE_SIZE + i, seed * 0x1_0001L + i);
        }
    }

    private static void share(TestDomain domain, int... pages) {
        long[] mfns = new long[pages.length];
        long[] digests = new long[pages.length];
        for (int i = 0; i < pages.length; i++) {
            mfns[i] = domain.pages[pages[i]];
            digests[i] = PageDigest.of(domain.frames.frame(mfns[i]));
        }
        new FrameSharing(domain.frames).share(mfns, digests);
    }

    private static long host(TestDomain domain) {
        return domain.frames.frame(domain.pages[PAGE]);
    }

    private static long read(TestDomain domain) {
        return domain.vcpu.mmu().read64(AT);
    }

    @Test
    void equalPagesOfTwoDomainsAreOneHostFrame() {
        long free = pool.freeFrames();

        share(one, PAGE);
        share(other, PAGE);

        assertThat(host(one)).isEqualTo(host(other));
        assertThat(read(one)).isEqualTo(read(other)).isEqualTo(7 * 0x1_0001L);
        assertThat(shared.savedFrames()).isEqualTo(1);
        assertThat(pool.freeFrames()).as("the frame that is saved is promised").isLessThan(free);
    }

    @Test
    void pagesOfOneDomainAreSharedToo() {
        fill(one, OTHER_PAGE, 7);

        share(one, PAGE, OTHER_PAGE);

        assertThat(one.frames.frame(one.pages[OTHER_PAGE])).isEqualTo(host(one));
        one.vcpu.mmu().write64(AT, 1);
        assertThat(one.vcpu.mmu().read64((long) OTHER_PAGE * Ram.PAGE_SIZE))
                .isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void aStoreIsNotSeenByTheNeighbour() {
        share(one, PAGE);
        share(other, PAGE);
        assertThat(read(one)).isEqualTo(read(other));

        one.vcpu.mmu().write64(AT, 0xbad);

        assertThat(read(one)).isEqualTo(0xbad);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
        assertThat(one.vcpu.mmu().read64(AT + 8)).isEqualTo(7 * 0x1_0001L + 8);
        assertThat(shared.savedFrames()).isZero();
    }

    @Test
    void aWriteTagFromBeforeDoesNotReachASharedFrame() {
        one.vcpu.mmu().write64(AT, 7 * 0x1_0001L); // the TLB may write there now
        share(one, PAGE);
        share(other, PAGE);

        one.vcpu.mmu().write64(AT, 0xbad);

        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void theLastUserWritesToTheSameFrame() {
        share(one, PAGE);
        share(other, PAGE);
        long frame = host(one);
        other.vcpu.mmu().write64(AT, 1);

        other.vcpu.tlb().pollPoint(); // it reads the old frame no more

        one.vcpu.mmu().write64(AT, 2);

        assertThat(host(one)).isEqualTo(frame);
        assertThat(shared.frames()).isZero();
        assertThat(pool.references(frame)).isEqualTo(1);
    }

    @Test
    void theLastUserLeavesTheFrameWhileAFormerOneMayStillReadIt() {
        share(one, PAGE);
        share(other, PAGE);
        long frame = host(one);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
        assertThat(other.frames.acquireOwn(other.pages[PAGE])).isEqualTo(MachineMemory.NO_FRAME);

        one.vcpu.mmu().write64(AT, 0xbad);

        assertThat(host(one)).isNotEqualTo(frame);
        assertThat(read(other)).as("by its old translation").isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void aDomainThatEndsLeavesTheOthersTheirContent() {
        share(one, PAGE);
        share(other, PAGE);

        one.vcpu.tlb().leave();
        one.frames.releaseAll();
        pool.trim();

        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
        assertThat(shared.savedFrames()).isZero();
        other.vcpu.tlb().leave();
        other.frames.releaseAll();
        assertThat(shared.frames()).isZero();
    }

    @Test
    void allFramesAreFreeAgainWhenAllDomainsHaveEnded() {
        long before = pool.freeFrames() + used(one) + used(other);
        fill(one, OTHER_PAGE, 7);
        share(one, PAGE, OTHER_PAGE);
        share(other, PAGE);
        one.vcpu.mmu().write64(AT, 1);

        one.vcpu.tlb().leave();
        one.frames.releaseAll();
        other.vcpu.tlb().leave();
        other.frames.releaseAll();

        assertThat(pool.freeFrames()).isEqualTo(before);
    }

    private static long used(TestDomain domain) {
        long frames = 0;
        for (long mfn = 0; mfn < domain.frames.limitMfn(); mfn++) {
            frames += domain.frames.frame(mfn) == MachineMemory.NO_FRAME ? 0 : 1;
        }
        return frames;
    }

    @Test
    void aSharedFrameThatIsGivenBackIsTheOthersStill() {
        share(one, PAGE);
        share(other, PAGE);
        one.update(one.l1, PAGE, 0);
        one.frames.lock.lock();
        try {
            one.frames.reservation().decrease(one.pages[PAGE], one.vcpu.tlb());
        } finally {
            one.frames.lock.unlock();
        }

        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
        assertThat(shared.savedFrames()).isZero();
    }

    @Test
    void aSharedFrameBecomesThePageTableOfOneDomainOnly() {
        clear(one);
        clear(other);
        long[] entries = {TestDomain.entry(one.pages[OTHER_PAGE], TestDomain.RO)};
        one.vcpu.mmu().write64(AT, entries[0]);
        other.vcpu.mmu().write64(AT, entries[0]);
        share(one, PAGE);
        share(other, PAGE);
        assertThat(host(one)).isEqualTo(host(other));
        one.update(one.l1, PAGE, TestDomain.entry(one.pages[PAGE], TestDomain.RO));

        one.pin(one.pages[PAGE], FrameType.L1_TABLE);

        assertThat(one.frames.isShared(one.pages[PAGE])).isFalse();
        assertThat(host(one)).isNotEqualTo(host(other));
    }

    private static void clear(TestDomain domain) {
        for (int i = 0; i < Ram.PAGE_SIZE; i += 8) {
            domain.vcpu.mmu().write64(AT + i, 0);
        }
    }

    @Test
    void clearPageDoesNotClearTheNeighboursPage() {
        share(one, PAGE);
        share(other, PAGE);

        assertThat(one.extOp(MmuExtOp.CLEAR_PAGE, one.pages[PAGE], 0)).isZero();

        assertThat(read(one)).isZero();
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void copyPageDoesNotCopyToTheNeighboursPage() {
        fill(one, OTHER_PAGE, 9);
        share(one, PAGE);
        share(other, PAGE);

        assertThat(one.extOp(MmuExtOp.COPY_PAGE, one.pages[PAGE], one.pages[OTHER_PAGE])).isZero();

        assertThat(read(one)).isEqualTo(9 * 0x1_0001L);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void mmuUpdateOfAFrameWithoutTypeDoesNotReachTheNeighbour() {
        one.update(one.l1, PAGE, 0);
        other.update(other.l1, PAGE, TestDomain.entry(other.pages[PAGE], TestDomain.RW));
        share(one, PAGE);
        share(other, PAGE);
        assertThat(host(one)).isEqualTo(host(other));

        assertThat(one.update(one.pages[PAGE], 0, 0xbad0)).isZero();

        assertThat(one.get(one.pages[PAGE], 0)).isEqualTo(0xbad0);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void aFrameThatSomebodyHoldsByItsAddressIsNotShared() {
        one.frames.hold(one.pages[PAGE]);
        pool.acquire(host(other));

        share(one, PAGE);
        share(other, PAGE);

        assertThat(shared.frames()).isZero();
        pool.release(host(other));
    }

    @Test
    void pageTablesAndFramesThatAreDifferentByNowAreNotShared() {
        long digest = PageDigest.of(host(one));
        one.vcpu.mmu().write64(AT, 8);
        FrameSharing frames = new FrameSharing(one.frames);
        long table = PageDigest.of(one.frames.frame(one.l1));

        frames.share(new long[] {one.pages[PAGE], one.l1}, new long[] {digest, table});

        assertThat(shared.frames()).isZero();
    }

    @Test
    void aPageThatHasTheDigestOfAnotherOneIsNotSharedWithIt() {
        long digest = PageDigest.of(host(other));
        long first = one.vcpu.mmu().read64(AT);
        long moved = begun(first) - begun(first + 1);
        one.vcpu.mmu().write64(AT, first + 1);
        // The next word of the same chain takes back what the first one has moved.
        long next = one.vcpu.mmu().read64(AT + 32);
        one.vcpu.mmu().write64(AT + 32, next + moved * inverse(PageDigest.PRIME_2));
        assertThat(PageDigest.of(host(one))).isEqualTo(digest);

        share(one, PAGE);
        share(other, PAGE);

        assertThat(read(one)).isEqualTo(first + 1);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }

    private static long begun(long word) {
        return PageDigest.mixed(PageDigest.START, word);
    }

    /** Of an odd number, modulo 2^64: Newton's iteration, five bits to begin with. */
    private static long inverse(long odd) {
        long inverse = odd * 3 ^ 2;
        for (int i = 0; i < 4; i++) {
            inverse *= 2 - odd * inverse;
        }
        return inverse;
    }

    @Test
    void aPageOfZeroesHasTheDigestThatStandsForIt() {
        clear(one);

        assertThat(PageDigest.of(host(one))).isEqualTo(PageDigest.ZERO);
        assertThat(PageDigest.of(host(other))).isNotEqualTo(PageDigest.ZERO);
    }

    @Test
    void zeroPagesAreGivenBackToTheHostAndReadAsZero() {
        clear(one);
        new FrameSharing(one.frames)
                .share(new long[] {one.pages[PAGE]}, new long[] {PageDigest.ZERO});

        assertThat(one.frames.isShared(one.pages[PAGE])).isFalse();
        assertThat(read(one)).isZero();
        one.vcpu.mmu().write64(AT, 5);
        assertThat(read(one)).isEqualTo(5);
    }

    @Test
    void aPageThatIsZeroNoMoreKeepsItsContent() {
        new FrameSharing(one.frames)
                .share(new long[] {one.pages[PAGE]}, new long[] {PageDigest.ZERO});

        assertThat(read(one)).isEqualTo(7 * 0x1_0001L);
    }

    @Test
    void aPoolThatIsNearlyUsedUpStillPartsWhatWasShared() {
        share(one, PAGE);
        share(other, PAGE);
        while (pool.allocate() != MachineMemory.NO_FRAME) {
            // All that is not promised.
        }

        one.vcpu.mmu().write64(AT, 0xbad);

        assertThat(read(one)).isEqualTo(0xbad);
        assertThat(read(other)).isEqualTo(7 * 0x1_0001L);
    }
}
