package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.SwitchLab.Station;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

final class NetworkLoopTest {
    /** A busy machine may take long to give a thread its turn. */
    private static final long ONE_HOUR = TimeUnit.HOURS.toNanos(1);

    /** A JVM of its own: Netty decides once per process. */
    @Test
    void nettyWorksWithoutUnsafeAndWithoutAWord() throws Exception {
        Process child =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Child.class.getName())
                        .redirectErrorStream(true)
                        .start();
        child.getOutputStream().close();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).isZero();
        assertThat(output).isEqualTo("unsafe: false\n");
    }

    /** Sends a frame in direct memory from one port to another, the way a guest's would go. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) throws Exception {
            try (NetworkLoop network = NetworkLoop.create();
                    VirtualSwitch ports = new VirtualSwitch(network)) {
                BlockingQueue<EthernetFrame> received = new LinkedBlockingQueue<>();
                SwitchPort from = ports.connect("from", new Station());
                ports.connect("to", new Counting(received));
                ByteBuf bytes = PooledByteBufAllocator.DEFAULT.directBuffer();
                EthernetFrame template = SwitchLab.frame(SwitchLab.BOB, SwitchLab.ALICE, 1);
                from.send(new EthernetFrame(bytes.writeBytes(template.content())));
                received.take().release();
                System.out.println("unsafe: " + PlatformDependent.hasUnsafe());
            }
        }
    }

    private record Counting(BlockingQueue<EthernetFrame> received) implements NetworkEndpoint {
        @Override
        public boolean deliver(EthernetFrame frame) {
            return received.add(frame);
        }

        @Override
        public void writable() {}
    }

    /** Two senders and a receiver that is often full, on threads of their own: nothing is lost. */
    @Test
    void backPressureLosesNothingBetweenThreads() throws Exception {
        int framesPerSender = 100_000;
        try (NetworkLoop network = NetworkLoop.create();
                VirtualSwitch ports = new VirtualSwitch(network.eventLoop(), ONE_HOUR)) {
            SlowReceiver receiver = new SlowReceiver(2 * framesPerSender);
            receiver.port = ports.connect("bob", receiver);
            receiver.port.send(SwitchLab.frame(SwitchLab.BROADCAST, SwitchLab.BOB, 0));
            List<Sender> senders =
                    List.of(
                            new Sender(SwitchLab.ALICE, framesPerSender),
                            new Sender(SwitchLab.CAROL, framesPerSender));
            for (Sender sender : senders) {
                sender.port = ports.connect("sender", sender);
                sender.thread.start();
            }
            receiver.takeAll();
            assertThat(ports.statistics()).allMatch(port -> port.receivedDropped() == 0);
        }
    }

    private static final class Sender implements NetworkEndpoint {
        final Thread thread;
        private final Semaphore room = new Semaphore(0);
        SwitchPort port;

        Sender(long source, int frames) {
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .unstarted(
                                    () -> {
                                        for (int i = 0; i < frames; i++) {
                                            EthernetFrame frame =
                                                    SwitchLab.frame(SwitchLab.BOB, source, i);
                                            while (!port.send(frame)) {
                                                room.acquireUninterruptibly();
                                            }
                                        }
                                    });
        }

        @Override
        public boolean deliver(EthernetFrame frame) {
            frame.release();
            return true;
        }

        @Override
        public void writable() {
            room.release();
        }
    }

    /** Takes 100 frames, refuses the next, and asks for more from another thread. */
    private static final class SlowReceiver implements NetworkEndpoint {
        private final Semaphore full = new Semaphore(0);
        private final CountDownLatch done;
        private int sinceRefusal;
        private long lastOfAlice = -1;
        private long lastOfCarol = -1;
        private volatile String disorder;
        SwitchPort port;

        SlowReceiver(int frames) {
            done = new CountDownLatch(frames);
        }

        @Override
        public boolean deliver(EthernetFrame frame) {
            if (sinceRefusal++ == 100) {
                sinceRefusal = 0;
                full.release();
                return false;
            }
            int number = frame.content().getInt(EthernetFrame.HEADER_BYTES);
            if (MacAddress.read(frame.content(), MacAddress.BYTES) == SwitchLab.ALICE) {
                check(number == ++lastOfAlice, number);
            } else {
                check(number == ++lastOfCarol, number);
            }
            frame.release();
            done.countDown();
            return true;
        }

        private void check(boolean inOrder, int number) {
            if (!inOrder && disorder == null) {
                disorder = "frame " + number + " out of order";
            }
        }

        void takeAll() throws InterruptedException {
            while (done.getCount() > 0) {
                if (full.tryAcquire(10, TimeUnit.MILLISECONDS)) {
                    port.resume();
                }
            }
            assertThat(disorder).isNull();
        }

        @Override
        public void writable() {}
    }
}
