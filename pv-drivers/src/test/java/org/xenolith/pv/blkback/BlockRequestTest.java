package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.blkback.BlockLab.whole;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a frontend written by hand asks of a disk, and gets. */
class BlockRequestTest {
    private final BlockLab lab = new BlockLab();

    @Test
    void writtenDataIsOnTheDiskAndReadBack() {
        lab.connect();
        int first = lab.page(0xaa);
        int second = lab.page(0xbb);
        long write =
                lab.request(
                        Blkif.OP_WRITE,
                        3,
                        new BlkifSegment(first, 2, 3),
                        new BlkifSegment(second, 7, 7));
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.domain.notifications(BlockLab.PORT)).isEqualTo(1);
        assertThat(Arrays.copyOfRange(lab.disk.bytes, 3 * 512, 5 * 512)).containsOnly(0xaa);
        assertThat(Arrays.copyOfRange(lab.disk.bytes, 5 * 512, 6 * 512)).containsOnly(0xbb);
        int back = lab.page(0);
        long read = lab.request(Blkif.OP_READ, 5, new BlkifSegment(back, 6, 6));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        byte[] expected = new byte[4096];
        Arrays.fill(expected, 6 * 512, 7 * 512, (byte) 0xbb);
        assertThat(lab.memory(back)).isEqualTo(expected);
        assertThat(lab.domain.usesUnderWay()).as("only the ring").isEqualTo(1);
    }

    @Test
    void dataOfAWriteIsThatOfTheMomentItWasTaken() {
        lab.connect();
        int ref = lab.page(1);
        lab.request(Blkif.OP_WRITE, 0, whole(ref));
        lab.kick();
        lab.pages.get(ref).memory.fill((byte) 2);
        lab.io();
        assertThat(Arrays.copyOf(lab.disk.bytes, 4096)).containsOnly(1);
    }

    @Test
    void indirectRequestMovesAMegabyteInOneCall() {
        lab.connect();
        int list = lab.page(0);
        List<Integer> refs = new ArrayList<>();
        for (int i = 0; i < 256; i++) {
            refs.add(lab.page(i));
            whole(refs.get(i)).writeTo(lab.pages.get(list).memory, i * 8L);
        }
        int[] grefs = new int[8];
        grefs[0] = list;
        long write = lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_WRITE, id, 8, 256, grefs));
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.disk.calls).containsExactly("write 4096+1048576");
        for (int i = 0; i < 256; i++) {
            assertThat(lab.disk.bytes[4096 * (i + 1) + 17]).isEqualTo((byte) i);
        }
        refs.forEach(ref -> lab.pages.get(ref).memory.fill((byte) 0));
        long read = lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_READ, id, 8, 256, grefs));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.memory(refs.get(255))).isEqualTo(BlockLab.filled(4096, 255));
    }

    @Test
    void requestsSideBySideOnTheDiskBecomeOneCall() {
        lab.connect();
        long[] ids = new long[5];
        for (int i = 0; i < 4; i++) {
            ids[i] = lab.request(Blkif.OP_WRITE, 8L * i, whole(lab.page(i + 1)));
        }
        ids[4] = lab.request(Blkif.OP_WRITE, 64, whole(lab.page(9)));
        lab.go();
        assertThat(lab.disk.calls).containsExactly("write 0+16384", "write 32768+4096");
        for (long id : ids) {
            assertThat(lab.status(id)).isEqualTo(Blkif.RSP_OKAY);
        }
        assertThat(lab.disk.bytes[3 * 4096]).isEqualTo((byte) 4);
    }

    @Test
    void discardReachesTheDiskAndASecureOneIsNotSupported() {
        lab.connect();
        Arrays.fill(lab.disk.bytes, (byte) 1);
        long plain = lab.put(id -> new BlkifRequest.Discard(0, id, 2, 4));
        long secure = lab.put(id -> new BlkifRequest.Discard(Blkif.DISCARD_SECURE, id, 0, 4));
        lab.go();
        assertThat(lab.status(plain)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(secure)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(lab.disk.calls).containsExactly("discard 1024+2048");
    }

    @Test
    void flushWaitsForTheWritesBeforeItAndForNoOthers() {
        lab.connect();
        long first = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.kick();
        long second = lab.request(Blkif.OP_WRITE, 100, whole(lab.page(2)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        long later = lab.request(Blkif.OP_WRITE, 200, whole(lab.page(3)));
        lab.kick();
        List<Runnable> calls = new ArrayList<>(lab.ioCalls);
        lab.ioCalls.clear();
        assertThat(calls).as("the flush is not among them").hasSize(3);
        calls.get(2).run();
        calls.get(0).run();
        lab.domain.run();
        assertThat(lab.status(later)).as("it need not wait").isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(first)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.ioCalls).isEmpty();
        calls.get(1).run();
        lab.domain.run();
        assertThat(lab.status(second)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(flush)).isNull();
        lab.io();
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.disk.calls).last().isEqualTo("flush 0+0");
    }

    @Test
    void failureOfTheDiskIsTheRequestsAndALineInTheLog() {
        lab.connect();
        lab.disk.broken = true;
        long read = lab.request(Blkif.OP_READ, 0, whole(lab.page(5)));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.log).singleElement().asString().contains("read of 4096", "medium error");
        lab.disk.broken = false;
        long again = lab.request(Blkif.OP_READ, 0, whole(lab.page(5)));
        lab.go();
        assertThat(lab.status(again)).isEqualTo(Blkif.RSP_OKAY);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 7, 255})
    void operationsThatAreNotOfferedAreNotSupported(int operation) {
        lab.connect();
        long id = lab.request(operation, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(lab.disk.calls).isEmpty();
    }

    @Test
    void persistentGrantsAreBegunOnceAndEndWithTheConnection() {
        BlockLab persistent =
                new BlockLab(
                        new MemoryDisk(1 << 20, false),
                        BlockFeatures.forVcpus(1).withPersistentGrants(true));
        persistent.front("feature-persistent", 1);
        persistent.connect();
        int ref = persistent.page(4);
        int before = persistent.domain.usesBegun();
        for (int i = 0; i < 10; i++) {
            long write = persistent.request(Blkif.OP_WRITE, i, new BlkifSegment(ref, 0, 0));
            persistent.go();
            assertThat(persistent.status(write)).isEqualTo(Blkif.RSP_OKAY);
        }
        assertThat(persistent.domain.usesBegun() - before).isEqualTo(1);
        assertThat(persistent.pages.get(ref).users).isEqualTo(1);
        persistent.state(6);
        assertThat(persistent.domain.usesUnderWay()).isZero();
    }

    @Test
    void persistentGrantsHaveALimitAndTheLongestUnusedGoFirst() {
        BlockLab persistent =
                new BlockLab(
                        new MemoryDisk(1 << 20, false),
                        BlockFeatures.forVcpus(1).withPersistentGrants(true));
        persistent.front("feature-persistent", 1);
        persistent.connect();
        for (int i = 0; i < 1200; i++) {
            persistent.request(Blkif.OP_WRITE, 0, whole(persistent.page(i)));
            persistent.go();
            persistent.ring.responses();
        }
        assertThat(persistent.domain.usesUnderWay()).isEqualTo(1056 + 1);
        assertThat(persistent.pages.get(1000).users).as("the first page").isZero();
        assertThat(persistent.pages.get(1000 + 1199).users).isEqualTo(1);
    }
}
