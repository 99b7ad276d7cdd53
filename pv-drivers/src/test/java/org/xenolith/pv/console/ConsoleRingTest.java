package org.xenolith.pv.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.console.ConsoleInput;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.pv.ring.ByteRing;
import org.xenolith.pv.ring.RingIndices;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Random;

class ConsoleRingTest {
    private final MemorySegment page = Arena.ofAuto().allocate(4096, 4096);
    private final ConsoleLog screen = new ConsoleLog();
    private final ConsoleInput keyboard = new ConsoleInput(ConsoleInput.DEFAULT_CAPACITY, () -> {});
    private final ConsoleRing ring = new ConsoleRing(page, screen, keyboard);

    // The guest's side: producer of the output, consumer of the input.
    private final ByteRing guestOut =
            new ByteRing("guest", page, 1024, 2048, ConsoleRing.OUT_CONS, ConsoleRing.OUT_PROD);
    private final ByteRing guestIn =
            new ByteRing("guest", page, 0, 1024, ConsoleRing.IN_CONS, ConsoleRing.IN_PROD);

    @Test
    void theLayoutIsThatOfTheHeader() {
        assertThat(ConsoleRing.OUT).isEqualTo(ConsoleRing.IN + ConsoleRing.IN_SIZE);
        assertThat(ConsoleRing.IN_CONS).isEqualTo(ConsoleRing.OUT + ConsoleRing.OUT_SIZE);
        assertThat(ConsoleRing.IN_PROD).isEqualTo(3076);
        assertThat(ConsoleRing.OUT_CONS).isEqualTo(3080);
        assertThat(ConsoleRing.OUT_PROD).isEqualTo(3084);
        assertThat(ConsoleRing.SIZE).isEqualTo(ConsoleRing.OUT_PROD + 4);
    }

    @Test
    void outputReachesTheSinkAndTheGuestHearsOfTheRoom() {
        print("Linux version 6.1\n");
        assertThat(ring.service()).isTrue();
        assertThat(screen.text()).isEqualTo("Linux version 6.1\n");
        assertThat(guestOut.room()).isEqualTo(2048);
    }

    @Test
    void outputStaysInTheRingWhileTheSinkHasNoRoom() {
        int[] room = {0};
        ConsoleSink slow =
                new ConsoleSink() {
                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        assertThat(room[0]).isPositive();
                        screen.write(bytes, offset, length);
                    }

                    @Override
                    public int room() {
                        return room[0];
                    }
                };
        ConsoleRing waiting = new ConsoleRing(page, slow, keyboard);
        print("nobody reads this yet\n");
        assertThat(waiting.service()).isFalse();
        assertThat(waiting.hasOutput()).isTrue();
        assertThat(screen.text()).isEmpty();
        room[0] = 1;
        assertThat(waiting.service()).isTrue();
        assertThat(screen.text()).isEqualTo("nobody reads this yet\n");
        assertThat(waiting.hasOutput()).isFalse();
    }

    @Test
    void whatAGuestLeftThatStandsIsTakenWhetherThereIsRoomOrNot() {
        ConsoleSink full =
                new ConsoleSink() {
                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        screen.write(bytes, offset, length);
                    }

                    @Override
                    public int room() {
                        return 0;
                    }
                };
        ConsoleRing waiting = new ConsoleRing(page, full, keyboard);
        index(ConsoleRing.OUT_CONS, 1000);
        index(ConsoleRing.OUT_PROD, 1000);
        String last = "x".repeat(2047) + "\n";
        print(last);
        waiting.service();
        assertThat(screen.text()).isEmpty();
        waiting.drain();
        assertThat(screen.text()).isEqualTo(last);
        waiting.drain();
        assertThat(screen.text()).isEqualTo(last);

        index(ConsoleRing.OUT_PROD, 0);
        waiting.drain();
        assertThat(waiting.corruption()).isPresent();
        assertThat(screen.text()).isEqualTo(last);
    }

    @Test
    void withNothingToMoveTheGuestIsNotNotified() {
        assertThat(ring.service()).isFalse();
    }

    @Test
    void outputMayWrapAroundTheEndOfTheArrayAndOfTheIndices() {
        index(ConsoleRing.OUT_CONS, -5);
        index(ConsoleRing.OUT_PROD, -5);
        print("0123456789");
        ring.service();
        assertThat(screen.text()).isEqualTo("0123456789");
        assertThat(RingIndices.getAcquire(page, ConsoleRing.OUT_CONS)).isEqualTo(5);
    }

    @Test
    void inputThatDoesNotFitWaitsForTheGuestToRead() {
        byte[] typed = new byte[3000];
        new Random(1).nextBytes(typed);
        keyboard.offer(typed, 0, typed.length);
        byte[] read = new byte[3000];
        int count = 0;
        for (int call = 0; call < 3; call++) {
            assertThat(ring.service()).isTrue();
            count += guestIn.read(read, count, read.length - count);
        }
        assertThat(count).isEqualTo(3000);
        assertThat(read).isEqualTo(typed);
        assertThat(ring.service()).isFalse();
    }

    @Test
    void whatAGuestThatDoesNotReadIsTypedStaysInTheQueue() {
        byte[] typed = new byte[2000];
        keyboard.offer(typed, 0, typed.length);
        ring.service();
        ring.service();
        assertThat(keyboard.available()).isEqualTo(2000 - 1024);
    }

    @Test
    void outputProducerFurtherAheadThanTheRingEndsTheServiceOnce() {
        keyboard.offer(new byte[] {'x'}, 0, 1);
        index(ConsoleRing.OUT_PROD, 2049);
        assertThat(ring.service()).isFalse();
        assertThat(ring.corruption()).hasValueSatisfying(why -> assertThat(why).contains("output"));
        index(ConsoleRing.OUT_PROD, 1);
        assertThat(ring.service()).as("no way back").isFalse();
        assertThat(screen.text()).isEmpty();
        assertThat(ring.hasOutput()).isFalse();
    }

    @Test
    void inputConsumerAheadOfTheProducerEndsTheService() {
        index(ConsoleRing.IN_CONS, 1);
        assertThat(ring.service()).isFalse();
        assertThat(ring.corruption()).hasValueSatisfying(why -> assertThat(why).contains("input"));
    }

    @Test
    void aGuestThatPrintsWithoutEndDoesNotHoldTheServer() {
        ConsoleRing[] endless = new ConsoleRing[1];
        // Each write to the sink refills the ring, as another vCPU could.
        endless[0] = new ConsoleRing(page, (_, _, _) -> print("more"), keyboard);
        print("begin");
        assertThat(endless[0].service()).isTrue();
        assertThat(endless[0].hasOutput()).isTrue();
    }

    @Test
    void randomIndicesNeverThrowNorWriteOutsideTheStructure() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 5_000; round++) {
            page.fill((byte) 0x33);
            for (int offset = ConsoleRing.IN_CONS; offset <= ConsoleRing.OUT_PROD; offset += 4) {
                index(offset, random.nextBoolean() ? random.nextInt() : random.nextInt(4096));
            }
            keyboard.offer(new byte[10], 0, 10);
            new ConsoleRing(page, screen, keyboard).service();
            assertThat(page.asSlice(ConsoleRing.SIZE).toArray(ValueLayout.JAVA_BYTE))
                    .as("seed %d", seed)
                    .containsOnly(0x33);
        }
    }

    private void print(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        guestOut.write(bytes, 0, bytes.length);
    }

    private void index(int offset, int value) {
        RingIndices.setRelease(page, offset, value);
    }
}
