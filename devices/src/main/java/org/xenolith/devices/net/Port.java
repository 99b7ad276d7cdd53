package org.xenolith.devices.net;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A port from both sides: endpoints call {@link SwitchPort}'s methods on any thread, the rest
 * belongs to the switch's.
 *
 * <p>A port that is full makes those who send to it wait, until half of its queue is gone. One that
 * does not get that far before their {@link Patience} ends is stalled: what is sent to it is
 * dropped until it does. So a guest that takes its frames never, or slowly, delays its neighbours
 * once, and two that wait for each other do not wait for long.
 */
final class Port implements SwitchPort {
    static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    final String name;
    final PortCounters counters = new PortCounters();

    /** What no other port may send from; 0 for nothing. */
    final long fixedAddress;

    /** Whether this port may send from nothing else. */
    final boolean onlyFixedAddress;

    /** Whether frames are lost rather than kept waiting. */
    final boolean lossy;

    // MacTable's account of this port.
    int learned;
    long sweptNanos;

    /** Written to since the last flush; {@link Bridge}. */
    boolean dirty;

    private final EventLoop loop;
    private final NetworkEndpoint endpoint;
    private final PortChannel channel;
    private final Runnable onClosed;
    private final Patience patience;
    private final Ingress ingress = new Ingress();
    private final AtomicBoolean readScheduled = new AtomicBoolean();
    private final AtomicBoolean flushScheduled = new AtomicBoolean();
    private final Runnable readTask = this::readNow;
    private final Runnable flushTask = this::flushNow;
    private volatile boolean closed;

    private final List<Port> waiting = new ArrayList<>();
    private Future<?> deadline; // of those who wait; null when nobody does
    private boolean stalled;

    Port(
            String name,
            NetworkEndpoint endpoint,
            PortSettings settings,
            EventLoop loop,
            Bridge bridge,
            long patienceNanos) {
        this.patience = new Patience(patienceNanos, loop.ticker().nanoTime());
        this.name = name;
        this.endpoint = endpoint;
        this.loop = loop;
        this.onClosed = () -> bridge.remove(this);
        fixedAddress = settings.address().map(MacAddress::value).orElse(0L);
        onlyFixedAddress = fixedAddress != 0 && settings.onlyAddress();
        lossy = settings.impairment().isPresent();
        channel = new PortChannel(this);
        settings.capture().ifPresent(file -> channel.pipeline().addLast(new CaptureHandler(file)));
        settings.impairment()
                .ifPresent(
                        line -> channel.pipeline().addLast(new ImpairmentHandler(line, counters)));
        channel.pipeline().addLast(new ForwardingHandler(bridge, this));
    }

    void plugIn() {
        loop.register(channel);
    }

    // The endpoint's side.

    @Override
    public boolean send(EthernetFrame frame) {
        if (closed) {
            frame.release();
            return true;
        }
        if (!ingress.offer(frame)) {
            return false;
        }
        scheduleRead();
        return true;
    }

    @Override
    public void resume() {
        if (flushScheduled.compareAndSet(false, true)) {
            execute(flushTask);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            execute(channel::close);
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** Whether frames reach the endpoint; a port that is being plugged in is not there yet. */
    boolean isPluggedIn() {
        return !closed && channel.isRegistered();
    }

    private void execute(Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException networkIsDown) {
            closed = true;
            releaseIngress();
        }
    }

    // The switch's side.

    void scheduleRead() {
        if (readScheduled.compareAndSet(false, true)) {
            execute(readTask);
        }
    }

    private void readNow() {
        readScheduled.set(false);
        if (closed) {
            releaseIngress();
            return;
        }
        channel.readFrom(ingress);
        if (ingress.roomAgain()) {
            endpoint.writable();
        }
    }

    private void flushNow() {
        flushScheduled.set(false);
        channel.flush();
    }

    void releaseIngress() {
        for (EthernetFrame frame = ingress.poll(); frame != null; frame = ingress.poll()) {
            frame.release();
        }
    }

    boolean hasIngress() {
        return !ingress.isEmpty();
    }

    /** Offers a frame, with one reference, to the endpoint; takes none if the answer is false. */
    boolean deliver(EthernetFrame frame) {
        int bytes = frame.content().readableBytes();
        if (!endpoint.deliver(frame)) {
            return false;
        }
        counters.receivedFrames.increment();
        counters.receivedBytes.add(bytes);
        return true;
    }

    /** As {@link NetworkEndpoint#isMeantAlone}. */
    boolean isMeantAlone(EthernetFrame broadcast) {
        return endpoint.isMeantAlone(broadcast);
    }

    /**
     * Queues a frame for the endpoint, or drops it when this port is full and the sender does not
     * wait.
     *
     * @param sender waits from now on if this made the port full
     */
    void enqueue(EthernetFrame frame, Port sender) {
        if (!channel.isWritable() && (stalled || sender.lossy)) {
            drop(frame);
            return;
        }
        channel.write(frame, channel.voidPromise());
        if (!channel.isWritable() && !sender.lossy) {
            sender.channel.config().setAutoRead(false);
            waiting.add(sender);
            watch();
        }
    }

    /** Queues one of many copies of a frame; no sender waits until the last of many has room. */
    void enqueueCopy(EthernetFrame copy) {
        if (channel.isWritable()) {
            channel.write(copy, channel.voidPromise());
        } else {
            drop(copy);
        }
    }

    private void drop(EthernetFrame frame) {
        counters.receivedDropped.increment();
        frame.release();
    }

    void flush() {
        dirty = false;
        channel.flush();
    }

    private void watch() {
        if (deadline == null && !stalled) {
            long mostNanos = patience.begin(loop.ticker().nanoTime());
            deadline = loop.schedule(this::stall, mostNanos, TimeUnit.NANOSECONDS);
        }
    }

    private void stall() {
        deadline = null;
        patience.end(loop.ticker().nanoTime());
        stalled = true;
        wakeWaiting();
    }

    void writabilityChanged() {
        if (channel.isWritable()) {
            if (deadline != null) {
                deadline.cancel(false);
                deadline = null;
                patience.end(loop.ticker().nanoTime());
            }
            stalled = false;
            wakeWaiting();
        }
    }

    private void wakeWaiting() {
        for (Port sender : waiting) {
            sender.channel.config().setAutoRead(true);
        }
        waiting.clear();
    }

    /** The channel is closed: nobody waits for it any more. */
    void unplugged() {
        closed = true;
        if (deadline != null) {
            deadline.cancel(false);
            deadline = null;
        }
        releaseIngress();
        wakeWaiting();
        onClosed.run();
    }

    PortStatistics statistics() {
        return counters.read(name);
    }
}
