package org.xenolith.core.machine;

import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A console for tests: keeps what the guest writes, types what the test says. */
final class GuestConsole implements ConsoleIo {
    private final ConsoleLog log = new ConsoleLog(1 << 20);
    private volatile boolean ended;
    private InputListener listener;

    @Override
    public void write(byte[] bytes, int offset, int length) {
        log.write(bytes, offset, length);
    }

    @Override
    public synchronized void start(InputListener newListener) {
        listener = newListener;
        notifyAll();
    }

    String text() {
        return log.text();
    }

    /** Where what is printed from now on begins. */
    long position() {
        return log.position();
    }

    String textFrom(long position) {
        return log.textFrom(position);
    }

    boolean awaitText(String text, long position, Duration timeout) throws InterruptedException {
        return log.awaitText(text, position, timeout);
    }

    /** Nothing more will come: who waits for text waits no longer. */
    void end() {
        ended = true;
        log.close();
    }

    /** Whether {@link #end} was called. */
    boolean isEnded() {
        return ended;
    }

    boolean awaitText(String text, Duration timeout) throws InterruptedException {
        return log.awaitText(text, timeout);
    }

    synchronized void type(String text) throws InterruptedException {
        while (listener == null) {
            wait();
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        listener.typed(bytes, bytes.length);
    }
}
