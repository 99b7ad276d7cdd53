package org.xenolith.pv.xenbus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.host.FakeStore;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

class XenbusBackendTest {
    private final FakeDomain domain = new FakeDomain();
    private final FakeStore store = new FakeStore();
    private final XenbusDevice device = new XenbusDevice(1, "vbd", 51712);
    private final Driver driver = new Driver();
    private final List<String> log = new ArrayList<>();
    private long nanos;
    private XenbusBackend backend;

    /** A driver that notes what is asked of it. */
    private static final class Driver implements BackendDriver {
        String refusal;
        boolean slow;
        Connection connection;
        int connected;
        int handedOver;

        @Override
        public Map<String, String> offer() {
            return Map.of("feature-x", "1");
        }

        @Override
        public BackendConnection connect(ConnectRequest request) throws FrontendRefused {
            if (refusal != null) {
                throw new FrontendRefused(refusal);
            }
            assertThat(connection).as("one connection at a time").isNull();
            connected++;
            connection = new Connection(request);
            return connection;
        }

        final class Connection implements BackendConnection {
            final ConnectRequest request;
            boolean started;
            Runnable released;
            Runnable idle;

            Connection(ConnectRequest request) {
                this.request = request;
            }

            @Override
            public Map<String, String> properties() {
                return Map.of("sectors", "8");
            }

            @Override
            public void start() {
                started = true;
            }

            @Override
            public void disconnect(Runnable whenReleased) {
                assertThat(released).as("disconnected once").isNull();
                released = whenReleased;
                if (!slow) {
                    release();
                }
            }

            @Override
            public void handOver(Runnable whenReleased) {
                handedOver++;
                disconnect(whenReleased);
            }

            void release() {
                connection = null;
                request.domain().post(released);
            }

            @Override
            public void abandon(Runnable whenIdle) {
                idle = whenIdle;
            }
        }
    }

    @BeforeEach
    void attach() {
        store.write(device.backend() + "/state", "1");
        frontend(1);
        store.history.clear();
        backend = XenbusBackend.attach(device, domain, store, driver, log::add, () -> nanos);
        domain.run();
    }

    private void frontend(int state) {
        store.write(device.frontend() + "/state", "" + state);
        domain.run();
    }

    private String state() {
        return store.read(device.backend() + "/state").orElseThrow();
    }

    private String error() {
        return store.read(device.error()).orElse("");
    }

    @Test
    void featuresAreThereBeforeInitWait() {
        assertThat(store.history)
                .containsSubsequence(
                        device.backend() + "/feature-x=1", device.backend() + "/state=2");
    }

    private XenbusBackend goOn() {
        XenbusBackend second = XenbusBackend.goOn(device, domain, store, driver, log::add);
        domain.run();
        return second;
    }

    @Test
    void deviceThatStandsByLetsGoAndTheFrontendHearsNothingOfIt() {
        frontend(4);
        store.history.clear();
        CompletableFuture<Void> quiet = backend.standBy();
        domain.run();
        assertThat(quiet).isCompleted();
        assertThat(driver.handedOver).isEqualTo(1);
        frontend(6);
        assertThat(state()).as("nothing is looked at").isEqualTo("4");
        frontend(4);
        backend.resume();
        domain.run();
        assertThat(driver.connected).isEqualTo(2);
        assertThat(driver.connection.started).isTrue();
        assertThat(store.history).noneMatch(line -> line.startsWith(device.backend() + "/state"));
    }

    @Test
    void deviceOfARestoredDomainIsConnectedAgain() {
        frontend(4);
        backend.standBy();
        domain.run();
        XenbusBackend second = goOn();
        assertThat(driver.connected).isEqualTo(2);
        assertThat(second.state()).isEqualTo(XenbusState.CONNECTED);
        frontend(6);
        assertThat(state()).isEqualTo("6");
    }

    @Test
    void deviceOfARestoredDomainWaitsForAFrontendThatWasNotThereYet() {
        backend.standBy();
        assertThat(backend.isSteady()).isTrue();
        XenbusBackend second = goOn();
        assertThat(driver.connected).isZero();
        frontend(3);
        assertThat(driver.connected).isEqualTo(1);
        assertThat(second.state()).isEqualTo(XenbusState.CONNECTED);
    }

    @Test
    void frontendThatClosedWhileItsDeviceStoodByIsSeenAfterwards() {
        frontend(4);
        backend.standBy();
        domain.run();
        frontend(6);
        backend.resume();
        domain.run();
        assertThat(state()).isEqualTo("6");
        assertThat(driver.connection).isNull();
    }

    @Test
    void deviceThatIsBeingDetachedIsNotSteady() {
        frontend(4);
        assertThat(backend.isSteady()).isTrue();
        backend.detach();
        assertThat(backend.isSteady()).isFalse();
    }

    @Test
    void deviceThatNobodyUsesIsNotSteadyEitherUntilItIsGone() {
        assertThat(backend.isSteady()).isTrue();
        backend.detach();
        assertThat(backend.isSteady()).as("its directories are still there").isFalse();
        domain.run();
        assertThat(backend.ended()).isDone();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4})
    void frontendThatIsReadyIsConnectedAfterItCanReadTheProperties(int ready) {
        frontend(ready);
        assertThat(driver.connection.started).isTrue();
        assertThat(store.history)
                .containsSubsequence(
                        device.backend() + "/sectors=8", device.backend() + "/state=4");
        frontend(4);
        assertThat(driver.connected).isEqualTo(1);
    }

    @Test
    void frontendThatClosedIsServedAgainWhenItComesBack() {
        for (int round = 1; round <= 3; round++) {
            frontend(3);
            assertThat(driver.connected).isEqualTo(round);
            frontend(5);
            assertThat(state()).isEqualTo("5");
            assertThat(driver.connection).as("goes on while it closes").isNotNull();
            frontend(6);
            assertThat(state()).isEqualTo("6");
            assertThat(driver.connection).isNull();
            frontend(1);
            assertThat(state()).isEqualTo("2");
        }
        assertThat(log).isEmpty();
    }

    @Test
    void frontendThatStartsAnewWithoutClosingIsDisconnectedFirst() {
        frontend(3);
        frontend(1);
        assertThat(driver.connection).isNull();
        assertThat(state()).isEqualTo("2");
        frontend(3);
        assertThat(state()).isEqualTo("4");
    }

    @Test
    void whatTheFrontendDoesWhileItIsDisconnectedIsLookedAtAfterwards() {
        driver.slow = true;
        frontend(3);
        Driver.Connection old = driver.connection;
        frontend(6);
        frontend(1);
        assertThat(state()).as("still in flight").isEqualTo("4");
        old.release();
        domain.run();
        assertThat(state()).isEqualTo("2");
    }

    @Test
    void refusedFrontendGetsAnErrorNodeAndAnotherChance() {
        driver.refusal = "no key ring-ref";
        frontend(3);
        assertThat(state()).isEqualTo("5");
        assertThat(error()).isEqualTo("22 no key ring-ref");
        assertThat(log).singleElement().asString().contains("vbd/1/51712", "ring-ref");
        frontend(3);
        assertThat(log).as("not tried again until it closes").hasSize(1);
        driver.refusal = null;
        frontend(6);
        frontend(1);
        frontend(3);
        assertThat(state()).isEqualTo("4");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 7, 8})
    void statesThatNoFrontendHasCloseTheDevice(int wild) {
        frontend(wild);
        assertThat(state()).isEqualTo("5");
        assertThat(error()).contains("state " + wild);
    }

    @Test
    void failureAtWorkClosesTheDevice() {
        frontend(3);
        driver.connection.request.reports().fail("the ring is nonsense");
        domain.run();
        assertThat(state()).isEqualTo("5");
        assertThat(driver.connection).isNull();
        assertThat(error()).isEqualTo("22 the ring is nonsense");
    }

    @Test
    void failureOfAConnectionThatIsOverIsNoFailureOfTheNext() {
        frontend(3);
        ConnectRequest.Reports old = driver.connection.request.reports();
        frontend(6);
        frontend(1);
        frontend(3);
        old.fail("too late");
        domain.run();
        assertThat(state()).isEqualTo("4");
        assertThat(log).isEmpty();
    }

    @Test
    void detachAsksAndWaitsUntilTheFrontendLetsGo() {
        frontend(3);
        backend.detach();
        domain.run();
        assertThat(store.read(device.backend() + "/online")).contains("0");
        assertThat(state()).isEqualTo("5");
        frontend(5);
        assertThat(backend.ended()).as("mounted").isNotDone();
        frontend(6);
        assertThat(backend.ended()).isCompleted();
        assertThat(state()).isEqualTo("6");
        assertThat(store.watches()).isZero();
        frontend(1);
        assertThat(state()).as("gone for good").isEqualTo("6");
    }

    @Test
    void deviceThatNobodyConnectedToIsDetachedAtOnce() {
        backend.detach();
        domain.run();
        assertThat(backend.ended()).isCompleted();
    }

    @Test
    void removedFrontendEndsTheDevice() {
        frontend(3);
        store.remove(device.frontend());
        domain.run();
        assertThat(backend.ended()).isCompleted();
        assertThat(driver.connection).isNull();
    }

    @Test
    void deviceOfADeadDomainEndsWhenNothingIsInFlight() {
        frontend(3);
        backend.abandon();
        assertThat(backend.ended()).isNotDone();
        driver.connection.idle.run();
        assertThat(backend.ended()).isCompleted();
    }

    @Test
    void deviceOfADomainThatDiedWhileItClosedEndsToo() {
        driver.slow = true;
        frontend(3);
        frontend(6);
        backend.abandon();
        driver.connection.idle.run();
        assertThat(backend.ended()).isCompleted();
    }

    @Test
    void frontendThatBreaksTheRulesAllDayWritesFewLines() {
        driver.refusal = "nonsense";
        for (int i = 0; i < 11_000; i++) {
            frontend(3);
            frontend(6);
            frontend(1);
            nanos += 1_000_000;
        }
        assertThat(log).hasSize(6).last().asString().contains("lines left out");
    }

    @Test
    void anySequenceOfStatesLeavesTheDeviceUsable() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String[] values = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "", "-1", "99", "x\0y"};
        for (int i = 0; i < 20_000; i++) {
            String value = values[1 + random.nextInt(8)];
            if (random.nextInt(50) == 0) {
                driver.refusal = driver.refusal == null ? "no" : null;
            }
            store.write(device.frontend() + "/state", value);
            if (random.nextBoolean()) {
                domain.run();
            }
        }
        driver.refusal = null;
        frontend(6);
        frontend(1);
        frontend(3);
        assertThat(state()).as("seed %d", seed).isEqualTo("4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "9", "-1", "44", "x", "\0"})
    void valueThatIsNoStateEndsTheDeviceLikeNone(String value) {
        store.write(device.frontend() + "/state", value);
        domain.run();
        assertThat(backend.ended()).isCompleted();
    }
}
