package org.xenolith.core.balloon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/** Guests that follow their target as kernels do: some at once, some slowly, some not at all. */
class BalloonPolicyTest {
    private static final long MIB = 1024;

    /** A guest that uses what the test says. */
    private static class Model implements Ballooned {
        final long min;
        final long max;
        long current;
        long target;
        long used;
        boolean reports = true;

        Model(long min, long max, long current, long used) {
            this.min = min;
            this.max = max;
            this.current = current;
            this.target = current;
            this.used = used;
        }

        @Override
        public String name() {
            return "model";
        }

        @Override
        public long minKib() {
            return min;
        }

        @Override
        public long maxKib() {
            return max;
        }

        @Override
        public long currentKib() {
            return current;
        }

        @Override
        public long targetKib() {
            return target;
        }

        @Override
        public OptionalLong availableKib() {
            return reports ? OptionalLong.of(Math.max(0, current - used)) : OptionalLong.empty();
        }

        @Override
        public void setTargetKib(long kib) {
            target = kib;
        }

        /**
         * The balloon driver at work: it never takes what is in use, and grows up to the target.
         */
        void follow() {
            current = target > current ? target : Math.max(target, Math.min(current, used));
        }
    }

    private static void rounds(BalloonPolicy policy, List<Model> guests, int count) {
        AutoBalloon balloon = new AutoBalloon(policy, () -> guests);
        for (int i = 0; i < count; i++) {
            balloon.round();
            guests.forEach(Model::follow);
        }
        balloon.close();
    }

    private static long sum(List<Model> guests) {
        return guests.stream().mapToLong(Model::currentKib).sum();
    }

    @Test
    void withEnoughMemoryEveryGuestHasItsMaximum() {
        List<Model> guests =
                List.of(
                        new Model(64 * MIB, 256 * MIB, 64 * MIB, 40 * MIB),
                        new Model(64 * MIB, 128 * MIB, 64 * MIB, 90 * MIB));
        rounds(new BalloonPolicy(512 * MIB), guests, 5);
        assertThat(guests).extracting(Model::currentKib).containsExactly(256 * MIB, 128 * MIB);
    }

    @Test
    void memoryMovesFromIdleGuestsToTheOneUnderPressure() {
        List<Model> guests = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            guests.add(new Model(64 * MIB, 256 * MIB, 128 * MIB, 60 * MIB));
        }
        Model busy = guests.getFirst();
        BalloonPolicy policy = new BalloonPolicy(512 * MIB);
        rounds(policy, guests, 30);
        busy.used = 200 * MIB;
        rounds(policy, guests, 30);
        assertThat(busy.current).isGreaterThanOrEqualTo(200 * MIB);
        assertThat(guests.subList(1, 4)).allMatch(guest -> guest.current >= 64 * MIB);
        assertThat(sum(guests)).isLessThanOrEqualTo(512 * MIB);
    }

    @Test
    void guestThatSaysNothingGivesWayOnlyWhenOthersNeedIt() {
        Model silent = new Model(64 * MIB, 256 * MIB, 256 * MIB, 0);
        silent.reports = false;
        Model other = new Model(64 * MIB, 256 * MIB, 64 * MIB, 30 * MIB);
        List<Model> guests = List.of(silent, other);
        rounds(new BalloonPolicy(320 * MIB), guests, 1);
        assertThat(silent.current).isGreaterThan(200 * MIB);
        other.used = 180 * MIB;
        rounds(new BalloonPolicy(320 * MIB), guests, 40);
        assertThat(silent.current).isBetween(64 * MIB, 200 * MIB);
        assertThat(other.current).isGreaterThan(120 * MIB);
    }

    @Test
    void limitAndBoundsHoldInEveryRoundWhateverGuestsDo() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int run = 0; run < 200; run++) {
            List<Model> guests = new ArrayList<>();
            long sumMin = 0;
            int count = random.nextInt(1, 12);
            for (int i = 0; i < count; i++) {
                long min = random.nextLong(32, 128) * MIB;
                long max = min + random.nextLong(0, 256) * MIB;
                guests.add(new Model(min, max, min, random.nextLong(0, max)));
                guests.getLast().reports = random.nextInt(4) > 0;
                sumMin += min;
            }
            long limit = sumMin + random.nextLong(0, 512) * MIB;
            BalloonPolicy policy = new BalloonPolicy(limit);
            for (int round = 0; round < 50; round++) {
                rounds(policy, guests, 1);
                assertThat(sum(guests)).as("seed %d, run %d", seed, run).isLessThanOrEqualTo(limit);
                assertThat(guests)
                        .as("seed %d, run %d", seed, run)
                        .allMatch(guest -> guest.target >= guest.min && guest.target <= guest.max);
                Model changed = guests.get(random.nextInt(count));
                changed.used = random.nextLong(0, changed.max);
            }
        }
    }

    @Test
    void wordThatTheGuestTakesBackBetweenTwoLooksHarmsNobody() {
        Model fickle =
                new Model(64 * MIB, 256 * MIB, 128 * MIB, 60 * MIB) {
                    @Override
                    public OptionalLong availableKib() {
                        reports = !reports;
                        return super.availableKib();
                    }
                };
        List<Model> guests = List.of(fickle, new Model(64 * MIB, 256 * MIB, 128 * MIB, 90 * MIB));
        rounds(new BalloonPolicy(256 * MIB), guests, 21);
        assertThat(sum(guests)).isLessThanOrEqualTo(256 * MIB);
    }
}
