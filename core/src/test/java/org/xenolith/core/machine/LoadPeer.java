package org.xenolith.core.machine;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The host's side of {@code net-load.c}: streams of 64-bit little-endian words, each the one before
 * times a constant, and echoes of single words.
 */
final class LoadPeer implements AutoCloseable {
    private static final long FIRST = 1, STEP = 6364136223846793005L;
    private static final int BLOCK_BYTES = 64 << 10;

    private interface Conversation {
        void with(Socket guest) throws IOException;
    }

    private final ServerSocket server;
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();

    private LoadPeer(int backlog, Conversation conversation) throws IOException {
        server = new ServerSocket(0, backlog, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> accept(conversation));
    }

    /** Counts and sums each stream, and says so when it has ended. */
    static LoadPeer takingStreams() throws IOException {
        return new LoadPeer(1, LoadPeer::takeStream);
    }

    /**
     * @param bytes of each stream; a multiple of the block
     */
    static LoadPeer givingStreams(long bytes) throws IOException {
        return new LoadPeer(1, guest -> giveStream(guest, bytes));
    }

    static LoadPeer echoing(int connections) throws IOException {
        return new LoadPeer(connections, LoadPeer::echo);
    }

    /** Sum of the words of a stream. */
    static long sumOf(long bytes) {
        long sum = 0;
        long word = FIRST;
        for (long at = 0; at < bytes; at += Long.BYTES) {
            sum += word;
            word *= STEP;
        }
        return sum;
    }

    int port() {
        return server.getLocalPort();
    }

    /** How many connections were open at once, at most. */
    int mostAtOnce() {
        return mostAtOnce.get();
    }

    private void accept(Conversation conversation) {
        try {
            while (true) {
                Socket guest = server.accept();
                mostAtOnce.accumulateAndGet(open.incrementAndGet(), Math::max);
                Thread.ofVirtual().start(() -> converse(guest, conversation));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    private void converse(Socket guest, Conversation conversation) {
        try (guest) {
            conversation.with(guest);
        } catch (IOException broken) {
            // The guest reports what it missed, and the test fails by that.
        } finally {
            open.decrementAndGet();
        }
    }

    private static void takeStream(Socket guest) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long bytes = 0;
        long sum = 0;
        DataInputStream in = new DataInputStream(guest.getInputStream());
        for (int n = in.readNBytes(block.array(), 0, BLOCK_BYTES);
                n > 0;
                n = in.readNBytes(block.array(), 0, BLOCK_BYTES)) {
            bytes += n;
            for (int at = 0; at + Long.BYTES <= n; at += Long.BYTES) {
                sum += block.getLong(at);
            }
        }
        DataOutputStream out = new DataOutputStream(guest.getOutputStream());
        out.writeLong(Long.reverseBytes(bytes));
        out.writeLong(Long.reverseBytes(sum));
        out.flush();
    }

    private static void giveStream(Socket guest, long bytes) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long word = FIRST;
        for (long sent = 0; sent < bytes; sent += BLOCK_BYTES) {
            for (int at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                block.putLong(at, word);
                word *= STEP;
            }
            guest.getOutputStream().write(block.array());
        }
    }

    private static void echo(Socket guest) throws IOException {
        guest.setTcpNoDelay(true);
        guest.getInputStream().transferTo(guest.getOutputStream());
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
