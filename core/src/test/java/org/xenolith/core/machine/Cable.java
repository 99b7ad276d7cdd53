package org.xenolith.core.machine;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.SwitchPort;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** Two network interfaces on one cable, which loses nothing and holds little. */
final class Cable implements AutoCloseable {
    private static final int HOLDS = 4;

    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final End left = new End();
    private final End right = new End();
    private final Consumer<EthernetFrame> tap;

    /**
     * @param tap sees each frame; it keeps none
     */
    Cable(Consumer<EthernetFrame> tap) {
        this.tap = tap;
        left.other = right;
        right.other = left;
    }

    SwitchPort plugLeft(NetworkEndpoint endpoint) {
        left.endpoint = endpoint;
        return left;
    }

    SwitchPort plugRight(NetworkEndpoint endpoint) {
        right.endpoint = endpoint;
        return right;
    }

    @Override
    public void close() {
        thread.shutdown();
    }

    /** One end: a short queue of frames on their way to the other. */
    private final class End implements SwitchPort {
        private final Queue<EthernetFrame> onTheWay = new ArrayDeque<>();
        private volatile NetworkEndpoint endpoint;
        private boolean refused;
        private End other;

        @Override
        public boolean send(EthernetFrame frame) {
            synchronized (onTheWay) {
                if (onTheWay.size() == HOLDS) {
                    refused = true;
                    return false;
                }
                onTheWay.add(frame);
            }
            thread.execute(this::move);
            return true;
        }

        @Override
        public void resume() {
            thread.execute(other::move);
        }

        private void move() {
            EthernetFrame frame;
            while ((frame = first()) != null) {
                tap.accept(frame);
                if (other.endpoint == null) {
                    frame.release();
                } else if (!other.endpoint.deliver(frame)) {
                    return;
                }
                if (removed()) {
                    endpoint.writable();
                }
            }
        }

        private EthernetFrame first() {
            synchronized (onTheWay) {
                return onTheWay.peek();
            }
        }

        private boolean removed() {
            synchronized (onTheWay) {
                onTheWay.remove();
                boolean tell = refused;
                refused = false;
                return tell;
            }
        }

        @Override
        public void close() {}
    }
}
