package org.xenolith.devices.net.tunnel;

import io.netty.buffer.ByteBuf;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.devices.net.VirtualSwitch;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
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
        ByteBuf bytes = frame.content();
        int length = bytes.readableBytes();
        VirtioNetHeader header = VirtioNetHeader.of(frame);
        if (!closed && header != null && VirtioNetHeader.SIZE + length <= TapDevice.MAX_BYTES) {
            MemorySegment out = device.writeBuffer();
            header.writeTo(out);
            bytes.getBytes(
                    bytes.readerIndex(), out.asSlice(VirtioNetHeader.SIZE, length).asByteBuffer());
            device.write(VirtioNetHeader.SIZE + length);
        }
        frame.release();
        return true;
    }

    private void readAll() {
        for (var read = device.read(); read != null; read = device.read()) {
            if (read.byteSize() > VirtioNetHeader.SIZE) {
                send(VirtioNetHeader.readFrom(read).frame(read.asSlice(VirtioNetHeader.SIZE)));
            }
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
