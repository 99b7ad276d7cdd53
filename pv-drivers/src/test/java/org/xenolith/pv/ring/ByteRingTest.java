package org.xenolith.pv.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class ByteRingTest {
    private static final int SIZE = 64;
    private static final int CONS = 64;
    private static final int PROD = 68;

    private final MemorySegment page = Arena.ofAuto().allocate(4096, 4096);
    private final ByteRing ring = new ByteRing("test", page, 0, SIZE, CONS, PROD);

    @Test
    void theStreamComesOutAsItWentInWhateverThePieces() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        // Close to the wrap of the 32-bit indices, which the stream crosses.
        setIndices(-1000, -1000);
        byte[] stream = new byte[20_000];
        random.nextBytes(stream);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        byte[] buffer = new byte[100];
        int sent = 0;
        while (received.size() < stream.length) {
            int length = Math.min(random.nextInt(100), stream.length - sent);
            sent += ring.write(stream, sent, length);
            int count = ring.read(buffer, 3, random.nextInt(97));
            received.write(buffer, 3, count);
            assertThat(ring.pending() + ring.room()).as("seed %d", seed).isEqualTo(SIZE);
        }
        assertThat(received.toByteArray()).as("seed %d", seed).isEqualTo(stream);
    }

    @Test
    void whoeverListensHearsHowManyBytesWentWhichWay() {
        List<String> heard = new ArrayList<>();
        ring.onMove((name, byFrontend, bytes) -> heard.add(name + byFrontend + bytes));
        ring.write(new byte[100], 0, 100);
        ring.write(new byte[1], 0, 1);
        ring.read(new byte[10], 0, 10);
        ring.onMove(null);
        ring.read(new byte[10], 0, 10);
        assertThat(heard).containsExactly("testfalse" + SIZE, "testtrue10");
    }

    @Test
    void aFullRingTakesNothingAndAnEmptyOneGivesNothing() {
        assertThat(ring.read(new byte[10], 0, 10)).isZero();
        assertThat(ring.write(new byte[100], 0, 100)).isEqualTo(SIZE);
        assertThat(ring.write(new byte[1], 0, 1)).isZero();
    }

    @Test
    void noOperationWorksOnAProducerFurtherAheadThanTheSize() {
        setIndices(10, 10 + SIZE + 1);
        assertThatThrownBy(() -> ring.read(new byte[1], 0, 1)).isInstanceOf(RingCorrupt.class);
        assertThatThrownBy(() -> ring.write(new byte[1], 0, 1)).isInstanceOf(RingCorrupt.class);
        assertThatThrownBy(ring::pending).isInstanceOf(RingCorrupt.class);
        assertThatThrownBy(ring::room).isInstanceOf(RingCorrupt.class);
    }

    @Test
    void nothingOutsideTheArrayIsWrittenButTheOwnIndex() {
        page.fill((byte) 0x5a);
        setIndices(SIZE - 1, SIZE - 1);
        ring.write(new byte[SIZE], 0, SIZE);
        assertThat(RingIndices.getAcquire(page, CONS)).isEqualTo(SIZE - 1);
        assertThat(RingIndices.getAcquire(page, PROD)).isEqualTo(2 * SIZE - 1);
        assertThat(page.asSlice(PROD + 4).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5a);
    }

    @Test
    void sizeMustBeAPowerOfTwo() {
        assertThatThrownBy(() -> new ByteRing("odd", page, 0, 60, CONS, PROD))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private void setIndices(int consumer, int producer) {
        RingIndices.setRelease(page, CONS, consumer);
        RingIndices.setRelease(page, PROD, producer);
    }
}
