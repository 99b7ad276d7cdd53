package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.cpu.mmu.Pte;

/** Bits by their number in SDM vol. 3A, table 4-20: the masks are not asked about themselves. */
class EntryRulesTest {
    private static final long ENTRY = 0x12345L << 12 | Pte.PRESENT | Pte.WRITABLE | Pte.USER;
    private static final int USER = 2;
    private static final int ACCESSED = 5;
    private static final int DIRTY = 6;
    private static final int GLOBAL = 8;
    private static final int NO_EXECUTE = 63;

    /** 9 to 11 and 52 to 62 are ignored by the walk. */
    private static boolean isSoftwares(int bit) {
        return bit >= 9 && bit <= 11 || bit >= 52 && bit <= 62;
    }

    private static boolean isInvisible(int bit) {
        return isSoftwares(bit) || bit == GLOBAL || bit == USER;
    }

    private static long flipped(int bit) {
        return ENTRY ^ 1L << bit;
    }

    @ParameterizedTest
    @CsvSource({"3,false,false", "4,false,false", "7,false,false", "8,true,false"})
    void cachingLargePagesAndGlobalUpperEntriesAreXens(int bit, boolean inL1, boolean inUpper) {
        assertThat(EntryRules.isAllowedInL1(ENTRY | 1L << bit)).isEqualTo(inL1);
        assertThat(EntryRules.isAllowedInUpper(ENTRY | 1L << bit)).isEqualTo(inUpper);
    }

    @Test
    void everyOtherFlagIsTheGuests() {
        long xens = Pte.WRITE_THROUGH | Pte.CACHE_DISABLE | Pte.PAGE_SIZE | Pte.GLOBAL;
        assertThat(EntryRules.isAllowedInL1(~xens)).isTrue();
        assertThat(EntryRules.isAllowedInUpper(~xens)).isTrue();
    }

    @Test
    void entryKeepsItsFrameUnlessFramePermissionToWriteOrPresenceChanges() {
        assertThat(EntryRules.keepsFrame(ENTRY, ENTRY)).isTrue();
        for (int bit = 0; bit < 64; bit++) {
            boolean harmless =
                    isInvisible(bit) || bit == ACCESSED || bit == DIRTY || bit == NO_EXECUTE;
            assertThat(EntryRules.keepsFrame(ENTRY, flipped(bit)))
                    .as("bit %d", bit)
                    .isEqualTo(harmless);
        }
    }

    @Test
    void pageIsStaleWhenTheTlbWouldAnswerOtherwise() {
        assertThat(EntryRules.makesPageStale(ENTRY, ENTRY)).isFalse();
        for (int bit = 0; bit < 64; bit++) {
            assertThat(EntryRules.makesPageStale(ENTRY, flipped(bit)))
                    .as("bit %d", bit)
                    .isEqualTo(!isInvisible(bit));
        }
    }

    @Test
    void tableIsStaleByItsAccessedBitOnlyWhenThatCanBeLost() {
        assertThat(EntryRules.makesTableStale(ENTRY, ENTRY, false)).isFalse();
        for (int bit = 0; bit < 64; bit++) {
            boolean unseen = isInvisible(bit) || bit == DIRTY;
            assertThat(EntryRules.makesTableStale(ENTRY, flipped(bit), false))
                    .as("bit %d", bit)
                    .isEqualTo(!unseen);
            assertThat(EntryRules.makesTableStale(ENTRY, flipped(bit), true))
                    .as("bit %d, preserved", bit)
                    .isEqualTo(!unseen && bit != ACCESSED);
        }
    }

    @Test
    void preservedBitsAreThoseOfTheWalkOnly() {
        assertThat(EntryRules.preservingAd(-1, ENTRY)).isEqualTo(ENTRY | Pte.ACCESSED | Pte.DIRTY);
        assertThat(EntryRules.preservingAd(0, ENTRY | Pte.DIRTY)).isEqualTo(ENTRY | Pte.DIRTY);
    }

    @ParameterizedTest
    @CsvSource({"255,true", "256,false", "264,false", "271,false", "272,true"})
    void hypervisorHasSlotsInRootsOnly(int slot, boolean guests) {
        assertThat(EntryRules.isGuestSlot(FrameType.L4_TABLE, slot)).isEqualTo(guests);
        assertThat(EntryRules.isGuestSlot(FrameType.L3_TABLE, slot)).isTrue();
        assertThat(EntryRules.isGuestSlot(FrameType.L2_TABLE, slot)).isTrue();
    }
}
