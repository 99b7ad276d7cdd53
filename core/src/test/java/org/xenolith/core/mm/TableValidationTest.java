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
import org.xenolith.cpu.mmu.Ram;

class TableValidationTest extends LockedFrames {
    private static final int LAST = Pte.ENTRIES - 1;

    private final TableValidation validation = new TableValidation(domain.types);
    private final RecordedShootdown tlb = new RecordedShootdown();
    private final long table = domain.page();
    private final long first = domain.page();
    private final long last = domain.page();

    private static long placeOf(long tableMfn, int slot) {
        return tableMfn << Ram.PAGE_SHIFT | slot * 8L;
    }

    @Test
    void everyPresentEntryOfAnL1TableTakesItsFrameAndGivesItBack() {
        domain.set(table, 0, entry(first, RW));
        domain.set(table, 1, entry(first, RO));
        domain.set(table, 2, entry(last, RW & ~Pte.PRESENT));
        domain.set(table, LAST, entry(last, RW));
        assertThat(validation.get(table, FrameType.L1_TABLE, tlb)).isZero();
        assertHeld(first, 3, 1);
        assertHeld(last, 2, 1);
        validation.put(table, FrameType.L1_TABLE, tlb);
        assertHeld(first, 1, 0);
        assertHeld(last, 1, 0);
    }

    @Test
    void everyPresentEntryOfAnUpperTableTakesItsTableAndLinksIt() {
        domain.set(table, 0, entry(first, TABLE));
        domain.set(table, LAST, entry(last, TABLE));
        assertThat(validation.get(table, FrameType.L2_TABLE, tlb)).isZero();
        assertHeld(first, 2, 1);
        assertHeld(last, 2, 1);
        assertThat(frames.type(last)).isEqualTo(FrameType.L1_TABLE);
        assertThat(frames.link(first)).isEqualTo(placeOf(table, 0));
        assertThat(frames.link(last)).isEqualTo(placeOf(table, LAST));
        validation.put(table, FrameType.L2_TABLE, tlb);
        assertHeld(first, 1, 0);
        assertHeld(last, 1, 0);
        assertThat(frames.link(last)).isEqualTo(FrameTable.LINK_NONE);
    }

    @Test
    void l1TableWithABadEntryTakesNothing() {
        domain.set(table, 0, entry(first, RW));
        domain.set(table, 1, entry(first, RO));
        domain.set(table, LAST, entry(domain.l4, RW));
        assertThat(validation.get(table, FrameType.L1_TABLE, tlb)).isEqualTo(-EBUSY);
        assertHeld(first, 1, 0);
    }

    @Test
    void upperTableWithABadEntryTakesAndLinksNothing() {
        domain.set(table, 0, entry(domain.l1, TABLE));
        domain.set(table, 1, entry(first, TABLE));
        domain.set(table, LAST, entry(domain.l4, TABLE));
        long place = frames.link(domain.l1);
        int references = frames.references(domain.l1);
        assertThat(validation.get(table, FrameType.L2_TABLE, tlb)).isEqualTo(-EINVAL);
        assertHeld(first, 1, 0);
        assertHeld(domain.l1, references, 1);
        assertThat(frames.link(domain.l1)).isEqualTo(place);
    }

    @Test
    void slotsOfTheHypervisorInARootAreNotLookedAt() {
        domain.set(table, Pte.HYPERVISOR_FIRST_SLOT - 1, entry(first, TABLE));
        for (int slot = Pte.HYPERVISOR_FIRST_SLOT; slot <= Pte.HYPERVISOR_LAST_SLOT; slot++) {
            domain.set(table, slot, -1);
        }
        domain.set(table, Pte.HYPERVISOR_LAST_SLOT + 1, entry(last, TABLE));
        assertThat(validation.get(table, FrameType.L4_TABLE, tlb)).isZero();
        assertHeld(first, 2, 1);
        assertHeld(last, 2, 1);
        validation.put(table, FrameType.L4_TABLE, tlb);
        assertHeld(first, 1, 0);
        assertHeld(last, 1, 0);
    }

    @Test
    void tableWhoseChildMustWaitForSiblingsTakesNothing() {
        frames.setLink(last, 5); // the stamp of a writable mapping's end
        tlb.settled = false;
        domain.set(table, 0, entry(first, TABLE));
        domain.set(table, 1, entry(last, TABLE));
        assertThat(validation.get(table, FrameType.L2_TABLE, tlb)).isEqualTo(PageTypes.NOT_SETTLED);
        assertThat(domain.types.unsettledStamp()).isEqualTo(5);
        assertHeld(first, 1, 0);
        assertHeld(last, 1, 0);
        assertThat(frames.link(last)).isEqualTo(5);
    }
}
