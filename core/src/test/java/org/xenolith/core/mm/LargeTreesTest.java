package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EBUSY;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.EPERM;
import static org.xenolith.core.mm.TestDomain.ARGUMENTS;
import static org.xenolith.core.mm.TestDomain.DONE;
import static org.xenolith.core.mm.TestDomain.RO;
import static org.xenolith.core.mm.TestDomain.RW;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.MmuExtOp;

import java.util.ArrayList;
import java.util.List;

/** Trees with more tables than one hold of the frame table's lock validates or lets go of. */
class LargeTreesTest {
    private static final int PER_HOLD = 8;

    /** A change is followed by the first of its old tables. */
    private static final int AT_ONCE = 2 * PER_HOLD;

    private static final int L2_TABLES = 3;
    private static final int L1_TABLES = 40;
    private static final int ROOT_SLOT = 3;

    private final TestDomain domain = new TestDomain(PER_HOLD);
    private final FrameTable frames = domain.frames;
    private final TestDomain.Vcpu vcpu = domain.vcpu;
    private final long root = domain.page();
    private final long l3 = domain.page();
    private final long[] l2 = new long[L2_TABLES];
    private final long[][] l1 = new long[L2_TABLES][L1_TABLES];

    /** In the order in which they are validated. */
    private final List<Long> tables = new ArrayList<>(List.of(root, l3));

    /** Frames that became tables, or ceased to be, since it was last asked whether to pause. */
    private int retyped;

    private int retypedAtMost;
    private int pieces;
    private int pauses;

    LargeTreesTest() {
        domain.set(root, ROOT_SLOT, entry(l3, TABLE));
        for (int i = 0; i < L2_TABLES; i++) {
            l2[i] = domain.page();
            tables.add(l2[i]);
            domain.set(l3, i, entry(l2[i], TABLE));
            for (int k = 0; k < L1_TABLES; k++) {
                l1[i][k] = domain.page();
                tables.add(l1[i][k]);
                domain.set(l2[i], k, entry(l1[i][k], TABLE));
                domain.set(l1[i][k], k, entry(domain.pages[k], RW));
            }
        }
        domain.types.onRetype((_, _, _) -> retypedAtMost = Math.max(retypedAtMost, ++retyped));
        vcpu.betweenPieces = this::lockIsFree;
        vcpu.whilePaused = () -> pauses++;
    }

    private void lockIsFree() {
        assertThat(frames.lock.isHeldByCurrentThread()).isFalse();
        retyped = 0;
        pieces++;
    }

    private long pin() {
        return domain.extOp(MmuExtOp.PIN_L4_TABLE, root, 0);
    }

    private long unpin() {
        return domain.extOp(MmuExtOp.UNPIN_TABLE, root, 0);
    }

    private void countAnew() {
        retyped = 0;
        retypedAtMost = 0;
        pieces = 0;
    }

    private void assertAllTables() {
        for (long mfn : tables) {
            assertThat(frames.typeCount(mfn)).as("uses of %#x", mfn).isEqualTo(1);
            assertThat(frames.references(mfn)).as("references to %#x", mfn).isEqualTo(2);
        }
        assertThat(kept()).isEmpty();
    }

    private long[] kept() {
        return domain.types.work().kept().toArray();
    }

    /** Uses of and references to all frames. */
    private int[] counts() {
        int end = (int) (frames.reservation().mfns().next() - FrameTable.RAM_BASE);
        int[] counts = new int[end * 2];
        for (int i = 0; i < end; i++) {
            counts[2 * i] = frames.typeCount(FrameTable.RAM_BASE + i);
            counts[2 * i + 1] = frames.references(FrameTable.RAM_BASE + i);
        }
        return counts;
    }

    /** Makes a pin that pauses, and does not come back. */
    private void abandonPin() {
        vcpu.pausing = true;
        TestDomain.putExtOp(vcpu, MmuExtOp.PIN_L4_TABLE, root, 0);
        assertThat(domain.mmuExtOps.handle(vcpu, ARGUMENTS, 1, 0, DomId.SELF)).isZero();
        assertThat(vcpu.again).isNotNull();
        vcpu.again = null;
        assertThat(kept()).isNotEmpty();
    }

    private void abandonUnpin() {
        assertThat(pin()).isZero();
        vcpu.pausing = true;
        TestDomain.putExtOp(vcpu, MmuExtOp.UNPIN_TABLE, root, 0);
        assertThat(domain.mmuExtOps.handle(vcpu, ARGUMENTS, 1, 0, DomId.SELF)).isZero();
        assertThat(vcpu.again).isNotNull();
        vcpu.again = null;
        assertThat(kept()).isNotEmpty();
    }

    // ---- pieces ----

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tableIsPinnedAndUnpinnedAFewTablesAHoldOfTheLock(boolean pausing) {
        int[] before = counts();
        vcpu.pausing = pausing;
        assertThat(pin()).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(pieces).isGreaterThan(tables.size() / PER_HOLD);
        assertThat(pauses).isEqualTo(pausing ? pieces : 0);
        assertThat(frames.isPinned(root)).isTrue();
        assertAllTables();
        countAnew();
        assertThat(unpin()).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(pieces).isGreaterThan(tables.size() / PER_HOLD - 3);
        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void smallTreeIsPinnedInOnePiece() {
        long table = domain.page();
        for (int i = 0; i < PER_HOLD - 1; i++) {
            domain.set(table, i, entry(l1[0][i], TABLE));
        }
        assertThat(domain.extOp(MmuExtOp.PIN_L2_TABLE, table, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.UNPIN_TABLE, table, 0)).isZero();
        assertThat(pieces).isZero();
    }

    @Test
    @Timeout(60)
    void whoWaitsForTheLockGetsItBeforeTheLastPiece() throws Exception {
        int[] seen = new int[2];
        Thread[] neighbour = new Thread[1];
        domain.types.onRetype(
                (_, _, _) -> {
                    if (seen[0]++ == 0) {
                        neighbour[0] =
                                Thread.ofPlatform()
                                        .start(
                                                () -> {
                                                    frames.lock.lock();
                                                    seen[1] = seen[0];
                                                    frames.lock.unlock();
                                                });
                        while (!frames.lock.hasQueuedThread(neighbour[0])) {
                            Thread.onSpinWait();
                        }
                    }
                });
        assertThat(pin()).isZero();
        neighbour[0].join();
        assertThat(seen[1]).isBetween(1, tables.size() - 1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void entryThatLeadsToALargeTreeIsSetAndClearedInPieces(boolean pausing) {
        domain.set(domain.pages[0], 0, 77);
        int[] before = counts();
        vcpu.pausing = pausing;
        assertThat(domain.update(domain.l4, ROOT_SLOT, entry(l3, TABLE))).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(vcpu.mmu().read64((long) ROOT_SLOT << 39)).isEqualTo(77);
        countAnew();
        assertThat(domain.update(domain.l4, ROOT_SLOT, 0)).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(counts()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rootIsLoadedAndLeftInPieces(boolean pausing) {
        domain.set(root, 0, entry(domain.l3, TABLE));
        int[] before = counts();
        vcpu.pausing = pausing;
        assertThat(domain.extOp(MmuExtOp.NEW_BASEPTR, root, 0)).isZero();
        assertThat(vcpu.basePtr()).isEqualTo(root);
        assertThat(domain.extOp(MmuExtOp.NEW_USER_BASEPTR, root, 0)).isZero();
        assertThat(domain.extOp(MmuExtOp.NEW_BASEPTR, domain.l4, 0)).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        countAnew();
        assertThat(domain.extOp(MmuExtOp.NEW_USER_BASEPTR, 0, 0)).isZero();
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(pieces).isGreaterThan(tables.size() / PER_HOLD - 3);
        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void listOfOperationsIsCountedOverAllPauses() {
        vcpu.pausing = true;
        long[] next = {MmuExtOp.PIN_L4_TABLE, MmuExtOp.UNPIN_TABLE, MmuExtOp.PIN_L2_TABLE};
        long[] of = {root, root, domain.pages[0]};
        for (int i = 0; i < next.length; i++) {
            vcpu.mmu().write32(ARGUMENTS + 24L * i, (int) next[i]);
            vcpu.mmu().write64(ARGUMENTS + 24L * i + 8, of[i]);
        }
        int[] before = counts();
        long result = domain.mmuExtOps.handle(vcpu, ARGUMENTS, 3, DONE, DomId.SELF);
        while (vcpu.again != null) {
            long[] left = vcpu.again;
            vcpu.again = null;
            result = domain.mmuExtOps.handle(vcpu, left[0], left[1], left[2], left[3]);
        }
        assertThat(result).isEqualTo(-EINVAL);
        assertThat(vcpu.mmu().read32(DONE)).isEqualTo(2);
        assertThat(counts()).isEqualTo(before);
    }

    // ---- what goes wrong in the middle ----

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void badEntryDeepInTheTreeLeavesEveryCountAsItWas(boolean pausing) {
        domain.set(l1[2][30], 500, entry(frames.limitMfn() + 3, RO));
        int[] before = counts();
        vcpu.pausing = pausing;
        assertThat(pin()).isEqualTo(-EPERM);
        assertThat(retypedAtMost).isBetween(1, AT_ONCE);
        assertThat(counts()).isEqualTo(before);
        assertThat(domain.update(domain.l4, ROOT_SLOT, entry(l3, TABLE))).isEqualTo(-EPERM);
        assertThat(counts()).isEqualTo(before);
        assertThat(domain.get(domain.l4, ROOT_SLOT)).isZero();
    }

    @Test
    void tableThatIsDoneIsNoFrameToWriteTo() {
        abandonPin();
        assertThat(domain.update(domain.l1, 200, entry(l1[0][0], RW))).isEqualTo(-EBUSY);
        assertThat(domain.update(domain.l1, 200, entry(l1[2][30], RW))).as("not yet done").isZero();
        assertThat(domain.update(domain.l1, 200, 0)).isZero();
    }

    @Test
    void entryThatASiblingMakesBadBetweenThePiecesIsSeen() {
        int[] before = counts();
        vcpu.pausing = true;
        vcpu.whilePaused = () -> domain.set(l1[2][30], 7, entry(domain.l4, RW));
        assertThat(pin()).isEqualTo(-EBUSY);
        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void tableThatASiblingTakesOutOfTheTreeBetweenThePiecesIsNoneInTheEnd() {
        vcpu.pausing = true;
        vcpu.whilePaused = () -> domain.set(l2[0], 0, 0);
        assertThat(pin()).isZero();
        assertThat(frames.typeCount(l1[0][0])).isZero();
        assertThat(frames.references(l1[0][0])).isEqualTo(1);
        tables.remove(l1[0][0]);
        assertAllTables();
    }

    @Test
    void tableThatASiblingUsesAsAnotherBetweenThePiecesIsRefused() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        int[] before = counts();
        vcpu.pausing = true;
        long stolen = l1[2][30];
        domain.set(stolen, 30, 0);
        vcpu.whilePaused = () -> domain.extOp(sibling, MmuExtOp.PIN_L2_TABLE, stolen, 0);
        assertThat(pin()).isEqualTo(-EINVAL);
        assertThat(domain.extOp(sibling, MmuExtOp.UNPIN_TABLE, stolen, 0)).isZero();
        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void frameGivenBackBetweenThePiecesLeavesWithItsLastUse() {
        long pages = frames.reservation().currentPages();
        vcpu.pausing = true;
        vcpu.whilePaused =
                () -> {
                    if (pauses++ == 0) {
                        frames.lock.lock();
                        assertThat(frames.reservation().decrease(l1[0][0], vcpu.tlb())).isTrue();
                        frames.lock.unlock();
                    }
                };
        assertThat(pin()).isZero();
        assertThat(frames.typeCount(l1[0][0])).isEqualTo(1);
        assertThat(frames.reservation().currentPages()).isEqualTo(pages);
        assertThat(unpin()).isZero();
        assertThat(frames.exists(l1[0][0])).isFalse();
        assertThat(frames.reservation().currentPages()).isEqualTo(pages - 1);
    }

    @Test
    void siblingThatPinsTheSameTreeMeanwhileCountsWhatIsDone() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        vcpu.pausing = true;
        vcpu.whilePaused =
                () -> {
                    if (pauses++ == 0) {
                        assertThat(domain.extOp(sibling, MmuExtOp.PIN_L3_TABLE, l3, 0)).isZero();
                    }
                };
        assertThat(pin()).isZero();
        assertThat(domain.extOp(sibling, MmuExtOp.UNPIN_TABLE, l3, 0)).isZero();
        assertAllTables();
    }

    // ---- what never comes to its end ----

    @Test
    void hypercallThatIsNeverTakenUpAgainGivesUpWhatItHadDone() {
        int[] before = counts();
        abandonPin();
        vcpu.pausing = false;
        for (int i = 0; i <= UnfinishedTables.MOST_IDLE; i++) {
            domain.update(domain.l1, 200, 0);
        }
        assertThat(kept()).isEmpty();
        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void handlerOfEventsThatChangesTablesMeanwhileUndoesNothing() {
        abandonPin();
        int done = kept().length;
        vcpu.pausing = false;
        for (int i = 0; i < 100; i++) {
            assertThat(domain.extOp(MmuExtOp.PIN_L1_TABLE, domain.page(), 0)).isZero();
        }
        assertThat(kept()).hasSize(done);
    }

    @Test
    void anotherLargeTreeOfTheSameVcpuGivesUpTheFirst() {
        abandonPin();
        vcpu.pausing = false;
        assertThat(domain.extOp(MmuExtOp.PIN_L2_TABLE, l2[2], 0)).isZero();
        assertThat(kept()).isEmpty();
        assertThat(domain.extOp(MmuExtOp.UNPIN_TABLE, l2[2], 0)).isZero();
        assertThat(pin()).isZero();
        assertAllTables();
    }

    @Test
    void oldTablesThatAreLeftAreLetGoOfByTheNextCall() {
        TestDomain.Vcpu sibling = domain.addVcpu();
        int[] before = counts();
        abandonUnpin();
        assertThat(domain.mmuUpdate.handle(sibling, ARGUMENTS, 0, 0, DomId.SELF)).isZero();
        assertThat(counts()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void domainThatEndsInTheMiddleGivesEveryFrameBack(boolean pinning) {
        if (pinning) {
            abandonPin();
        } else {
            abandonUnpin();
        }
        frames.releaseAll();
        frames.tlbs().reclaim();
        assertThat(frames.pool().freeFrames()).isEqualTo(TestDomain.POOL_PAGES);
        assertThat(frames.reservation().currentPages()).isZero();
    }

    @Test
    void whatIsKeptInTheMiddleIsInNoSnapshot() {
        abandonPin();
        assertThat(pinnedInSnapshot()).containsExactly(domain.l4);
        vcpu.pausing = false;
        abandonUnpin();
        assertThat(pinnedInSnapshot()).containsExactly(domain.l4);
    }

    private List<Long> pinnedInSnapshot() {
        return SavedFrames.of(frames).frames().stream()
                .filter(frame -> frame.pinnedAs() != FrameType.NONE)
                .map(SavedFrames.Frame::mfn)
                .toList();
    }

    @Test
    void callThatGoesOnInARestoredDomainFindsNothingLeftToDo() {
        abandonUnpin();
        TestDomain restored = new TestDomain(PER_HOLD);
        restored.vcpu.pausing = true;
        long left = MmuUpdate.PREEMPTED;
        assertThat(restored.mmuExtOps.handle(restored.vcpu, ARGUMENTS, left, 0, DomId.SELF))
                .isZero();
        long failed = MmuUpdate.withFailure(DomId.SELF, -EPERM);
        assertThat(restored.mmuExtOps.handle(restored.vcpu, ARGUMENTS, left, 0, failed))
                .isEqualTo(-EPERM);
        assertThat(restored.vcpu.again).isNull();
    }
}
