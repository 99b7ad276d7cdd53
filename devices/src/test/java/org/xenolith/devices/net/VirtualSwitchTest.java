package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.devices.net.SwitchLab.ALICE;
import static org.xenolith.devices.net.SwitchLab.BOB;
import static org.xenolith.devices.net.SwitchLab.BROADCAST;
import static org.xenolith.devices.net.SwitchLab.CAROL;
import static org.xenolith.devices.net.SwitchLab.frame;

import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.SwitchLab.Station;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

final class VirtualSwitchTest {
    private static final long MALLORY = 0x00_16_3e_00_00_04L;

    private final SwitchLab lab = new SwitchLab();
    private final Station alice = lab.station("alice");
    private final Station bob = lab.station("bob");
    private final Station carol = lab.station("carol");

    @Test
    void frameToAnUnknownAddressReachesEveryoneButItsSender() {
        alice.send(frame(BOB, ALICE, 1));
        lab.run();

        assertThat(alice.received).isEmpty();
        assertThat(bob.payloads()).containsExactly(1);
        assertThat(carol.payloads()).containsExactly(1);
    }

    @Test
    void frameToALearnedAddressReachesItsPortOnly() {
        introduceAll();

        alice.send(frame(BOB, ALICE, 7));
        lab.run();

        assertThat(bob.payloads()).containsExactly(7);
        assertThat(carol.received).isEmpty();
    }

    @Test
    void broadcastAndMulticastReachEveryoneButTheirSender() {
        introduceAll();

        alice.send(frame(BROADCAST, ALICE, 1));
        alice.send(frame(0x01_00_5e_00_00_fbL, ALICE, 2));
        lab.run();

        assertThat(alice.received).isEmpty();
        assertThat(bob.payloads()).containsExactly(1, 2);
        assertThat(carol.payloads()).containsExactly(1, 2);
    }

    /** A hundred guests that start would otherwise have each other's questions. */
    @Test
    void broadcastThatIsMeantForOneAloneReachesNobodyElse() {
        introduceAll();
        bob.questions.add(1);

        alice.send(frame(BROADCAST, ALICE, 1));
        alice.send(frame(BROADCAST, ALICE, 2));
        bob.send(frame(BROADCAST, BOB, 1));
        lab.run();

        assertThat(bob.payloads()).containsExactly(1, 2);
        assertThat(carol.payloads()).as("its own questions go to all").containsExactly(2, 1);
    }

    @Test
    void frameToAStationOnTheSamePortStaysThere() {
        introduceAll();
        alice.send(frame(BROADCAST, 0x02_00_00_00_00_99L, 0));
        lab.run();
        forgetReceived();

        alice.send(frame(0x02_00_00_00_00_99L, ALICE, 1));
        lab.run();

        assertThat(bob.received).isEmpty();
        assertThat(carol.received).isEmpty();
    }

    @Test
    void addressIsForgottenAfterFiveMinutesOfSilence() {
        introduceAll();
        lab.advance(299, TimeUnit.SECONDS);
        alice.send(frame(BOB, ALICE, 1));
        lab.run();
        assertThat(carol.received).as("still known").isEmpty();

        lab.advance(1, TimeUnit.SECONDS);
        alice.send(frame(BOB, ALICE, 2));
        lab.run();
        assertThat(carol.payloads()).as("flooded").containsExactly(2);
    }

    @Test
    void stationThatMovesIsFoundOnItsNewPort() {
        introduceAll();
        carol.send(frame(BROADCAST, BOB, 0));
        lab.run();
        forgetReceived();

        alice.send(frame(BOB, ALICE, 1));
        lab.run();

        assertThat(bob.received).isEmpty();
        assertThat(carol.payloads()).containsExactly(1);
    }

    @Test
    void floodOfSourceAddressesFillsOnlyTheShareOfItsPort() {
        MacTable table = new MacTable(1);
        Port mallory = port("mallory");
        Port other = port("other");
        for (int i = 0; i < 100_000; i++) {
            table.learn(0x02_00_00_00_00_00L + i, mallory, i);
        }
        table.learn(ALICE, other, 100_000);

        assertThat(table.size()).isEqualTo(MacTable.ADDRESSES_PER_PORT + 1);
        assertThat(table.lookup(ALICE, 100_000)).isSameAs(other);
    }

    @Test
    void agedAddressesMakeRoomForNewOnes() {
        MacTable table = new MacTable(1);
        Port office = port("office");
        for (int i = 0; i < MacTable.ADDRESSES_PER_PORT; i++) {
            table.learn(0x02_00_00_00_00_00L + i, office, 0);
        }
        table.learn(ALICE, office, MacTable.AGEING_NANOS);

        assertThat(table.lookup(ALICE, MacTable.AGEING_NANOS)).isSameAs(office);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void portWithAnAddressOfItsOwnSendsFromNoOther() {
        Station guest = lab.station("guest", PortSettings.PLAIN.withAddress(new MacAddress(0x06)));
        guest.send(frame(BROADCAST, ALICE, 1));
        guest.send(frame(BROADCAST, 0x06, 2));
        lab.run();

        assertThat(bob.payloads()).containsExactly(2);
        assertThat(lab.statistics("guest").sentDropped()).isEqualTo(1);
    }

    @Test
    void guestWithOthersBehindItSendsFromAddressesThatNobodyOwns() {
        PortSettings settings = PortSettings.PLAIN.withAddress(new MacAddress(0x06));
        Station guest = lab.station("guest", settings.withOthersBehind());
        lab.station("owner", PortSettings.PLAIN.withAddress(new MacAddress(0x0a)));
        guest.send(frame(BOB, 0x02, 1)); // a container of it
        guest.send(frame(BOB, 0x06, 2));
        guest.send(frame(BOB, 0x0a, 3)); // another guest's
        lab.run();
        bob.send(frame(0x02, BOB, 4));
        alice.send(frame(BROADCAST, 0x06, 5)); // its own stays its own
        lab.run();

        assertThat(bob.payloads()).containsExactly(1, 2);
        assertThat(guest.payloads()).contains(4).doesNotContain(5);
        assertThat(lab.statistics("guest").sentDropped()).isEqualTo(1);
    }

    @Test
    void nobodyTakesTheAddressThatAPortOwns() {
        Station guest = lab.station("guest", PortSettings.PLAIN.withAddress(new MacAddress(0x06)));
        alice.send(frame(BROADCAST, 0x06, 1));
        bob.send(frame(0x06, BOB, 2));
        lab.run();

        assertThat(guest.payloads()).containsExactly(2);
        assertThat(lab.statistics("alice").sentDropped()).isEqualTo(1);
    }

    @Test
    void twoPortsCannotOwnOneAddress() {
        PortSettings settings = PortSettings.PLAIN.withAddress(new MacAddress(ALICE));
        Station first = lab.station("first", settings);
        assertThatThrownBy(() -> lab.station("second", settings))
                .hasMessage("MAC address 00:16:3e:00:00:01 is already on port first");

        first.port.close();
        lab.run();
        lab.station("second", settings);
    }

    @Test
    void framesThatAreSentWhileAPortIsPluggedInDoNotUnplugTheirSender() {
        VirtualSwitch network =
                new VirtualSwitch(beforeEachRegistration(lab::run), Port.PATIENCE_NANOS);
        Station sender = new Station();
        sender.port = network.connect("sender", sender);
        lab.run();
        sender.send(frame(BROADCAST, ALICE, 1));
        sender.send(frame(BOB, ALICE, 2));
        Station late = new Station();
        late.port = network.connect("late", late, claims(BOB));
        lab.run();
        assertThat(network.statistics())
                .extracting(PortStatistics::name)
                .containsExactly("sender", "late");

        sender.send(frame(BOB, ALICE, 3));
        lab.run();
        assertThat(late.payloads()).containsExactly(3);
    }

    /** The lab's loop, on which something else happens whenever a channel is to be registered. */
    private EventLoop beforeEachRegistration(Runnable meanwhile) {
        return (EventLoop)
                Proxy.newProxyInstance(
                        EventLoop.class.getClassLoader(),
                        new Class<?>[] {EventLoop.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("register")) {
                                meanwhile.run();
                            }
                            return method.invoke(lab.loop(), arguments);
                        });
    }

    @Test
    void malformedFramesGoNowhereAndAreCounted() {
        alice.send(new EthernetFrame(Unpooled.wrappedBuffer(new byte[13])));
        alice.send(frame(BROADCAST, ALICE, 0, Bridge.MAX_FRAME_BYTES));
        alice.send(frame(BROADCAST, BROADCAST, 0)); // a group is no source
        alice.send(frame(BROADCAST, 0, 0));
        alice.send(frame(0x01_80_c2_00_00_00L, ALICE, 0)); // spanning tree: stays on the link
        lab.run();

        assertThat(bob.received).isEmpty();
        assertThat(lab.statistics("alice").sentDropped()).isEqualTo(5);
        assertThat(lab.statistics("alice").sentFrames()).isZero();
    }

    @Test
    void everyFrameAndByteIsCountedOnBothPorts() {
        introduceAll();
        PortStatistics before = lab.statistics("bob");
        alice.send(frame(BOB, ALICE, 1, 1000));
        alice.send(frame(BOB, ALICE, 2, 86));
        lab.run();

        assertThat(lab.statistics("bob").receivedFrames() - before.receivedFrames()).isEqualTo(2);
        assertThat(lab.statistics("bob").receivedBytes() - before.receivedBytes()).isEqualTo(1114);
        assertThat(lab.statistics("alice").sentFrames()).isEqualTo(3);
        assertThat(lab.network.statistics())
                .extracting(PortStatistics::name)
                .containsExactly("alice", "bob", "carol");
    }

    @Test
    void senderToAFullPortIsRefusedAndToldWhenThereIsRoomAndNothingIsLost() {
        introduceAll();
        bob.accepts = false;
        int accepted = sendUntilRefused(alice, BOB);
        assertThat(accepted).isBetween(900, 1100); // both queues

        lab.run();
        assertThat(alice.toldWritable).isZero();

        bob.acceptAgain();
        lab.run();
        assertThat(alice.toldWritable).isPositive();
        assertThat(bob.payloads()).isEqualTo(IntStream.range(0, accepted).boxed().toList());
        assertThat(lab.statistics("bob").receivedDropped()).isZero();
    }

    @Test
    void largeFramesFillAPortByTheirBytes() {
        introduceAll();
        bob.accepts = false;
        int accepted = 0;
        while (alice.send(frame(BOB, ALICE, accepted, 65_000))) {
            accepted++;
            lab.run();
        }
        assertThat(accepted).isBetween(32, 36);
        bob.acceptAgain();
        lab.run();
        assertThat(bob.received).hasSize(accepted);
    }

    @Test
    void twoPortsThatAreFullAtEachOtherDrainAsSoonAsTheirEndpointsTake() {
        introduceAll();
        alice.accepts = false;
        bob.accepts = false;
        int toBob = sendUntilRefused(alice, BOB);
        int toAlice = sendUntilRefused(bob, ALICE);

        alice.acceptAgain();
        lab.run();
        assertThat(alice.received).hasSize(toAlice);
        assertThat(bob.toldWritable).isPositive();
        bob.acceptAgain();
        lab.run();
        assertThat(bob.received).hasSize(toBob);
    }

    @Test
    void endpointThatTakesNothingDelaysItsNeighboursForHalfASecondOnly() {
        introduceAll();
        bob.accepts = false;
        sendUntilRefused(alice, BOB);
        forgetReceived();

        lab.advance(499, TimeUnit.MILLISECONDS);
        assertThat(alice.toldWritable).isZero();
        lab.advance(1, TimeUnit.MILLISECONDS);
        assertThat(alice.toldWritable).isPositive();

        alice.send(frame(CAROL, ALICE, 77));
        lab.run();
        assertThat(carol.payloads()).containsExactly(77);
        assertThat(lab.statistics("bob").receivedDropped()).isPositive();
    }

    @Test
    void endpointThatTakesHalfOfItsQueueEachTimeInTheLastMomentDoesNotHoldUpItsNeighboursForLong() {
        Dribbler dribbler = new Dribbler();
        dribbler.port = lab.network.connect("dribbler", dribbler, claims(MALLORY));
        lab.run();
        int steps = 1000;
        int heldUp = 0;
        for (int step = 0; step < steps; step++) {
            if (step % 49 == 48) {
                dribbler.take(300);
            }
            heldUp += sendsAll(MALLORY, 600) ? 0 : 1;
            lab.advance(10, TimeUnit.MILLISECONDS);
        }
        assertThat(heldUp).as("of %d moments of 10 ms", steps).isBetween(40, 200);
    }

    @Test
    void endpointThatTakesItsQueueFastMayBeFullAllTheTimeAndLosesNothing() {
        Dribbler dribbler = new Dribbler();
        dribbler.port = lab.network.connect("dribbler", dribbler, claims(MALLORY));
        lab.run();
        for (int step = 0; step < 1000; step++) {
            sendsAll(MALLORY, 600);
            lab.advance(40, TimeUnit.MILLISECONDS);
            dribbler.take(300);
        }
        assertThat(lab.statistics("dribbler").receivedDropped()).isZero();
    }

    @Test
    void neighboursOfAPortHaveTheirPatienceAgainAfterAWhile() {
        introduceAll();
        bob.accepts = false;
        sendUntilRefused(alice, BOB);
        lab.advance(500, TimeUnit.MILLISECONDS);
        bob.acceptAgain();
        lab.run();
        lab.advance(8, TimeUnit.SECONDS);
        bob.accepts = false;
        sendUntilRefused(alice, BOB);
        long dropped = lab.statistics("bob").receivedDropped();
        lab.advance(499, TimeUnit.MILLISECONDS);
        assertThat(lab.statistics("bob").receivedDropped()).isEqualTo(dropped);
        lab.advance(1, TimeUnit.MILLISECONDS);
        assertThat(lab.statistics("bob").receivedDropped()).isGreaterThan(dropped);
    }

    private boolean sendsAll(long destination, int count) {
        for (int i = 0; i < count; i++) {
            if (!alice.send(frame(destination, ALICE, i))) {
                return false;
            }
            lab.run();
        }
        return true;
    }

    private static PortSettings claims(long address) {
        return PortSettings.PLAIN.withAddress(new MacAddress(address));
    }

    /** Takes as many frames as it is told, and no more. */
    private static final class Dribbler implements NetworkEndpoint {
        private SwitchPort port;
        private int takes;

        @Override
        public boolean deliver(EthernetFrame frame) {
            if (takes == 0) {
                return false;
            }
            takes--;
            frame.release();
            return true;
        }

        void take(int frames) {
            takes = frames;
            port.resume();
        }

        @Override
        public void writable() {}
    }

    @Test
    void stalledPortLosesNothingAgainOnceItHasTakenItsQueue() {
        introduceAll();
        bob.accepts = false;
        sendUntilRefused(alice, BOB);
        lab.advance(500, TimeUnit.MILLISECONDS);
        long dropped = lab.statistics("bob").receivedDropped();

        bob.acceptAgain();
        lab.run();
        bob.accepts = false;
        int accepted = sendUntilRefused(alice, BOB);
        forgetReceived();
        bob.acceptAgain();
        lab.run();

        assertThat(bob.received).hasSize(accepted);
        assertThat(lab.statistics("bob").receivedDropped()).isEqualTo(dropped);
    }

    @Test
    void broadcastPassesByAPortThatIsFull() {
        introduceAll();
        bob.accepts = false;
        int sent = 0;
        for (; sent < 2000; sent++) {
            assertThat(alice.send(frame(BROADCAST, ALICE, sent))).isTrue();
            lab.run();
        }
        assertThat(carol.received).hasSize(sent);
        long dropped = lab.statistics("bob").receivedDropped();
        assertThat(dropped).isPositive();
        bob.acceptAgain();
        lab.run();
        assertThat(bob.received).hasSize((int) (sent - dropped));
    }

    @Test
    void portThatClosesReleasesItsFramesAndItsWaitingSenders() {
        introduceAll();
        bob.accepts = false;
        List<EthernetFrame> sent = new ArrayList<>();
        for (int i = 0; ; i++) {
            EthernetFrame frame = frame(BOB, ALICE, i);
            if (!alice.send(frame)) {
                break;
            }
            sent.add(frame);
            lab.run();
        }
        carol.port.close();
        bob.port.close();
        lab.run();

        assertThat(sent).allMatch(frame -> frame.refCnt() == 0);
        assertThat(alice.toldWritable).isPositive();
        assertThat(lab.network.statistics()).hasSize(1);
        EthernetFrame late = frame(ALICE, BOB, 0);
        assertThat(bob.port.send(late)).as("a closed port swallows frames").isTrue();
        assertThat(late.refCnt()).isZero();
    }

    @Test
    void endpointThatThrowsLosesItsPortAndNobodyElseNotices() {
        NetworkEndpoint broken =
                new NetworkEndpoint() {
                    @Override
                    public boolean deliver(EthernetFrame frame) {
                        throw new Failure();
                    }

                    @Override
                    public void writable() {}
                };
        lab.network.connect("broken", broken);
        alice.send(frame(BROADCAST, ALICE, 1));
        lab.run();
        alice.send(frame(BROADCAST, ALICE, 2));
        lab.run();

        assertThat(bob.payloads()).containsExactly(1, 2);
        assertThat(lab.network.statistics()).hasSize(3);
    }

    private static final class Failure extends RuntimeException {
        Failure() {
            super("thrown on purpose", null, false, false);
        }
    }

    /** Everyone says hello, so that the switch knows all three. */
    private void introduceAll() {
        alice.send(frame(BROADCAST, ALICE, 0));
        bob.send(frame(BROADCAST, BOB, 0));
        carol.send(frame(BROADCAST, CAROL, 0));
        lab.run();
        forgetReceived();
    }

    private void forgetReceived() {
        for (Station station : List.of(alice, bob, carol)) {
            station.received.forEach(EthernetFrame::release);
            station.received.clear();
        }
    }

    private int sendUntilRefused(Station from, long destination) {
        long source = from == alice ? ALICE : BOB;
        int accepted = 0;
        while (from.send(frame(destination, source, accepted))) {
            accepted++;
            lab.run();
        }
        return accepted;
    }

    private Port port(String name) {
        return new Port(name, new Station(), PortSettings.PLAIN, lab.loop(), null, 0);
    }
}
