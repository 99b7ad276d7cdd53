package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.SwitchPort;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.Consumer;

/**
 * The NAT at the end of a cable, with a clock that moves from event to event. The cable cuts large
 * segments as a card would, and may lose, repeat and delay what it carries, by a seed.
 */
final class NatLab implements SwitchPort {
    static final long MAC = 0x00_16_3e_00_00_01L;
    static final int GUEST = Ipv4.parse("10.0.2.15");
    static final int GATEWAY = Ipv4.parse("10.0.2.2");
    static final int DNS = Ipv4.parse("10.0.2.3");

    private record Event(long time, long order, Runnable action) {}

    private final PriorityQueue<Event> events =
            new PriorityQueue<>(
                    (a, b) ->
                            a.time != b.time
                                    ? Long.compare(a.time, b.time)
                                    : Long.compare(a.order, b.order));
    private long order;
    private long now;

    /** Counts what it gave and did not get back. */
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);

    final FakeHost host = new FakeHost();
    final NatStack stack;
    final List<byte[]> received = new ArrayList<>(); // frames that nobody took
    final List<InetSocketAddress> resolvers = new ArrayList<>();

    /** Who gets the frames of the NAT, each at most an MTU. */
    Consumer<byte[]> guest = received::add;

    boolean full; // the switch refuses frames
    boolean keepsLarge; // the cable does not cut
    int largest; // payload of the largest frame that the NAT sent
    double loss;
    double duplication;
    double reordering;
    long delayNanos = 50_000;
    private final Random chance;

    NatLab() {
        this(NatConfig.builder().build(), 1);
    }

    NatLab(NatConfig config, long seed) {
        chance = new Random(seed);
        stack =
                new NatStack(
                        config,
                        () -> now,
                        host,
                        allocator,
                        new Random(seed),
                        () -> resolvers,
                        () -> {});
        stack.plugInto(this);
    }

    // ---- the switch's side

    @Override
    public boolean send(EthernetFrame frame) {
        if (full) {
            return false;
        }
        byte[] bytes = new byte[frame.content().readableBytes()];
        frame.content().getBytes(0, bytes);
        largest = Math.max(largest, bytes.length);
        if (keepsLarge) {
            carry(bytes, guest);
        } else {
            for (byte[] each : TestOffload.complete(bytes, frame)) {
                carry(each, guest);
            }
        }
        frame.release();
        return true;
    }

    @Override
    public void resume() {}

    @Override
    public void close() {}

    void room() {
        full = false;
        stack.portWritable();
    }

    // ---- the guest's side

    /** Puts a frame on the cable. */
    void fromGuest(byte[] frame) {
        carry(frame, bytes -> deliver(bytes, false));
    }

    /** Hands a frame to the NAT at once. */
    void deliver(byte[] frame, boolean checksumPending) {
        ByteBuf bytes = Unpooled.wrappedBuffer(frame);
        stack.receive(
                new EthernetFrame(bytes, checksumPending, EthernetFrame.Segmentation.NONE, 0));
        stack.endOfBatch();
    }

    private void carry(byte[] frame, Consumer<byte[]> to) {
        if (chance.nextDouble() < loss) {
            return;
        }
        int copies = chance.nextDouble() < duplication ? 2 : 1;
        for (int copy = 0; copy < copies; copy++) {
            boolean late = chance.nextDouble() < reordering;
            at(now + delayNanos * (late ? 2 + chance.nextInt(8) : 1), () -> to.accept(frame));
        }
    }

    // ---- time

    long now() {
        return now;
    }

    void at(long time, Runnable action) {
        events.add(new Event(time, order++, action));
    }

    /** Lets everything happen that happens within this time. */
    void run(long nanos) {
        long end = now + nanos;
        while (step(end)) {
            // one event after the other
        }
        now = end;
    }

    /** One event, if there is one until then. */
    boolean step(long end) {
        long event = events.isEmpty() ? Timers.NEVER : events.element().time;
        long timer = stack.nextDeadline();
        if (Math.min(event, timer) > end) {
            return false;
        }
        now = Math.max(now, Math.min(event, timer));
        if (timer <= event) {
            stack.tick();
        } else {
            events.remove().action.run();
        }
        return true;
    }

    /** Lets frames that are on the cable arrive. */
    void settle() {
        run(2_000_000);
    }

    /** Memory of the NAT's buffers that nobody has released. */
    long bytesAllocated() {
        return allocator.metric().usedHeapMemory() + allocator.metric().usedDirectMemory();
    }

    /** The frames since the last call. */
    List<byte[]> take() {
        settle();
        List<byte[]> taken = List.copyOf(received);
        received.clear();
        return taken;
    }

    byte[] takeOne() {
        List<byte[]> taken = take();
        if (taken.size() != 1) {
            throw new AssertionError("one frame expected, came " + taken.size());
        }
        return taken.getFirst();
    }
}
