package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A switch with one station, as one of two hosts that a tunnel joins. */
final class Host implements NetworkEndpoint, AutoCloseable {
    /** Enough for any machine; only a failing test waits that long. */
    private static final long PATIENCE_SECONDS = 60;

    final NetworkLoop network = NetworkLoop.create();
    final VirtualSwitch ports = new VirtualSwitch(network, Duration.ofHours(1));
    final MacAddress address;
    private final SwitchPort port;
    private final BlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
    private volatile EthernetFrame.Segmentation segmentation;
    private final Semaphore room = new Semaphore(0);

    Host(long number) {
        address = new MacAddress(0x00_16_3e_00_00_00L + number);
        port = ports.connect("station", this);
    }

    @Override
    public boolean deliver(EthernetFrame frame) {
        segmentation = frame.segmentation();
        received.add(ByteBufUtil.getBytes(frame.content()));
        frame.release();
        return true;
    }

    /** Of the frame that came last. */
    EthernetFrame.Segmentation lastSegmentation() {
        return segmentation;
    }

    @Override
    public void writable() {
        room.release();
    }

    /** Waits while the switch is full. */
    void send(byte[] frame) throws InterruptedException {
        EthernetFrame sent = new EthernetFrame(Unpooled.wrappedBuffer(frame));
        while (!port.send(sent)) {
            if (!room.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("no room in the switch");
            }
        }
    }

    void send(EthernetFrame frame) {
        if (!port.send(frame)) {
            throw new AssertionError("no room in the switch");
        }
    }

    byte[] receive() throws InterruptedException {
        byte[] frame = received.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (frame == null) {
            throw new AssertionError("no frame came");
        }
        return frame;
    }

    /** Sends until the other side has seen something of it: a tunnel needs a moment to stand. */
    void greet(Host other) throws InterruptedException {
        byte[] hello = frame(new MacAddress(0xffff_ffff_ffffL), 60, 0);
        byte[] got = null;
        while (got == null) {
            send(hello);
            got = other.received.poll(50, TimeUnit.MILLISECONDS);
        }
        // What was sent meanwhile is no part of what follows.
        byte[] end = frame(other.address, 61, 0);
        send(end);
        while (got.length != end.length) {
            got = other.receive();
        }
    }

    byte[] frame(MacAddress to, int bytes, int number) {
        byte[] frame = new byte[bytes];
        System.arraycopy(to.bytes(), 0, frame, 0, MacAddress.BYTES);
        System.arraycopy(address.bytes(), 0, frame, MacAddress.BYTES, MacAddress.BYTES);
        frame[12] = (byte) 0x88;
        frame[13] = (byte) 0xb5;
        for (int i = 0; i < 4; i++) {
            frame[14 + i] = (byte) (number >>> 8 * i);
        }
        return frame;
    }

    @Override
    public void close() {
        ports.close();
        network.close();
    }
}
