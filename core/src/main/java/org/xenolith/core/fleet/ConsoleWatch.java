package org.xenolith.core.fleet;

import org.xenolith.devices.console.Escaped;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Waits for a guest to say something on its console: bytes in one line, as of UTF-8. A guest may
 * write lines without end; only their last part is kept.
 */
final class ConsoleWatch {
    private static final int KEPT = 8192;

    private final byte[] text;
    private final CountDownLatch over = new CountDownLatch(1);
    private final byte[] line = new byte[KEPT];
    private int length;
    private volatile boolean heard;

    ConsoleWatch(String text) {
        this.text = text.getBytes(StandardCharsets.UTF_8);
    }

    /** What the console writes; by one thread at a time. */
    void hear(byte[] bytes, int offset, int count) {
        for (int i = offset; i < offset + count && over.getCount() > 0; i++) {
            if (bytes[i] == '\n') {
                length = 0;
                continue;
            }
            if (length == KEPT) {
                length = Math.min(text.length, KEPT - 1);
                System.arraycopy(line, KEPT - length, line, 0, length);
            }
            line[length++] = bytes[i];
            if (endsWithText()) {
                heard = true;
                over.countDown();
            }
        }
    }

    private boolean endsWithText() {
        if (length < text.length) {
            return false;
        }
        for (int i = 1; i <= text.length; i++) {
            if (line[length - i] != text[text.length - i]) {
                return false;
            }
        }
        return true;
    }

    /** It will not be said any more, or nobody wants to know. */
    void giveUp() {
        over.countDown();
    }

    /** Waits until it was said or will not be, and not longer than this; whether that is so. */
    boolean isOver(Duration patience) throws InterruptedException {
        return over.await(patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    /**
     * Waits until it was said, or will not be.
     *
     * @return whether it was
     */
    boolean await() throws InterruptedException {
        over.await();
        return heard;
    }

    /** The text, as a terminal can show it. */
    @Override
    public String toString() {
        return Escaped.of(new String(text, StandardCharsets.UTF_8));
    }
}
