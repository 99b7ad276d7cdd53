package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.blkback.BlockLab.whole;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.xenbus.XenbusBackend;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** How the block backend connects to a frontend written by hand. */
class BlockBackendTest {
    private static final long LAST_SECTOR = BlockLab.DISK_BYTES / 512 - 1;

    private final BlockLab lab = new BlockLab();

    @Test
    void featuresAndPropertiesAreThoseOfTheDisk() {
        lab.connect();
        assertThat(lab.back("state")).isEqualTo("4");
        assertThat(lab.back("sectors")).isEqualTo("" + (LAST_SECTOR + 1));
        assertThat(lab.back("sector-size")).isEqualTo("512");
        assertThat(lab.back("info")).isEqualTo("0");
        assertThat(lab.back("feature-flush-cache")).isEqualTo("1");
        assertThat(lab.back("feature-discard")).isEqualTo("1");
        assertThat(lab.back("feature-max-indirect-segments")).isEqualTo("256");
        assertThat(lab.back("max-ring-page-order")).isEqualTo("4");
    }

    @Test
    void readOnlyDiskSaysSoAndRefusesWhatChangesIt() {
        BlockLab readOnly =
                new BlockLab(new MemoryDisk(1 << 20, true), BlockFeatures.forVcpus(1).asCdrom());
        readOnly.connect();
        assertThat(readOnly.back("info")).isEqualTo("5");
        assertThat(readOnly.back("feature-discard")).isEqualTo("0");
        long write = readOnly.request(Blkif.OP_WRITE, 0, whole(readOnly.page(1)));
        long discard = readOnly.put(id -> new BlkifRequest.Discard(0, id, 0, 8));
        long read = readOnly.request(Blkif.OP_READ, 0, whole(readOnly.page(1)));
        readOnly.go();
        assertThat(readOnly.status(write)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(readOnly.status(discard)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(readOnly.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(readOnly.disk.calls).containsExactly("read 0+4096");
    }

    @Test
    void diskThatStandsByAnswersWhatItTookAndLeavesTheRestToTheNext() {
        lab.connect();
        long taken = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.kick();
        CompletableFuture<Void> quiet = lab.backend.standBy();
        long left = lab.request(Blkif.OP_WRITE, 8, whole(lab.page(2)));
        lab.kick();
        assertThat(quiet).as("while the disk works").isNotDone();
        lab.io();
        assertThat(quiet).isCompleted();
        assertThat(lab.status(taken)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(left)).isNull();
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();

        MemoryDisk moved = new MemoryDisk(BlockLab.DISK_BYTES, false);
        BlockBackend second = new BlockBackend(moved, lab.ioCalls::add, BlockFeatures.forVcpus(2));
        XenbusBackend.goOn(lab.device, lab.domain, lab.store, second, lab.log::add);
        lab.domain.run();
        lab.io();
        assertThat(lab.status(left)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(moved.calls).containsExactly("write 4096+4096");
        assertThat(lab.log).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ring-ref, 77, no grant",
        "ring-ref, x, no number",
        "event-channel, 77, no port",
        "event-channel, 0, no port",
        "protocol, x86_32-abi, ABI",
        "ring-page-order, 5, ring-page-order",
        "ring-page-order, 1, ring-ref0",
        "multi-queue-num-queues, 3, multi-queue-num-queues",
        "multi-queue-num-queues, 2, no grant"
    })
    void keysThatMakeNoSenseAreRefusedAndNothingIsHeld(String key, String value, String why) {
        lab.newRing(BlockLab.RING_REF, 1);
        lab.domain.offerPort(BlockLab.PORT);
        lab.front("ring-ref", BlockLab.RING_REF);
        lab.front("event-channel", BlockLab.PORT);
        lab.front("queue-0/ring-ref", BlockLab.RING_REF);
        lab.front("queue-0/event-channel", BlockLab.PORT);
        lab.front("queue-1/ring-ref", 78);
        lab.front("queue-1/event-channel", BlockLab.PORT);
        lab.front(key, value);
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.log).singleElement().asString().contains(why);
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();
    }

    @Test
    void ringOfADeviceThatIsRefusedIsNotServedBefore() {
        lab.ring = lab.newRing(BlockLab.RING_REF, 1);
        lab.domain.offerPort(BlockLab.PORT);
        lab.front("multi-queue-num-queues", 2);
        lab.front("queue-0/ring-ref", BlockLab.RING_REF);
        lab.front("queue-0/event-channel", BlockLab.PORT);
        lab.front("queue-1/ring-ref", 78);
        lab.front("queue-1/event-channel", BlockLab.PORT);
        long early = lab.request(Blkif.OP_READ, 0, whole(lab.page(1)));
        lab.ring.publish();
        lab.domain.onGrant =
                ref -> {
                    if (ref == 78) {
                        lab.domain.send(BlockLab.PORT);
                    }
                };
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("5");
        lab.io();
        assertThat(lab.disk.calls).isEmpty();
        assertThat(lab.status(early)).as("its page may be another guest's by now").isNull();
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void whatWasSentWhileTheDeviceConnectedIsServedThen() {
        lab.domain.onGrant = ref -> lab.domain.send(BlockLab.PORT);
        lab.connect();
        long read = lab.request(Blkif.OP_READ, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void callThatRunsOutOfMemoryHasNotWritten() {
        lab.connect();
        lab.disk.error = new OutOfMemoryError("Java heap space");
        long write = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.log).hasSize(2).allMatch(line -> line.contains("Java heap space"));
        lab.disk.error = null;
        long again = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(again)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void ringOfSixteenPagesHolds512Requests() {
        lab.ring = lab.newRing(100, 16);
        for (int i = 0; i < 16; i++) {
            lab.front("ring-ref" + i, 100 + i);
        }
        lab.front("ring-page-order", 4);
        lab.front("event-channel", BlockLab.PORT);
        lab.domain.offerPort(BlockLab.PORT);
        lab.state(3);
        assertThat(lab.ring.size()).isEqualTo(512);
        int ref = lab.page(0x11);
        long last = 0;
        for (int i = 0; i < 512; i++) {
            last = lab.request(Blkif.OP_WRITE, i, new BlkifSegment(ref, 0, 0));
        }
        lab.go();
        assertThat(lab.status(last)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(Arrays.copyOf(lab.disk.bytes, 512 * 512)).containsOnly(0x11);
    }

    @Test
    void everyQueueHasARingAndAPortOfItsOwn() {
        FrontRing first = lab.newRing(8, 1);
        FrontRing second = lab.newRing(9, 1);
        for (int i = 0; i < 2; i++) {
            lab.front("queue-" + i + "/ring-ref", 8 + i);
            lab.front("queue-" + i + "/event-channel", 20 + i);
            lab.domain.offerPort(20 + i);
        }
        lab.front("multi-queue-num-queues", 2);
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("4");
        int ref = lab.page(7);
        BlkifRequest.Direct request =
                new BlkifRequest.Direct(Blkif.OP_WRITE, 5, 0, 1, List.of(whole(ref)));
        second.put(request::writeTo);
        second.publish();
        lab.domain.send(21);
        lab.io();
        assertThat(first.responses()).isEmpty();
        assertThat(second.responses()).hasSize(1);
        assertThat(lab.domain.notifications(20)).isZero();
        assertThat(lab.domain.notifications(21)).isEqualTo(1);
    }
}
