package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The small machines that the rest is made of. */
class NatPartsTest {
    @ParameterizedTest
    @CsvSource({
        "8080:80, 127.0.0.1:8080:80/tcp",
        "127.0.0.1:8080:80/tcp, 127.0.0.1:8080:80/tcp",
        "0.0.0.0:5353:53/udp, 0.0.0.0:5353:53/udp",
        "0:22, 127.0.0.1:0:22/tcp",
        "[::1]:8080:80, [::1]:8080:80/tcp",
        "[0:0::1]:8080:80, [::1]:8080:80/tcp",
        "[FD00::7]:53:53/udp, [fd00::7]:53:53/udp"
    })
    void forwardsAreReadAsDockerAndPodmanWriteThem(String text, String meaning) {
        assertThat(PortForward.parse(text)).hasToString(meaning);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "80",
                "a:80",
                "8080:0",
                "70000:80",
                "8080:80/sctp",
                "300.0.0.1:1:1",
                "::1:1:1",
                "[::1]",
                "[::g]:1:1",
                "[1.2.3.4]:1:1",
                "[::1%lo]:1:1",
                ""
            })
    void nonsenseIsNoForward(String text) {
        assertThatThrownBy(() -> PortForward.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(".{10,}");
    }

    @ParameterizedTest
    @CsvSource({
        "8080, 127.0.0.1:8080/tcp",
        "5353/udp, 127.0.0.1:5353/udp",
        "0.0.0.0:22/tcp, 0.0.0.0:22/tcp",
        "[0::1]:22, [::1]:22/tcp"
    })
    void listeningPortsAreReadAsForwardsAreWritten(String text, String meaning) {
        ListeningPort port = ListeningPort.parse(text);
        assertThat(port).hasToString(meaning).isEqualTo(ListeningPort.parse(meaning));
        assertThat(PortForward.parse(text.replaceFirst("(\\d+)(/.*)?$", "$1:80$2")))
                .returns(port, PortForward::listeningPort);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "a", "70000", "8080:80", "8080/sctp", "300.0.0.1:1", "::1:1", "[::]"})
    void nonsenseIsNoListeningPort(String text) {
        assertThatThrownBy(() -> ListeningPort.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(".{10,}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|is no network; write it as 10.64.0.0/16",
                "x/24|is no network; write it as",
                "10.0.2/24|is no network; write it as",
                "10.0.2.0|is no network; write it as",
                "10.0.2.0/|has to have a number from 16 to 29 behind its /",
                "10.0.2.0/x|has to have a number from 16 to 29 behind its /",
                "10.0.0.0/15|has to have a number from 16 to 29 behind its /",
                "10.0.2.0/30|has to have a number from 16 to 29 behind its /",
                "10.0.2.0/24/24|has to have a number from 16 to 29 behind its /",
                "10.64.1.0/16|is an address in the network 10.64.0.0/16; write that",
                "fd00::/64|is of IPv6",
                "0.0.0.0/16|is loopback, multicast or reserved",
                "127.0.0.0/16|is loopback, multicast or reserved",
                "224.0.0.0/16|is loopback, multicast or reserved",
                "255.255.0.0/16|is loopback, multicast or reserved"
            })
    void nonsenseIsNoSubnetAndTheSentenceSaysWhy(String text, String why) {
        assertThatThrownBy(() -> NatConfig.builder().subnet(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("'" + text + "' " + why);
    }

    @ParameterizedTest
    @CsvSource({"10.64.0.0/16, 65520", "10.0.2.0/24, 240", "10.0.2.8/29, 3", "10.0.2.0/28, 11"})
    void networkHasAnAddressForEachGuestButTheFirstFewAndTheLast(String text, int guests) {
        Subnet network = Subnet.parse(text);
        assertThat(network).hasToString(text).returns(guests, Subnet::guests);
        Leases leases = new Leases(NatConfig.builder().subnet(network).build(), () -> 0);
        long mac = NatLab.MAC;
        for (int guest = 0; guest < Math.min(guests, 1000); guest++) {
            assertThat(leases.reserve(mac++, "guest")).isNotEqualTo(Leases.NO_ADDRESS);
        }
        int next = leases.reserve(mac, "guest");
        assertThat(next == Leases.NO_ADDRESS).isEqualTo(guests <= 1000);
    }

    @Test
    void twoConfiguredGuestsMayNotShareAnAddress() {
        NatConfig.Builder config =
                NatConfig.builder()
                        .guest("00:16:3e:00:00:01", "10.0.2.20", null)
                        .guest("00:16:3e:00:00:02", "10.0.2.20", null);
        assertThatThrownBy(config::build).hasMessageContaining("share an address");
    }

    @Test
    void aConfiguredGuestWithoutAnAddressGetsOneThatNobodyElseWants() {
        NatConfig config =
                NatConfig.builder()
                        .guest("00:16:3e:00:00:01", null, "a")
                        .guest("00:16:3e:00:00:02", "10.0.2.15", "b")
                        .guest("00:16:3e:00:00:03", null, "c")
                        .build();
        assertThat(config.guests())
                .extracting(guest -> Ipv4.format(guest.address()))
                .containsExactly("10.0.2.16", "10.0.2.15", "10.0.2.17");
    }

    @Test
    void timersExpireInOrderWhateverIsArmedMovedAndCancelled() {
        Random random = new Random(4);
        Timers timers = new Timers(() -> {});
        List<Alarm> alarms = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            alarms.add(new Alarm());
        }
        long now = 0;
        for (int step = 0; step < 50_000; step++) {
            Alarm alarm = alarms.get(random.nextInt(alarms.size()));
            switch (random.nextInt(4)) {
                case 0, 1 -> alarm.expect(timers, now + random.nextInt(1000));
                case 2 -> alarm.never(timers, random.nextBoolean());
                default -> {
                    now += random.nextInt(20);
                    timers.run(now);
                    for (Alarm each : alarms) {
                        assertThat(each.expected).as("overdue").isGreaterThan(now);
                    }
                }
            }
        }
    }

    private static final class Alarm extends Timers.Timer {
        private long expected = Timers.NEVER;

        void expect(Timers timers, long time) {
            expected = time;
            timers.arm(this, time);
        }

        void never(Timers timers, boolean remove) {
            expected = Timers.NEVER;
            if (remove) {
                timers.remove(this);
            } else {
                timers.cancel(this);
            }
        }

        @Override
        void expired(long now) {
            assertThat(now).as("too early").isGreaterThanOrEqualTo(expected);
            expected = Timers.NEVER;
        }
    }

    @Test
    void theFlowTableAgreesWithAMapThroughRemovals() {
        Random random = new Random(5);
        FlowTable<Integer> table = new FlowTable<>(77);
        Map<List<Long>, Integer> model = new HashMap<>();
        for (int step = 0; step < 200_000; step++) {
            long guestHigh = random.nextInt(2);
            long guestLow = random.nextInt(2);
            long high = random.nextInt(3);
            long low = random.nextInt(3);
            int ports = random.nextInt(30);
            List<Long> key = List.of(guestHigh, guestLow, high, low, (long) ports);
            if (random.nextBoolean()) {
                table.put(guestHigh, guestLow, high, low, ports, step);
                model.put(key, step);
            } else {
                table.remove(guestHigh, guestLow, high, low, ports);
                model.remove(key);
            }
            assertThat(table.get(guestHigh, guestLow, high, low, ports)).isEqualTo(model.get(key));
        }
        assertThat(table.size()).isEqualTo(model.size());
        assertThat(table.all()).containsExactlyInAnyOrderElementsOf(model.values());
    }

    @Test
    void theRetransmissionTimeoutFollowsSmoothedTimeAndVariation() {
        RttEstimator rtt = new RttEstimator();
        assertThat(rtt.rtoNanos()).isEqualTo(1_000_000_000);
        rtt.sample(100_000_000); // SRTT 100 ms, RTTVAR 50 ms
        assertThat(rtt.rtoNanos()).isEqualTo(300_000_000);
        rtt.sample(200_000_000); // RTTVAR 62.5 ms, SRTT 112.5 ms
        assertThat(rtt.rtoNanos()).isEqualTo(362_500_000);
        rtt.backOff();
        assertThat(rtt.rtoNanos()).isEqualTo(725_000_000);
        for (int i = 0; i < 20; i++) {
            rtt.backOff();
        }
        assertThat(rtt.rtoNanos()).isEqualTo(RttEstimator.MAX_RTO_NANOS);
    }

    @Test
    void theChecksumIsThatOfTheRfcsExample() {
        byte[] example = {0, 1, (byte) 0xf2, 3, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, (byte) 0xf7};
        ByteBuf bytes = Unpooled.wrappedBuffer(example);
        assertThat(InternetChecksum.fold(InternetChecksum.sum(bytes, 0, 8, 0))).isEqualTo(0xddf2);
        assertThat(InternetChecksum.of(bytes, 0, 7, 0))
                .as("an odd last byte counts as a word's first")
                .isEqualTo(~(0xddf2 - 0xf7) & 0xffff);
    }

    @Test
    void aQueueGivesAnyRangeAndTheBudgetBackWhatItTook() {
        BufferBudget budget = new BufferBudget(1 << 20, 1 << 20);
        ByteQueue queue = new ByteQueue(UnpooledByteBufAllocator.DEFAULT, budget);
        byte[] all = new byte[20_000];
        new Random(6).nextBytes(all);
        Random random = new Random(7);
        int end = 0;
        int start = 0;
        while (end < all.length) {
            int length =
                    Math.min(1 + random.nextInt(random.nextBoolean() ? 10 : 900), all.length - end);
            int held = random.nextBoolean() ? length : 4096;
            queue.append(Unpooled.copiedBuffer(all, end, length), held);
            end += length;
            int discard = random.nextInt(queue.bytes() + 1) / 3;
            queue.discard(discard);
            start += discard;
            ByteBuf copy = Unpooled.buffer();
            int offset = queue.bytes() / 3;
            queue.copyTo(copy, offset, queue.bytes() - offset);
            assertThat(copy)
                    .isEqualTo(Unpooled.wrappedBuffer(all, start + offset, end - start - offset));
            assertThat(budget.usedBytes()).isEqualTo(end - start);
        }
        queue.release();
        assertThat(budget.usedBytes()).isZero();
    }

    @Test
    void aBusyBudgetLeavesEveryoneTheFloor() {
        BufferBudget budget = new BufferBudget(1 << 20, 1 << 20);
        assertThat(budget.share()).isEqualTo(1 << 17);
        budget.take(2 << 20);
        assertThat(budget.share()).isEqualTo(BufferBudget.FLOOR_BYTES);
    }
}
