package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** A switch on a loop that runs when the test says so, with a clock that stands still otherwise. */
final class SwitchLab {
    static final long BROADCAST = 0xffff_ffff_ffffL;
    static final long ALICE = 0x00_16_3e_00_00_01L;
    static final long BOB = 0x00_16_3e_00_00_02L;
    static final long CAROL = 0x00_16_3e_00_00_03L;

    private final EmbeddedChannel clock = new EmbeddedChannel();
    final VirtualSwitch network;

    SwitchLab() {
        clock.freezeTime();
        network = new VirtualSwitch(clock.eventLoop(), Port.PATIENCE_NANOS);
    }

    EventLoop loop() {
        return clock.eventLoop();
    }

    Station station(String name) {
        return station(name, PortSettings.PLAIN);
    }

    Station station(String name, PortSettings settings) {
        Station station = new Station();
        station.port = network.connect(name, station, settings);
        run();
        return station;
    }

    /** Runs everything that is due. */
    void run() {
        do {
            clock.runPendingTasks();
        } while (clock.hasPendingTasks());
    }

    void advance(long amount, TimeUnit unit) {
        clock.advanceTimeBy(amount, unit);
        run();
    }

    PortStatistics statistics(String name) {
        return network.statistics().stream()
                .filter(port -> port.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static EthernetFrame frame(long destination, long source, int payload) {
        return frame(destination, source, payload, 50);
    }

    /**
     * @param payload the first four bytes behind the header
     */
    static EthernetFrame frame(long destination, long source, int payload, int payloadBytes) {
        ByteBuf bytes = Unpooled.buffer(EthernetFrame.HEADER_BYTES + payloadBytes);
        bytes.writeBytes(new MacAddress(destination).bytes());
        bytes.writeBytes(new MacAddress(source).bytes());
        bytes.writeShort(0x88b5); // IEEE 802: local experimental EtherType 1
        bytes.writeInt(payload).writeZero(payloadBytes - 4);
        return new EthernetFrame(bytes);
    }

    /** An endpoint that keeps what it gets, or gets nothing while {@link #accepts} is false. */
    static final class Station implements NetworkEndpoint {
        final List<EthernetFrame> received = new ArrayList<>();
        SwitchPort port;
        boolean accepts = true;

        /** Payloads of broadcasts that only this station answers. */
        final Set<Integer> questions = new HashSet<>();

        int toldWritable;

        @Override
        public boolean deliver(EthernetFrame frame) {
            if (accepts) {
                received.add(frame);
            }
            return accepts;
        }

        @Override
        public boolean isMeantAlone(EthernetFrame broadcast) {
            return questions.contains(broadcast.content().getInt(EthernetFrame.HEADER_BYTES));
        }

        @Override
        public void writable() {
            toldWritable++;
        }

        boolean send(EthernetFrame frame) {
            boolean sent = port.send(frame);
            if (!sent) {
                frame.release();
            }
            return sent;
        }

        void acceptAgain() {
            accepts = true;
            port.resume();
        }

        List<Integer> payloads() {
            return received.stream()
                    .map(frame -> frame.content().getInt(EthernetFrame.HEADER_BYTES))
                    .toList();
        }
    }
}
