package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;

/** A changed L1 entry drops its page wherever its table is linked, and nothing else. */
class TableLinksTest {
    private static final long TWO_MIB = 0x20_0000;
    private static final long ONE_GIB = 0x4000_0000;

    /** A page of the fixture that nobody changes, and one that is changed. */
    private static final int OTHER = 4;

    private static final int CHANGED = 5;
    private static final long OTHER_PAGE = OTHER << 12;
    private static final long CHANGED_PAGE = CHANGED << 12;

    private final TestDomain domain = new TestDomain();
    private final Mmu mmu = domain.vcpu.mmu();
    private final long replacement = domain.page();

    @BeforeEach
    void fillPages() {
        domain.set(domain.pages[OTHER], 0, 0x1111);
        domain.set(domain.pages[CHANGED], 0, 0x2222);
        domain.set(replacement, 0, 0x3333);
    }

    private void link(long table, int slot, long child) {
        assertThat(domain.update(table, slot, entry(child, TABLE))).isZero();
    }

    private void change() {
        assertThat(domain.update(domain.l1, CHANGED, entry(replacement, RW))).isZero();
    }

    private void assertReads(long vaddr, long value) {
        assertThat(mmu.read64(vaddr)).as("at %#x", vaddr).isEqualTo(value);
    }

    private void assertReadsWithoutWalk(long vaddr, long value) {
        long walks = mmu.walks();
        assertReads(vaddr, value);
        assertThat(mmu.walks()).as("walks for %#x", vaddr).isEqualTo(walks);
    }

    @Test
    void tableAtTwoPlacesLosesOnePageAtBoth() {
        link(domain.l2, 1, domain.l1);
        assertReads(CHANGED_PAGE, 0x2222);
        assertReads(TWO_MIB + CHANGED_PAGE, 0x2222);
        assertReads(OTHER_PAGE, 0x1111);
        assertReads(TWO_MIB + OTHER_PAGE, 0x1111);
        change();
        assertReads(CHANGED_PAGE, 0x3333);
        assertReads(TWO_MIB + CHANGED_PAGE, 0x3333);
        assertReadsWithoutWalk(OTHER_PAGE, 0x1111);
        assertReadsWithoutWalk(TWO_MIB + OTHER_PAGE, 0x1111);
    }

    @Test
    void placesOfTheTableAboveCountToo() {
        link(domain.l2, 1, domain.l1);
        link(domain.l3, 1, domain.l2);
        long[] windows = {0, TWO_MIB, ONE_GIB, ONE_GIB + TWO_MIB};
        for (long window : windows) {
            assertReads(window + CHANGED_PAGE, 0x2222);
        }
        assertReads(ONE_GIB + OTHER_PAGE, 0x1111);
        change();
        for (long window : windows) {
            assertReads(window + CHANGED_PAGE, 0x3333);
        }
        assertReadsWithoutWalk(ONE_GIB + OTHER_PAGE, 0x1111);
    }

    @Test
    void placeThatIsGivenUpIsForgotten() {
        link(domain.l2, 1, domain.l1);
        link(domain.l2, 2, domain.l1);
        assertThat(domain.update(domain.l2, 1, 0)).isZero();
        assertThat(domain.frames.link(domain.l1)).isEqualTo(FrameTable.LINK_SEVERAL);
        assertThat(domain.update(domain.l2, 2, 0)).isZero();
        assertThat(domain.frames.link(domain.l1)).isEqualTo(domain.l2 << 12);
        assertReads(CHANGED_PAGE, 0x2222);
        assertReads(OTHER_PAGE, 0x1111);
        change();
        assertReads(CHANGED_PAGE, 0x3333);
        assertReadsWithoutWalk(OTHER_PAGE, 0x1111);
        assertThatThrownBy(() -> mmu.read64(TWO_MIB + CHANGED_PAGE)).isInstanceOf(GuestFault.class);
    }

    @Test
    void tableAtMorePlacesThanAreKeptLosesEverything() {
        for (int slot = 1; slot <= TableLinks.MAX_PLACES; slot++) {
            link(domain.l2, slot, domain.l1);
        }
        for (int slot = 0; slot <= TableLinks.MAX_PLACES; slot++) {
            assertReads(slot * TWO_MIB + CHANGED_PAGE, 0x2222);
        }
        change();
        for (int slot = 0; slot <= TableLinks.MAX_PLACES; slot++) {
            assertReads(slot * TWO_MIB + CHANGED_PAGE, 0x3333);
        }
    }

    @Test
    void tableAtTwoSlotsOfARootIsFollowedAtBoth() {
        link(domain.l4, 1, domain.l3);
        long second = 1L << 39;
        assertReads(CHANGED_PAGE, 0x2222);
        assertReads(second + CHANGED_PAGE, 0x2222);
        change();
        assertReads(CHANGED_PAGE, 0x3333);
        assertReads(second + CHANGED_PAGE, 0x3333);
    }
}
