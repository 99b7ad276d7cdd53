package org.xenolith.core.control;

import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * A console over a connection. What the guest prints is queued, since no vCPU may wait for a
 * reader; of a reader that falls too far behind the oldest output is lost to this reader only.
 */
final class ConsoleStream implements ConsoleSink {
    private static final int CHUNKS = 1024;
    private static final byte[] END = {};

    private final InputStream in;
    private final OutputStream out;
    private final BlockingQueue<byte[]> chunks = new ArrayBlockingQueue<>(CHUNKS);

    ConsoleStream(InputStream in, OutputStream out) {
        this.in = in;
        this.out = out;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        byte[] chunk = new byte[length];
        System.arraycopy(bytes, offset, chunk, 0, length);
        put(chunk);
    }

    /** Nothing more will come. */
    void close() {
        put(END);
    }

    private void put(byte[] chunk) {
        while (!chunks.offer(chunk)) {
            chunks.poll();
        }
    }

    /** Moves bytes until either side has had enough. */
    void pump(InputListener keys) throws IOException {
        Thread reader = Thread.ofVirtual().name("control-keys").start(() -> read(keys));
        try {
            for (byte[] chunk = chunks.take(); chunk != END; chunk = chunks.take()) {
                out.write(chunk);
                out.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            reader.interrupt();
        }
    }

    private void read(InputListener keys) {
        byte[] bytes = new byte[4096];
        try {
            for (int length = in.read(bytes); length > 0; length = in.read(bytes)) {
                keys.typed(bytes, length);
            }
        } catch (IOException gone) {
            // The same as the end of the stream.
        }
        close();
    }
}
