package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.Offload;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;

import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A port that is a network interface of the host. A thread of its own reads from it, because a TAP
 * device is no socket that an event loop could wait for; while the switch is full it waits, and the
 * host queues.
 */
public final class TapPort implements NetworkEndpoint, AutoCloseable {
    private final NetworkLoop network;
    private final TapDevice device;
    private final Semaphore room = new Semaphore(0);
    private final Thread reader;
    private final AtomicBoolean closing = new AtomicBoolean();
    private boolean closed; // of the network's thread
    private SwitchPort port;

    private TapPort(NetworkLoop network, TapDevice device, String name) {
        this.network = network;
        this.device = device;
        reader = Thread.ofPlatform().daemon().name("tap-" + name).unstarted(this::readAll);
    }

    /**
     * @param interfaceName on the host: an existing TAP device, or one to be made and removed at
     *     close
     * @throws IOException with a sentence if the host refuses
     */
    public static TapPort open(
            NetworkLoop network,
            VirtualSwitch ports,
            String name,
            String interfaceName,
            PortSettings settings)
            throws IOException {
        TapPort tap = new TapPort(network, TapDevice.open(interfaceName), interfaceName);
        tap.port = ports.connect(name, tap, settings);
        tap.reader.start();
        return tap;
    }

    @Override
    public boolean deliver(EthernetFrame frame) {
        Offload.toWire(frame, this::write);
        return true;
    }

    private void write(EthernetFrame wire) {
        ByteBuf bytes = wire.content();
        int length = bytes.readableBytes();
        if (!closed && length <= TapDevice.MAX_FRAME_BYTES) {
            bytes.getBytes(bytes.readerIndex(), device.writeBuffer().asByteBuffer().limit(length));
            device.write(length);
        }
        wire.release();
    }

    private void readAll() {
        for (var frame = device.read(); frame != null; frame = device.read()) {
            send(new EthernetFrame(Unpooled.wrappedBuffer(TapDevice.bytes(frame))));
        }
    }

    private void send(EthernetFrame frame) {
        while (!port.send(frame)) {
            room.acquireUninterruptibly();
        }
    }

    @Override
    public void writable() {
        room.release();
    }

    /** Removes the interface, if it was made for this port. To be closed before its network. */
    @Override
    public void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        port.close(); // from now on it takes, and drops, what the reader may still have
        room.release();
        device.stopReading();
        network.eventLoop().execute(this::closeDevice);
    }

    /** On the thread that writes. */
    private void closeDevice() {
        closed = true;
        boolean interrupted = false;
        while (reader.isAlive()) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        device.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
