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

class EntryReferencesTest extends LockedFrames {
    private final EntryReferences references = new EntryReferences(domain.types);
    private final long page = domain.page();

    @Test
    void readOnlyEntryTakesAReferenceAndNoUse() {
        assertThat(references.getL1(entry(page, RO))).isZero();
        assertHeld(page, 2, 0);
        references.putL1(entry(page, RO), TlbShootdown.NONE);
        assertHeld(page, 1, 0);
    }

    @Test
    void writableEntryTakesAUseAsWritable() {
        assertThat(references.getL1(entry(page, RW))).isZero();
        assertHeld(page, 2, 1);
        assertThat(frames.type(page)).isEqualTo(FrameType.WRITABLE);
        references.putL1(entry(page, RW), TlbShootdown.NONE);
        assertHeld(page, 1, 0);
    }

    @Test
    void writableEntryOfATableTakesNothing() {
        int before = frames.references(domain.l1);
        assertThat(references.getL1(entry(domain.l1, RW))).isEqualTo(-EBUSY);
        assertHeld(domain.l1, before, 1);
    }

    @Test
    void entryOfAFrameThatIsGrantedIsRefusedThoughThereIsOne() {
        long mfn = frames.grantWindow().add(frames.frame(page), false);
        assertThat(references.getL1(entry(mfn, RO))).isEqualTo(-EBUSY);
        assertHeld(mfn, 1, 0);
    }

    @Test
    void entryWithFlagsOfXensTakesNothing() {
        assertThat(references.getL1(entry(page, RO | Pte.CACHE_DISABLE))).isEqualTo(-EINVAL);
        assertThat(references.getUpper(2, entry(page, TABLE | Pte.GLOBAL), TlbShootdown.NONE))
                .isEqualTo(-EINVAL);
        assertHeld(page, 1, 0);
    }

    @Test
    void upperEntryTakesATableOfTheLevelBelow() {
        for (int level = FrameType.L2_TABLE; level <= FrameType.L4_TABLE; level++) {
            long entry = entry(page, TABLE);
            assertThat(references.getUpper(level, entry, TlbShootdown.NONE)).isZero();
            assertHeld(page, 2, 1);
            assertThat(frames.type(page)).isEqualTo(level - 1);
            references.putUpper(entry, TlbShootdown.NONE);
            assertHeld(page, 1, 0);
        }
    }
}
