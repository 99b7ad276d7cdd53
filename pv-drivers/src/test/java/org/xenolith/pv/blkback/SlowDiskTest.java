package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.blkback.BlockLab.whole;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

/** A disk that takes its time, and frontends that do not wait for it. */
class SlowDiskTest {
    private final BlockLab lab = new BlockLab();

    @Test
    void slowDiskHoldsBackTheRingAndNothingIsLost() {
        lab.connect();
        int list = lab.page(0);
        for (int i = 0; i < 256; i++) {
            whole(lab.page(1)).writeTo(lab.pages.get(list).memory, i * 8L);
        }
        int[] grefs = {list, 0, 0, 0, 0, 0, 0, 0};
        long[] ids = new long[6];
        for (int i = 0; i < ids.length; i++) {
            ids[i] =
                    lab.put(
                            id ->
                                    new BlkifRequest.Indirect(
                                            Blkif.OP_WRITE, id, 2048L * (id % 3), 256, grefs));
        }
        lab.kick();
        assertThat(lab.ioCalls.size()).as("megabytes under way").isLessThan(4);
        lab.io();
        for (long id : ids) {
            assertThat(lab.status(id)).isEqualTo(Blkif.RSP_OKAY);
        }
    }

    @Test
    void framesStayInUseUntilTheSlowDiskIsDoneEvenWhenTheFrontendCloses() {
        lab.connect();
        int ref = lab.page(0x55);
        lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.state(6);
        assertThat(lab.pages.get(ref).users).isEqualTo(1);
        assertThat(lab.back("state")).as("not closed before").isEqualTo("4");
        lab.io();
        assertThat(lab.back("state")).isEqualTo("6");
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();
        assertThat(lab.memory(ref)).as("nobody waits for it").containsOnly(0x55);
        assertThat(lab.ring.responses()).isEmpty();
    }

    @Test
    void grantRevokedWhileTheDiskIsBusyIsStillOursToFill() {
        lab.connect();
        Arrays.fill(lab.disk.bytes, (byte) 9);
        int ref = lab.page(0);
        long read = lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.domain.revoke(ref);
        lab.io();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.memory(ref)).containsOnly(9);
    }

    @Test
    void waitingFlushIsForgottenWhenTheFrontendCloses() {
        lab.connect();
        lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.kick();
        lab.state(6);
        lab.io();
        assertThat(lab.back("state")).isEqualTo("6");
        assertThat(lab.disk.calls).containsExactly("write 0+4096");
    }

    @Test
    void deadDomainsRequestsEndOnTheDiskAndTouchItsMemoryNoMore() {
        lab.connect();
        int ref = lab.page(1);
        lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.backend.abandon();
        assertThat(lab.backend.ended()).isNotDone();
        Runnable call = lab.ioCalls.remove();
        call.run();
        assertThat(lab.backend.ended()).isCompleted();
        assertThat(lab.memory(ref)).containsOnly(1);
        assertThat(lab.domain.usesUnderWay()).isZero();
    }
}
