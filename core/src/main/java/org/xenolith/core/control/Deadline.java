package org.xenolith.core.control;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * Closes a connection under whoever waits for it, when the time is over before the deadline is
 * closed. A socket of the Unix domain has no timeouts of its own.
 */
final class Deadline implements AutoCloseable {
    private final SocketChannel channel;
    private boolean over;
    private volatile boolean passed;
    private final Thread watch;

    Deadline(SocketChannel channel, Duration patience) {
        this.channel = channel;
        this.watch = Thread.ofVirtual().name("control-deadline").start(() -> await(patience));
    }

    private void await(Duration patience) {
        try {
            Thread.sleep(patience);
        } catch (InterruptedException answered) {
            return;
        }
        synchronized (this) {
            if (!over) {
                passed = true;
                closeQuietly();
            }
        }
    }

    private void closeQuietly() {
        try {
            channel.close();
        } catch (IOException gone) {
            // Closed is closed.
        }
    }

    /** Whether it was what closed the connection. */
    boolean hasPassed() {
        return passed;
    }

    @Override
    public synchronized void close() {
        over = true;
        watch.interrupt();
    }
}
