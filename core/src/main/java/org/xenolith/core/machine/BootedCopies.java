package org.xenolith.core.machine;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.LastingCopies;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.boot.ShutdownTime;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The copies of a guest that a {@link VmmMachine} runs, and their copies, each followed by a thread
 * of its own. The terminal is the guest's: what copies print is at {@code vmm console}.
 *
 * <p>Thread-safe.
 */
final class BootedCopies implements CopyKeeper, LastingCopies, AutoCloseable {
    /** Those that still run are asked to power off again after so long. */
    private static final Duration ASK_AGAIN = Duration.ofSeconds(5);

    /** The console of a guest that has no terminal. */
    private static final ConsoleIo NOWHERE =
            new ConsoleIo() {
                @Override
                public void write(byte[] bytes, int offset, int length) {}

                @Override
                public void start(InputListener listener) {}
            };

    private final Host host;

    /** The guest, which keeps its name between two lives; empty when it has ended for good. */
    private String original;

    private final Restarts restarts;

    /** Those that are not over; null while one is being made. */
    private final Map<String, Lives> copies = new TreeMap<>();

    private boolean stopping;
    private boolean closed;

    BootedCopies(Host host, String original, Restarts restarts) {
        this.host = host;
        this.original = original;
        this.restarts = restarts;
    }

    @Override
    public Guest begin(Guest parent, BootOptions options, Making making) throws IOException {
        String name = options.name();
        reserve(name);
        Lives lives = null;
        try {
            Guest copy = making.of(NOWHERE);
            lives = new Lives(host, copy, NOWHERE, retold(name));
            if (!start(lives, copy)) {
                copy.close();
                throw new BootFailed("this process ends");
            }
            return copy;
        } finally {
            if (lives == null || !follow(lives)) {
                host.freePorts(name); // some may be open when another one cannot be
                forget(name);
            }
        }
    }

    /** Its name is free. */
    synchronized void originalEnded() {
        original = "";
    }

    private synchronized void reserve(String name) {
        if (stopping || closed) {
            throw new BootFailed("this process ends");
        }
        if (name.equals(original) || copies.containsKey(name)) {
            throw new BootFailed("there is a guest that is called '%s'".formatted(name));
        }
        copies.put(name, null);
    }

    /** Who stops the copies has asked those that ran. */
    private synchronized boolean start(Lives lives, Guest copy) {
        if (stopping || closed) {
            return false;
        }
        copies.put(copy.name(), lives);
        copy.start();
        return true;
    }

    /** Returns whether it was started. */
    private synchronized boolean follow(Lives lives) {
        String name = lives.name();
        if (copies.get(name) != lives) {
            return false;
        }
        Thread.ofVirtual().name("copy-" + name).start(() -> follow(name, lives));
        return true;
    }

    private synchronized void forget(String name) {
        copies.remove(name);
        notifyAll();
    }

    private void follow(String name, Lives lives) {
        try {
            Outcome outcome = lives.follow();
            giveBack(name, lives);
            restarts.copyEnded(name, outcome.ending());
        } catch (BootFailed e) {
            giveBack(name, lives);
            restarts.copyFailed(name, e.getMessage());
        } finally {
            forget(name);
        }
    }

    private void giveBack(String name, Lives lives) {
        lives.close();
        host.freePorts(name);
    }

    private Restarts retold(String name) {
        return (ending, delay) -> restarts.copyStartsAgain(name, ending, delay);
    }

    @Override
    public synchronized List<String> names() {
        return List.copyOf(copies.keySet());
    }

    /** Also of those that are being made. */
    @Override
    public void await() {
        await(Guest.FOREVER);
    }

    /** Returns whether all are over. */
    private synchronized boolean await(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        try {
            for (long left = patience.toNanos();
                    !copies.isEmpty() && left > 0;
                    left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return copies.isEmpty();
    }

    @Override
    public void shutdown() {
        if (beginStop()) {
            Thread.ofVirtual().name("copies-shutdown").start(this::powerOffAll);
        } else {
            destroyAll();
        }
    }

    /** Returns false when that was done before. */
    private synchronized boolean beginStop() {
        boolean first = !stopping;
        stopping = true;
        return first;
    }

    /** Linux drops a request that comes while it begins as a copy. */
    private void powerOffAll() {
        long end = System.nanoTime() + ShutdownTime.of(names().size()).toNanos();
        boolean allOver;
        do {
            running().forEach(Lives::requestPoweroff);
            allOver = await(ASK_AGAIN);
        } while (!allOver && System.nanoTime() < end);
        for (Lives left : running()) {
            restarts.copyFailed(left.name(), "it does not power off and is destroyed");
            left.destroy();
        }
    }

    private void destroyAll() {
        running().forEach(Lives::destroy);
    }

    private synchronized List<Lives> running() {
        return copies.values().stream().filter(lives -> lives != null).toList();
    }

    /** Destroys those that still run; returns when they have given back all they had. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        destroyAll();
        await();
    }
}
