package org.xenolith.core.grant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.GrantCommand.GNTST_EAGAIN;
import static org.xenolith.core.abi.GrantCommand.GNTST_OKAY;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.GrantEntry;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.FrameSharing;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageDigest;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.cpu.mmu.Ram;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A domain grants a frame that it shares with a neighbour. */
class SharedFramesGrantedTest {
    private static final int BACKEND = 0;
    private static final int REF = 100;
    private static final int PAGE = 0x30;
    private static final long AT = 0x30000;
    private static final long CONTENT = 0x5555_aaaaL;

    private final FramePool pool = TestMemory.freshPool(64 << 20);
    private final TestDomain granter = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final TestDomain neighbour = new TestDomain(TestMemory.freshFrames(pool, 1024));
    private final GrantTable table = new GrantTable(granter.types, written -> {});

    @BeforeEach
    void theGranterRunsAndSharesWhatItGrants() throws FrameTable.OutOfMemory {
        granter.frames.xenFrames().add(); // the shared page
        table.grow(1);
        for (TestDomain domain : new TestDomain[] {granter, neighbour}) {
            domain.vcpu.tlb().enter();
            domain.vcpu.mmu().write64(AT, CONTENT);
            long digest = PageDigest.of(domain.frames.frame(domain.pages[PAGE]));
            new FrameSharing(domain.frames)
                    .share(new long[] {domain.pages[PAGE]}, new long[] {digest});
        }
        assertThat(granter.frames.isShared(granter.pages[PAGE])).isTrue();
        long entry = granter.frames.frame(table.frameMfn(0)) + REF * 8L;
        Ram.putInt(entry + GrantEntry.FRAME, (int) granter.pages[PAGE]);
        Ram.putInt(entry, BACKEND << 16 | GrantEntry.GTF_PERMIT_ACCESS);
    }

    @Test
    void whatABackendWritesIsTheGrantersAlone() {
        try (GrantAccess access = table.access(BACKEND, REF, true)) {
            access.memory().set(Ram.LONG, 0, 0xbad);

            assertThat(granter.vcpu.mmu().read64(AT)).isEqualTo(0xbad);
            assertThat(neighbour.vcpu.mmu().read64(AT)).isEqualTo(CONTENT);
        }
    }

    @Test
    void aFrameThatIsGrantedForReadingIsSharedNoMoreEither() {
        // A backend that keeps the grant shall see what the granter writes later.
        try (GrantAccess access = table.access(BACKEND, REF, false)) {
            granter.vcpu.mmu().write64(AT, 1);

            assertThat(access.memory().get(Ram.LONG, 0)).isEqualTo(1);
        }
    }

    @Test
    void anotherDomainIsToldToTryAgainWhileTheGrantersVcpuMayReadTheOldFrame() {
        assertThat(granter.vcpu.mmu().read64(AT)).isEqualTo(CONTENT); // a translation to it

        assertThat(table.begin(BACKEND, REF, true)).isEqualTo(GNTST_EAGAIN);
        assertThat(granter.vcpu.isKicked()).isTrue();
        assertThat(table.begin(BACKEND, REF, true)).isEqualTo(GNTST_EAGAIN);
        granter.vcpu.tlb().pollPoint();

        assertThat(table.begin(BACKEND, REF, true)).isEqualTo(GNTST_OKAY);
        table.end(REF, true);
    }

    @Test
    void aThreadThatRunsNoVcpuWaitsForThePollPoint() throws Exception {
        CompletableFuture<GrantAccess> access =
                CompletableFuture.supplyAsync(() -> table.access(BACKEND, REF, true));
        while (!granter.vcpu.isKicked()) {
            Thread.onSpinWait();
        }
        assertThat(access).isNotDone();

        granter.vcpu.tlb().pollPoint();

        access.get(10, TimeUnit.SECONDS).close();
    }

    @Test
    void aFrameInUseIsNotSharedAgain() {
        try (GrantAccess _ = table.access(BACKEND, REF, false)) {
            long digest = PageDigest.of(granter.frames.frame(granter.pages[PAGE]));

            new FrameSharing(granter.frames)
                    .share(new long[] {granter.pages[PAGE]}, new long[] {digest});

            assertThat(granter.frames.isShared(granter.pages[PAGE])).isFalse();
        }
    }
}
