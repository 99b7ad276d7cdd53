package org.xenolith.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.mmu.Ram;

/** Looks at a domain that stands, and takes over what was found when it is told to. */
class ScanTest {
    private static final int PAGE = 0x30;
    private static final int LIKE_IT = 0x31;

    private final PvGuest guest = new PvGuest(1, GuestClock.virtual());
    private final FrameTable frames = guest.memory.frames;
    private final Candidates candidates = new Candidates();
    private final Scan scan = new Scan(guest.domain);

    ScanTest() {
        put(PAGE, 'x');
        put(LIKE_IT, 'x');
    }

    private void put(int page, int value) {
        guest.put((long) page * Ram.PAGE_SIZE, value);
    }

    private void pass() {
        scan.look(0, scan.frames(), candidates);
        // Each batch is handed over when the one before has been taken.
        while (guest.domain.hasPosted()) {
            guest.domain.applyPostedWhilePaused();
            scan.handOver();
        }
    }

    private boolean isShared(int page) {
        return frames.isShared(guest.memory.pages[page]);
    }

    @Test
    void pagesThatStayAsTheyAreAndHoldTheSameAreShared() {
        pass();
        assertThat(isShared(PAGE)).as("seen once only").isFalse();

        pass();

        assertThat(isShared(PAGE)).isTrue();
        assertThat(isShared(LIKE_IT)).isTrue();
    }

    @Test
    void aPageThatChangesAllTheTimeIsNotShared() {
        for (int i = 0; i < 4; i++) {
            put(PAGE, i);
            put(LIKE_IT, i);
            pass();
        }

        assertThat(isShared(PAGE)).isFalse();
    }

    @Test
    void aPageThatIsLikeAKnownOneIsSharedAtOnce() {
        pass();
        pass();
        put(PAGE + 2, 'x');

        pass();

        assertThat(isShared(PAGE + 2)).isTrue();
    }

    @Test
    void aPageThatHasChangedSinceItWasFoundIsLeftAlone() {
        pass();
        scan.look(0, scan.frames(), candidates);
        put(PAGE, 'y');

        pass();

        assertThat(isShared(PAGE)).isFalse();
        assertThat(guest.vcpu(0).mmu().read8((long) PAGE * Ram.PAGE_SIZE)).isEqualTo('y');
    }

    @Test
    void aDomainThatTakesNothingIsNotAskedForMoreWithoutEnd() {
        for (int i = 0; i < 40; i++) {
            scan.look(0, scan.frames(), candidates);
        }

        assertThat(scan.isBehind()).isTrue();
        int batches = 0;
        while (guest.domain.hasPosted()) {
            guest.domain.applyPostedWhilePaused();
            scan.handOver();
            batches++;
        }
        assertThat(batches).isLessThanOrEqualTo(20);
    }

    @Test
    void framesOfADomainThatIsGoneAreNotMet() {
        pass();
        candidates.forget(scan);
        Scan again = new Scan(guest.domain);

        again.look(0, again.frames(), candidates);

        assertThat(guest.domain.hasPosted()).isFalse();
    }
}
