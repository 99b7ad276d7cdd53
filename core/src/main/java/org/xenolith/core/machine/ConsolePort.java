package org.xenolith.core.machine;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.console.ConsoleInput;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;
import org.xenolith.pv.console.ConsoleRing;
import org.xenolith.pv.ring.ByteRing;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** A guest's hvc0: its page, its event channel, and the console on the host behind them. */
final class ConsolePort {
    private static final int INPUT_BYTES = 64 << 10;
    private static final byte END_OF_INPUT = 4;
    private static final long INPUT_RETRY_NANOS = 1_000_000;

    private final ConsoleIo console;
    private final Domain domain;
    private final MemorySegment page;
    private final AtomicBoolean waitsForRoom = new AtomicBoolean();
    private int port;
    private final ConsoleInput input;
    private ConsoleRing ring;
    private ByteRing.Listener listener;

    private Consumer<String> report; // null until the guest may run

    /** Of the present ring. */
    private final AtomicBoolean reported = new AtomicBoolean();

    private ConsolePort(ConsoleIo console, Domain domain, MemorySegment page, int port) {
        this.console = console;
        this.domain = domain;
        this.port = port;
        this.page = page;
        input = new ConsoleInput(INPUT_BYTES, () -> domain.post(this::service));
        ring = new ConsoleRing(page, console, input);
    }

    /** Takes the port, which must be the next free one. */
    static ConsolePort allocate(ConsoleIo console, Domain domain, long mfn, int port) {
        ConsolePort made = new ConsolePort(console, domain, GuestPage.pin(domain, mfn), port);
        GuestPage.expectPort(domain.events().allocateForBackend(made::service), port);
        return made;
    }

    /**
     * Serves the port of a restored guest.
     *
     * @throws SnapshotException when it has none there
     */
    static ConsolePort restore(ConsoleIo console, Domain domain, long mfn, int port)
            throws SnapshotException {
        MemorySegment page = GuestPage.pinRestored(domain, mfn);
        ConsolePort made = new ConsolePort(console, domain, page, port);
        GuestPage.bindRestored(domain, port, made::service);
        return made;
    }

    /**
     * The guest binds its console anew: another port, an empty page.
     *
     * @param newPort the next free one
     */
    void reopen(int newPort) {
        drain();
        port = newPort;
        GuestPage.expectPort(domain.events().allocateForBackend(this::service), port);
        page.fill((byte) 0);
        ring = new ConsoleRing(page, console, input);
        ring.onMove(listener);
        reported.set(false);
    }

    /**
     * Sets who hears of bytes that go through its rings, null for nobody, while the guest stands.
     */
    void onMove(ByteRing.Listener hearer) {
        listener = hearer;
        ring.onMove(hearer);
    }

    /** Sets who takes a sentence should the guest break its ring, before the guest runs. */
    void onReport(Consumer<String> reader) {
        report = reader;
    }

    /** Where both sides of its rings are; only while the guest stands. */
    List<ByteRing.State> rings() {
        return ring.states();
    }

    int port() {
        return port;
    }

    /** Looks at the ring at the guest's next poll point. */
    void lookSoon() {
        domain.post(this::service);
    }

    /**
     * Takes what the guest has printed and nobody had room for; only while it stands and will not
     * go on as it was.
     */
    void drain() {
        ring.drain();
        reportCorruption();
    }

    private void reportCorruption() {
        if (ring.corruption().isPresent() && !reported.getAndSet(true)) {
            report.accept("the console is served no more: " + ring.corruption().get());
        }
    }

    /** From now on what is typed reaches the guest, before which it does not run. */
    void open(Guest guest) {
        onReport(guest::report);
        console.start(new Keys(guest));
    }

    private void service() {
        if (ring.service()) {
            domain.events().deliver(port);
        }
        if (ring.hasOutput() && !waitsForRoom.getAndSet(true)) {
            // At the next poll point, unless the one who reads all this lags behind.
            console.whenRoom(
                    () -> {
                        waitsForRoom.set(false);
                        domain.post(this::service);
                    });
        }
        reportCorruption();
    }

    /** Keys of the terminal on their way to the guest. */
    private final class Keys implements InputListener {
        private final Guest guest;

        Keys(Guest guest) {
            this.guest = guest;
        }

        @Override
        public void typed(byte[] bytes, int length) {
            int taken = input.offer(bytes, 0, length);
            while (taken < length
                    && !domain.hasEnded()
                    && !Thread.currentThread().isInterrupted()) {
                // The guest reads slower than the host types or pipes: the reader waits, unless
                // whoever typed has left.
                LockSupport.parkNanos(INPUT_RETRY_NANOS);
                taken += input.offer(bytes, taken, length - taken);
            }
        }

        @Override
        public void endOfInput() {
            typed(new byte[] {END_OF_INPUT}, 1);
        }

        @Override
        public void leave() {
            guest.leave();
        }
    }
}
