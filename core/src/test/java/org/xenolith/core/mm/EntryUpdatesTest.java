package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Pte;

/** What a change of an entry drops, takes and gives back, and in which order. */
class EntryUpdatesTest extends LockedFrames {
    private static final int SLOT = 5;
    private static final String PAGE = "page 0x5000";

    private final EntryUpdates updates = new EntryUpdates(domain.types);
    private final RecordedShootdown tlb = new RecordedShootdown();
    private final long old = domain.pages[SLOT];
    private final long other = domain.page();

    private int update(long table, int slot, long entry) {
        return updates.update(table, slot, entry, false, tlb);
    }

    @Test
    void pageIsDroppedWhileItsFrameIsStillHeld() {
        tlb.atDrop = drop -> assertHeld(old, 2, 1);
        assertThat(update(domain.l1, SLOT, entry(other, RW))).isZero();
        assertThat(tlb.drops).containsExactly(PAGE);
        assertHeld(old, 1, 0);
        assertHeld(other, 2, 1);
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(entry(other, RW));
    }

    @Test
    void flagThatNoTlbSeesDropsNothingAndKeepsTheFrame() {
        assertThat(update(domain.l1, SLOT, entry(old, RW | 1 << 9))).isZero();
        assertThat(tlb.drops).isEmpty();
        assertHeld(old, 2, 1);
    }

    @Test
    void lostPermissionToExecuteDropsThePageAndKeepsTheFrame() {
        assertThat(update(domain.l1, SLOT, entry(old, RW | Pte.NO_EXECUTE))).isZero();
        assertThat(tlb.drops).containsExactly(PAGE);
        assertHeld(old, 2, 1);
    }

    @Test
    void lostPermissionToWriteEndsTheUseAsWritable() {
        assertThat(update(domain.l1, SLOT, entry(old, RO))).isZero();
        assertThat(tlb.drops).containsExactly(PAGE);
        assertHeld(old, 2, 0);
    }

    @Test
    void entryThatWasNotPresentHasNothingToDrop() {
        assertThat(update(domain.l1, 200, entry(other, RO))).isZero();
        assertThat(update(domain.l1, 201, entry(other, RO) & ~Pte.PRESENT)).isZero();
        assertThat(tlb.drops).isEmpty();
        assertHeld(other, 2, 0);
    }

    @Test
    void refusedEntryChangesNothing() {
        assertThat(update(domain.l1, SLOT, entry(domain.l2, RW))).isEqualTo(-EBUSY);
        assertThat(update(domain.l1, SLOT, entry(old, RW | Pte.PAGE_SIZE))).isEqualTo(-EINVAL);
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(entry(old, RW));
        assertThat(update(domain.l2, 0, entry(domain.l4, TABLE))).isEqualTo(-EINVAL);
        assertThat(update(domain.l2, 0, entry(domain.l1, TABLE | Pte.PAGE_SIZE)))
                .isEqualTo(-EINVAL);
        assertThat(domain.get(domain.l2, 0)).isEqualTo(entry(domain.l1, TABLE));
        assertThat(tlb.drops).isEmpty();
        assertHeld(old, 2, 1);
    }

    @Test
    void accessedAndDirtyStayOnlyWhenAskedTo() {
        domain.set(domain.l1, SLOT, entry(old, RW | Pte.DIRTY));
        long clear = entry(old, RW) & ~Pte.ACCESSED;
        assertThat(updates.update(domain.l1, SLOT, clear, true, tlb)).isZero();
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(entry(old, RW | Pte.DIRTY));
        assertThat(update(domain.l1, SLOT, clear)).isZero();
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(clear);
        assertHeld(old, 2, 1);
    }

    @Test
    void whatAnUpperEntryLedToIsDroppedWhileTheTableIsStillOne() {
        tlb.atDrop = drop -> assertThat(frames.typeCount(domain.l1)).isEqualTo(1);
        assertThat(update(domain.l2, 0, 0)).isZero();
        assertThat(tlb.drops).containsExactly("table %#x".formatted(domain.l3));
        assertThat(frames.typeCount(domain.l1)).isZero();
        assertHeld(old, 1, 0);
    }

    @Test
    void upperEntryThatLosesAccessedIsStaleUnlessItIsPreserved() {
        long clear = entry(domain.l1, TABLE) & ~Pte.ACCESSED;
        assertThat(updates.update(domain.l2, 0, clear, true, tlb)).isZero();
        assertThat(tlb.drops).isEmpty();
        assertThat(update(domain.l2, 0, clear)).isZero();
        assertThat(tlb.drops).containsExactly("table %#x".formatted(domain.l3));
        assertThat(frames.typeCount(domain.l1)).isEqualTo(1);
    }

    @Test
    void entryOfARootDropsTheRoot() {
        assertThat(update(domain.l4, 0, entry(domain.l3, TABLE | Pte.NO_EXECUTE))).isZero();
        assertThat(tlb.drops).containsExactly("root %#x".formatted(domain.l4));
    }

    @Test
    void newUpperEntryLinksItsTable() {
        assertThat(update(domain.l2, 7, entry(other, TABLE))).isZero();
        assertThat(frames.link(other)).isEqualTo(domain.l2 << 12 | 7 * 8);
        assertThat(update(domain.l2, 7, entry(other, TABLE | 1 << 9))).isZero();
        assertThat(frames.link(other)).isEqualTo(domain.l2 << 12 | 7 * 8);
        assertThat(tlb.drops).isEmpty();
    }

    @Test
    void clearedUpperEntryIsNoPlaceOfItsTableAnyMore() {
        assertThat(update(domain.l2, 7, entry(domain.l1, TABLE))).isZero();
        assertThat(frames.link(domain.l1)).isEqualTo(FrameTable.LINK_SEVERAL);
        assertThat(update(domain.l2, 7, 0)).isZero();
        assertThat(frames.link(domain.l1)).isEqualTo(domain.l2 << 12);
    }

    @Test
    void replacedEntryGivesTheOldFrameBackAndTakesNoneItself() {
        updates.replaceL1(domain.l1, SLOT, entry(other, RO), tlb);
        assertThat(domain.get(domain.l1, SLOT)).isEqualTo(entry(other, RO));
        assertThat(tlb.drops).containsExactly(PAGE);
        assertHeld(old, 1, 0);
        assertHeld(other, 1, 0);
    }
}
