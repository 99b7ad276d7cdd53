package org.xenolith.pv.p9back;

import org.xenolith.devices.p9.P9;
import org.xenolith.devices.p9.P9Server;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.ring.FlexRing;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.xenbus.ConnectRequest;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One ring of a shared folder. {@link #service} runs on the domain's threads, one at a time: it
 * puts answers into the ring as far as there is room, then takes requests, each as a whole, out of
 * it. Requests are bounded in number, and one is not free before its answer is in the ring: a
 * frontend that reads no answers is not served any more.
 */
final class P9Ring {
    /** Requests that are taken and not answered. */
    private static final int MAX_UNDER_WAY = 8;

    private static final ValueLayout.OfInt SIZE =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final FrontendDomain domain;
    private final FlexRing ring;
    private final P9Server server;
    private final Executor io;
    private final ConnectRequest.Reports reports;

    /** The largest message: all of it must fit into the ring. */
    private final int largest;

    /** Exchanges that the server is done with. */
    private final Queue<Exchange> finished = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean serviceIsDue = new AtomicBoolean();

    /** The domain has ended: its memory is no longer ours to touch. */
    private volatile boolean abandoned;

    // Guarded by this object.
    private final MemorySegment header = MemorySegment.ofArray(new byte[Integer.BYTES]);
    private final Deque<Exchange> free = new ArrayDeque<>();

    /** Answers that wait for room, the first to be put first. */
    private final Deque<Exchange> answers = new ArrayDeque<>();

    private EventPort port;

    /** Exchanges that are not free. */
    private int underWay;

    /** Those of them that the server is not done with. */
    private int atServer;

    private boolean started;
    private boolean closing;

    /** What was taken is answered, and nothing more is taken. */
    private boolean handingOver;

    private Runnable released;

    P9Ring(
            FrontendDomain domain,
            FlexRing ring,
            P9Server server,
            Executor io,
            ConnectRequest.Reports reports) {
        this.domain = domain;
        this.ring = ring;
        this.server = server;
        this.io = io;
        this.reports = reports;
        this.largest = Math.min(ring.size(), P9Backend.MAX_MSIZE);
    }

    synchronized void connectTo(EventPort eventPort) {
        port = eventPort;
    }

    /** All rings of the device are connected: requests are served from now on. */
    synchronized void start() {
        started = true;
        // The other side may have sent before.
        serviceSoon();
    }

    // ---- the ring

    /** Answers and takes requests; on a thread that may touch the domain's memory. */
    void service() {
        serviceIsDue.set(false);
        synchronized (this) {
            if (abandoned || !started) {
                return;
            }
            collect();
            if (!closing) {
                serveRing();
            }
            releaseIfIdle();
        }
    }

    private void serviceSoon() {
        if (!serviceIsDue.getAndSet(true)) {
            domain.post(this::service);
        }
    }

    private void serveRing() {
        boolean tell = false;
        try {
            tell = putAnswers();
            if (!handingOver) {
                tell |= takeRequests();
            }
        } catch (RingCorrupt corrupt) {
            fail(corrupt.getMessage());
        }
        if (tell) {
            port.notifyFrontend();
        }
    }

    private void fail(String why) {
        closing = true;
        reports.fail(why);
    }

    private void collect() {
        Exchange done;
        while ((done = finished.poll()) != null) {
            atServer--;
            answers.add(done);
        }
    }

    /** Whether there were any. The frontend tells when it has made room for more. */
    private boolean putAnswers() {
        boolean put = false;
        int room = answers.isEmpty() ? 0 : ring.room();
        while (!answers.isEmpty() && answers.peek().answerBytes <= room) {
            Exchange next = answers.poll();
            ring.put(next.answer, next.answerBytes);
            room -= next.answerBytes;
            retire(next);
            put = true;
        }
        return put;
    }

    private void retire(Exchange exchange) {
        underWay--;
        free.push(exchange);
    }

    /** Whether the frontend may wait for the room that was made. */
    private boolean takeRequests() {
        boolean waits = false;
        while (underWay < MAX_UNDER_WAY && !closing) {
            int pending = ring.pending();
            int size = pending < Integer.BYTES ? 0 : nextSize();
            if (size == 0 || pending < size) {
                return waits;
            }
            Exchange exchange = exchange();
            if (exchange == null) {
                return waits;
            }
            exchange.requestBytes = size;
            // Somebody waits only if there was too little room for the largest message.
            waits |= ring.take(exchange.request, size) > ring.size() - largest;
            // What the frontend has changed meanwhile must not pass for the length.
            exchange.request.set(SIZE, 0, size);
            dispatch(exchange);
        }
        return waits;
    }

    /** Bytes of the next message, 0 when the connection is over. */
    private int nextSize() {
        ring.peek(header, Integer.BYTES);
        int size = header.get(SIZE, 0);
        if (size < P9.HEADER || size > largest) {
            fail(
                    "%s: a message of %s bytes, not %d to %d"
                            .formatted(
                                    ring.name(),
                                    Integer.toUnsignedString(size),
                                    P9.HEADER,
                                    largest));
            return 0;
        }
        return size;
    }

    /** One to be used; null when the host has no memory for it, or the connection ends for that. */
    private Exchange exchange() {
        Exchange next = free.poll();
        if (next == null) {
            try {
                next = new Exchange();
            } catch (OutOfMemoryError e) {
                // Guests ask for these: one must not end its neighbours. What is under way brings
                // one back.
                if (underWay == 0) {
                    fail(ring.name() + ": the host has no memory for a message");
                }
                return null;
            }
        }
        underWay++;
        return next;
    }

    // ---- the server

    private void dispatch(Exchange exchange) {
        atServer++;
        io.execute(() -> serve(exchange));
    }

    /** On an I/O thread. */
    private void serve(Exchange exchange) {
        exchange.answerBytes = 0;
        try {
            exchange.answerBytes =
                    server.handle(
                            exchange.request.asSlice(0, exchange.requestBytes), exchange.answer);
        } catch (RuntimeException | Error e) {
            reports.fail(ring.name() + ": the server failed: " + e);
        } finally {
            finished.add(exchange);
            if (abandoned) {
                dropFinished();
            } else {
                serviceSoon();
            }
        }
    }

    // ---- the end

    /**
     * Takes no more requests and answers none.
     *
     * @param whenReleased runs on a thread that may touch the domain's memory, a lock held
     */
    synchronized void disconnect(Runnable whenReleased) {
        closing = true;
        released = whenReleased;
        // Not at once: the caller is not done yet.
        serviceSoon();
    }

    /**
     * Takes no more requests and answers those that were taken: the ring is then as another backend
     * finds it.
     *
     * @param whenReleased as for {@link #disconnect}
     */
    synchronized void handOver(Runnable whenReleased) {
        handingOver = true;
        released = whenReleased;
        serviceSoon();
    }

    private void releaseIfIdle() {
        boolean idle = atServer == 0 && (closing || answers.isEmpty());
        if (released != null && idle) {
            Runnable then = released;
            released = null;
            port.close();
            ring.close();
            then.run();
        }
    }

    /** Undoes {@link #connectTo}, before the ring has started. */
    synchronized void closePort() {
        port.close();
    }

    /**
     * The domain has ended: what is under way ends on the host and goes nowhere.
     *
     * @param idle runs on any thread, a lock held
     */
    synchronized void abandon(Runnable idle) {
        closing = true;
        abandoned = true;
        released = idle;
        dropFinished();
    }

    private synchronized void dropFinished() {
        collect();
        releaseIfIdle();
    }
}
