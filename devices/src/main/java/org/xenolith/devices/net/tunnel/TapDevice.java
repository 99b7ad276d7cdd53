package org.xenolith.devices.net.tunnel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A TAP device: an Ethernet interface of the host whose other end is this process. It exists as
 * long as it is open, unless someone made it persistent before.
 *
 * @see <a href="https://docs.kernel.org/networking/tuntap.html">Linux, Universal TUN/TAP</a>
 */
final class TapDevice implements AutoCloseable {
    /** An IP packet of 65,535 bytes, an Ethernet header with a VLAN tag, and what stands before. */
    static final int MAX_BYTES = VirtioNetHeader.SIZE + 14 + 4 + 65_535;

    private static final String DEVICE = "/dev/net/tun";

    // <linux/if_tun.h>: _IOW('T', 208, unsigned int), and what this side can take.
    private static final long TUNSETOFFLOAD = 0x4004_54d0L;
    private static final long TUN_F_CSUM = 0x01, TUN_F_TSO4 = 0x02, TUN_F_TSO6 = 0x04;

    // <linux/if_tun.h>, _IOW('T', 202, int), and struct ifreq of <net/if.h>: name, flags.
    private static final long TUNSETIFF = 0x4004_54caL;
    private static final short IFF_TAP = 0x0002, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    private static final int IFREQ_BYTES = 40, IFREQ_FLAGS = 16;

    // <asm-generic/errno-base.h>
    private static final int EPERM = 1, ENOENT = 2, EINTR = 4, EAGAIN = 11, EACCES = 13;
    private static final int EBUSY = 16;

    // struct pollfd: descriptor, events, events that came.
    private static final int POLLFD_BYTES = 8, POLLFD_EVENTS = 4, POLLFD_REVENTS = 6;
    private static final int FOREVER = -1;

    private final int descriptor;
    private final int wakeUp; // an eventfd: closing a descriptor wakes nobody who waits for it
    private final Arena arena = Arena.ofShared();
    private final MemorySegment readBuffer = arena.allocate(MAX_BYTES);
    private final MemorySegment writeBuffer = arena.allocate(MAX_BYTES);
    private final MemorySegment waitedFor = arena.allocate(2 * POLLFD_BYTES, 4);
    private final MemorySegment one = arena.allocate(JAVA_LONG);

    private TapDevice(int descriptor, int wakeUp) {
        this.descriptor = descriptor;
        this.wakeUp = wakeUp;
        one.set(JAVA_LONG, 0, 1);
        waitedFor.set(JAVA_INT, 0, descriptor);
        waitedFor.set(JAVA_SHORT, POLLFD_EVENTS, LibC.POLLIN);
        waitedFor.set(JAVA_INT, POLLFD_BYTES, wakeUp);
        waitedFor.set(JAVA_SHORT, POLLFD_BYTES + POLLFD_EVENTS, LibC.POLLIN);
    }

    /**
     * @param name of the interface: an existing TAP device, or one to be made
     * @throws IOException with a sentence that says what is missing
     */
    static TapDevice open(String name) throws IOException {
        String attempt = "Cannot open TAP device " + name;
        int descriptor;
        try {
            descriptor = LibC.open(DEVICE, LibC.O_RDWR | LibC.O_NONBLOCK | LibC.O_CLOEXEC);
        } catch (LastErrorException e) {
            throw refused(attempt, e);
        }
        try {
            LibC.ioctl(descriptor, TUNSETIFF, ifreq(name));
            LibC.ioctl(descriptor, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
            return new TapDevice(descriptor, LibC.eventfd(0, LibC.O_NONBLOCK | LibC.O_CLOEXEC));
        } catch (LastErrorException e) {
            LibC.close(descriptor);
            throw refused(attempt, e);
        }
    }

    private static byte[] ifreq(String name) {
        byte[] bytes = new byte[IFREQ_BYTES];
        byte[] encoded = name.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(encoded, 0, bytes, 0, Math.min(encoded.length, IFREQ_FLAGS - 1));
        MemorySegment.ofArray(bytes)
                .set(
                        JAVA_SHORT.withByteAlignment(1),
                        IFREQ_FLAGS,
                        (short) (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
        return bytes;
    }

    private static IOException refused(String attempt, LastErrorException e) {
        String advice =
                switch (e.getErrorCode()) {
                    case EPERM, EACCES ->
                            "; it takes root, or a device made for this user with 'ip tuntap add'";
                    case ENOENT -> "; the host has no " + DEVICE + " (module tun)";
                    case EBUSY -> "; another process has it";
                    default -> "";
                };
        HostCallFailed failure = HostCallFailed.of(attempt, e);
        return new IOException(failure.getMessage() + advice, failure);
    }

    /**
     * Waits for a frame. One thread.
     *
     * @return header and frame, valid until the next call; null after {@link #stopReading}
     */
    MemorySegment read() {
        while (true) {
            try {
                long bytes = LibC.read(descriptor, readBuffer.address(), MAX_BYTES);
                return readBuffer.asSlice(0, bytes);
            } catch (LastErrorException e) {
                if (e.getErrorCode() != EAGAIN && e.getErrorCode() != EINTR) {
                    return null; // the interface was deleted
                }
            }
            if (!waited()) {
                return null;
            }
        }
    }

    /** False when it is time to stop. */
    private boolean waited() {
        try {
            LibC.poll(waitedFor.address(), 2, FOREVER);
        } catch (LastErrorException interrupted) {
            return true;
        }
        return waitedFor.get(JAVA_SHORT, POLLFD_BYTES + POLLFD_REVENTS) == 0;
    }

    /** Any thread. */
    void stopReading() {
        LibC.write(wakeUp, one.address(), JAVA_LONG.byteSize());
    }

    /** Where {@link #write} takes header and frame from. */
    MemorySegment writeBuffer() {
        return writeBuffer;
    }

    /**
     * Hands the frame in {@link #writeBuffer} to the host, which loses it if the interface is down.
     * One thread.
     */
    void write(int lengthBytes) {
        try {
            LibC.write(descriptor, writeBuffer.address(), lengthBytes);
        } catch (LastErrorException lost) {
            // As on a cable that nobody listens to.
        }
    }

    /** Only when nobody reads or writes any more. */
    @Override
    public void close() {
        LibC.close(descriptor);
        LibC.close(wakeUp);
        arena.close();
    }
}
