package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

/** A domain that stands, and a copy of its frames. */
class ForkedFramesTest {
    private static final long MAXIMUM_PAGES = 1024;

    /** Where page {@link #PAGE} is mapped. */
    private static final long AT = 0x30000;

    private static final int PAGE = 0x30;
    private static final int EMPTY = 0x31;

    private final FramePool pool =
            TestMemory.freshPool(3 * TestMemory.poolPages(MAXIMUM_PAGES) << Ram.PAGE_SHIFT);
    private final TestDomain parent = new TestDomain(TestMemory.freshFrames(pool, MAXIMUM_PAGES));
    private final FrameTable child = TestMemory.freshFrames(pool, MAXIMUM_PAGES);

    @BeforeEach
    void somethingIsWritten() {
        parent.vcpu.tlb().enter();
        for (int i = 0; i < Ram.PAGE_SIZE; i += 8) {
            parent.vcpu.mmu().write64(AT + i, 7 + i);
        }
        parent.vcpu.tlb().leave();
    }

    private long fork(FrameTable copy, int vcpus) throws Exception {
        SavedFrames.of(parent.frames).restoreInto(copy);
        return new ForkedFrames(parent.frames, vcpus).fill(copy);
    }

    private long content(FrameTable table) {
        return Ram.getLong(table.frame(parent.pages[PAGE]));
    }

    private void write(long value) {
        parent.vcpu.tlb().enter();
        parent.vcpu.mmu().write64(AT, value);
        parent.vcpu.tlb().leave();
    }

    @Test
    void pageIsSharedUntilTheParentWrites() throws Exception {
        assertThat(fork(child, 1)).isPositive();
        assertThat(child.frame(parent.pages[PAGE]))
                .isEqualTo(parent.frames.frame(parent.pages[PAGE]));

        write(8);

        assertThat(content(parent.frames)).isEqualTo(8);
        assertThat(content(child)).isEqualTo(7);
    }

    @Test
    void pageIsSharedUntilTheCopyWrites() throws Exception {
        fork(child, 1);

        long own = child.writableFrame(parent.pages[PAGE], TlbShootdown.NONE);
        Ram.putLong(own, 9);

        assertThat(content(parent.frames)).isEqualTo(7);
        assertThat(Ram.getLong(own + 8)).isEqualTo(7 + 8);
    }

    @Test
    void severalCopiesShareOneFrame() throws Exception {
        FrameTable other = TestMemory.freshFrames(pool, MAXIMUM_PAGES);
        fork(child, 1);
        fork(other, 1);
        long frame = other.frame(parent.pages[PAGE]);
        assertThat(child.frame(parent.pages[PAGE])).isEqualTo(frame);

        child.releaseAll();
        write(8);

        assertThat(content(other)).isEqualTo(7);
        assertThat(other.writableFrame(parent.pages[PAGE], TlbShootdown.NONE))
                .as("nobody else has it any more")
                .isEqualTo(frame);
        assertThat(pool.shared().savedFrames()).isZero();
    }

    @Test
    void pageTablesAreNeverShared() throws Exception {
        fork(child, 1);
        for (long table : new long[] {parent.l4, parent.l3, parent.l2, parent.l1}) {
            assertThat(child.isShared(table)).isFalse();
            assertThat(child.frame(table)).isNotEqualTo(parent.frames.frame(table));
            assertThat(Ram.isSame(child.frame(table), parent.frames.frame(table), Ram.PAGE_SIZE))
                    .isTrue();
        }
    }

    @Test
    void pagesOfZeroesCostNothing() throws Exception {
        fork(child, 1);
        assertThat(parent.frames.isShared(parent.pages[EMPTY])).isFalse();
        assertThat(child.isShared(parent.pages[EMPTY])).isFalse();
        assertThat(PageDigest.isZero(child.frame(parent.pages[EMPTY]))).isTrue();
    }

    @Test
    void domainOfSeveralVcpusIsCopied() throws Exception {
        assertThat(fork(child, 2)).isZero();
        assertThat(child.isShared(parent.pages[PAGE])).isFalse();
        assertThat(content(child)).isEqualTo(7);
    }

    @Test
    void pageThatABackendHasIsCopied() throws Exception {
        long host = parent.frames.acquireOwn(parent.pages[PAGE]);
        assertThat(host).isNotEqualTo(MachineMemory.NO_FRAME);

        fork(child, 1);
        Ram.putLong(host, 10); // what was asked of a disk arrives

        assertThat(content(parent.frames)).isEqualTo(10);
        assertThat(content(child)).isEqualTo(7);
    }

    @Test
    void everyFrameIsGivenBack() throws Exception {
        long free = pool.freeFrames();
        FrameTable other = TestMemory.freshFrames(pool, MAXIMUM_PAGES);
        fork(other, 1);
        write(8);
        Ram.putLong(other.writableFrame(parent.pages[PAGE + 2], TlbShootdown.NONE), 1);

        other.releaseAll();
        parent.vcpu.tlb().enter();
        for (int page = 0; page < parent.pages.length; page++) {
            parent.vcpu.mmu().write64((long) page << Ram.PAGE_SHIFT, page);
        }
        parent.vcpu.tlb().leave();

        assertThat(pool.shared().frames()).isZero();
        assertThat(pool.freeFrames()).isEqualTo(free);
    }
}
