package org.xenolith.core.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.host.Store;
import org.xenolith.pv.xenbus.BackendConnection;
import org.xenolith.pv.xenbus.BackendDriver;
import org.xenolith.pv.xenbus.ConnectRequest;
import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Devices that stand by for a save, one of which has not answered all it was asked. */
final class StandingByTest {
    private static final String CONNECTED = "4";

    private final XenbusDevice device = new XenbusDevice(1, "vbd", 51712);
    private final SlowDisk disk = new SlowDisk();
    private final StandingBy saving = new StandingBy(List.of(connected()), () -> {}, () -> false);

    private AttachedDevice connected() {
        OneStore store = new OneStore();
        store.write(Map.of(device.frontend() + "/state", CONNECTED));
        store.write(Map.of(device.backend() + "/state", CONNECTED));
        XenbusBackend backend =
                XenbusBackend.goOn(device, new Immediate(), store, disk, line -> {});
        return new AttachedDevice(backend, new CompletableFuture<>());
    }

    @Test
    void saveThatIsInterruptedLeavesNoDiskStandingBy() {
        assertThat(disk.connections).isEqualTo(1);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> saving.await(Duration.ofMinutes(1)))
                .isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).as("whoever interrupted is heard").isTrue();

        disk.answersAll();
        assertThat(disk.connections).as("it goes on with its frontend").isEqualTo(2);
    }

    @Test
    void diskThatDoesNotAnswerInTimeGoesOnWhenItHas() {
        assertThatThrownBy(() -> saving.await(Duration.ZERO))
                .isInstanceOf(IOException.class)
                .hasMessage("A disk has not answered all that it was asked");

        disk.answersAll();
        assertThat(disk.connections).isEqualTo(2);
    }

    /** It lets go of its frontend when the test says so. */
    private static final class SlowDisk implements BackendDriver, BackendConnection {
        int connections;
        private Runnable released;

        void answersAll() {
            released.run();
        }

        @Override
        public Map<String, String> offer() {
            return Map.of();
        }

        @Override
        public BackendConnection connect(ConnectRequest request) {
            connections++;
            return this;
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public void start() {}

        @Override
        public void disconnect(Runnable then) {
            released = then;
        }

        @Override
        public void handOver(Runnable then) {
            released = then;
        }

        @Override
        public void abandon(Runnable idle) {}
    }

    /** A store that nobody else writes to. */
    private static final class OneStore implements Store {
        private final Map<String, String> values = new HashMap<>();

        @Override
        public Optional<String> read(String path) {
            return Optional.ofNullable(values.get(path));
        }

        @Override
        public void write(Map<String, String> some) {
            values.putAll(some);
        }

        @Override
        public Watch watch(String path, Runnable changed) {
            changed.run();
            return () -> {};
        }
    }

    /** Does at once what is posted to it. */
    private static final class Immediate implements FrontendDomain {
        @Override
        public int id() {
            return 1;
        }

        @Override
        public GrantedFrame grant(int ref, boolean writable) {
            return null;
        }

        @Override
        public EventPort bind(int port, Runnable onEvent) {
            return null;
        }

        @Override
        public void post(Runnable work) {
            work.run();
        }
    }
}
