package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.pv.ring.SharedRing;

import java.lang.foreign.MemorySegment;
import java.util.Random;

/** Frontends that lie, and are disconnected for it without anything of theirs being kept. */
class HostileNetFrontendTest {
    private final NetLab lab = new NetLab();

    @Test
    void packetOfMoreSlotsThanAllowedDisconnects() {
        lab.connect();
        for (int i = 0; i < 30; i++) {
            lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, i, i == 0 ? 60 : 1);
        }
        lab.put(lab.page(1), 0, 0, 31, 1);
        lab.send();
        lab.expectDisconnected("more than 20 slots");
    }

    @Test
    void packetWhoseLastSlotsAreMissingDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.send();
        lab.expectDisconnected("without its last slots");
    }

    @ParameterizedTest
    @CsvSource({"4000,97", "4096,60", "65535,60", "0,4097"})
    void pieceThatLeavesItsFrameDisconnects(int offset, int size) {
        lab.connect();
        lab.put(lab.page(1), offset, 0, 1, size);
        lab.send();
        lab.expectDisconnected("bytes at " + offset);
    }

    @Test
    void packetThatIsSmallerThanItsPiecesDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.put(lab.page(1), 0, 0, 2, 101);
        lab.send();
        lab.expectDisconnected("smaller than its pieces");
    }

    @Test
    void grantThatIsNoneDisconnectsAndNoHalfFrameLeaves() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.put(99_999, 0, 0, 2, 50);
        lab.send();
        lab.expectDisconnected("99999 is no grant to send from");
        assertThat(lab.port.frames).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0,1448", "3,1448", "1,0"})
    void segmentationThatMakesNoSenseDisconnects(int type, int size) {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        lab.putExtra(NetifExtraInfo.gso(type, size));
        lab.send();
        lab.expectDisconnected("segmentation");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 5, 255})
    void extraInfoOfAnUnknownKindDisconnects(int type) {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        lab.putExtra(new NetifExtraInfo(type, 0, 0, 0, 0));
        lab.send();
        lab.expectDisconnected("extra info of type " + type);
    }

    @Test
    void endlessExtraInfoDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        for (int i = 0; i < 20; i++) {
            lab.putExtra(
                    new NetifExtraInfo(Netif.EXTRA_TYPE_MCAST_ADD, Netif.EXTRA_FLAG_MORE, 0, 0, 1));
        }
        lab.send();
        lab.expectDisconnected("more extra info");
    }

    @Test
    void producerAheadOfEitherRingDisconnects() {
        lab.connect();
        lab.tx.set(SharedRing.REQ_PROD, 257);
        lab.domain.send(NetLab.TX_PORT);
        lab.expectDisconnected("tx ring 0");
    }

    @Test
    void receiveRingThatLiesDisconnectsWhenItIsUsed() {
        lab.connect();
        lab.rx.set(SharedRing.REQ_PROD, -1);
        EthernetFrame frame = frame(60, 1);
        lab.deliver(frame);
        lab.expectDisconnected("rx ring 0");
        assertThat(frame.refCnt()).isZero();
    }

    @Test
    void offerOfAPageThatIsNotGrantedDisconnects() {
        lab.connect();
        lab.rx.put(new NetifRxRequest(1, 4242)::writeTo);
        lab.rx.publish();
        EthernetFrame frame = frame(60, 1);
        lab.deliver(frame);
        lab.expectDisconnected("4242 is no grant to receive into");
        assertThat(frame.refCnt()).isZero();
    }

    @Test
    void randomSlotsNeverThrowAndKeepNoGrants() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] refs = {lab.page(1), lab.page(2), 7};
        byte[] noise = new byte[NetifTxRequest.SIZE];
        for (int round = 0; round < 3_000; round++) {
            lab.connect();
            int slots = 1 + random.nextInt(40);
            for (int i = 0; i < slots; i++) {
                random.nextBytes(noise);
                int kind = random.nextInt(3);
                NetifTxRequest request =
                        new NetifTxRequest(
                                refs[random.nextInt(refs.length)],
                                random.nextInt(kind == 0 ? 65536 : 100),
                                random.nextInt(16),
                                i,
                                random.nextInt(kind == 1 ? 65536 : 3000));
                lab.tx.put(
                        kind == 2 && random.nextInt(8) == 0
                                ? slot -> slot.copyFrom(MemorySegment.ofArray(noise))
                                : request::writeTo);
                lab.rx.put(new NetifRxRequest(i, refs[random.nextInt(refs.length)])::writeTo);
            }
            lab.rx.publish();
            lab.send();
            lab.deliver(frame(14 + random.nextInt(20_000), 1));
            lab.state(6);
            lab.state(1);
            assertThat(lab.back("state")).as("seed %d", seed).isEqualTo("2");
            assertThat(lab.domain.usesUnderWay()).as("seed %d", seed).isZero();
            lab.port.frames.forEach(EthernetFrame::release);
            lab.port.frames.clear();
        }
    }
}
