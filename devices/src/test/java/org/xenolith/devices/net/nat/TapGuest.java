package org.xenolith.devices.net.nat;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Native;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.SwitchPort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The kernel of this machine as the NAT's guest: a TAP device whose other end is in a network
 * namespace of its own. With headers of virtio-net before the frames, so that the kernel leaves
 * checksums and segmentation to us and takes both from us.
 */
final class TapGuest implements SwitchPort {
    private interface C extends Library {
        C LIB = Native.load("c", C.class);

        int open(String path, int flags) throws LastErrorException;

        int ioctl(int descriptor, long request, byte[] argument) throws LastErrorException;

        int ioctl(int descriptor, long request, long argument) throws LastErrorException;

        long read(int descriptor, byte[] bytes, long size) throws LastErrorException;

        long write(int descriptor, byte[] bytes, long size) throws LastErrorException;

        int close(int descriptor) throws LastErrorException;
    }

    private static final int O_RDWR = 2;

    // <linux/if_tun.h>
    private static final long TUNSETIFF = 0x400454caL, TUNSETOFFLOAD = 0x400454d0L;
    private static final int IFF_TAP = 0x2, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    private static final int TUN_F_CSUM = 1, TUN_F_TSO4 = 2;

    // struct virtio_net_hdr
    private static final int NET_HEADER_BYTES = 10;
    private static final int NEEDS_CSUM = 1, GSO_TCPV4 = 1;

    private static final int MAX_FRAME_BYTES = 70_000;
    private static final int FRAMES_UNDER_WAY = 128;

    final String namespace;
    private final String device;
    private final int descriptor;
    private final UserModeNat nat;
    private final Semaphore room = new Semaphore(FRAMES_UNDER_WAY);
    private final byte[] outgoing = new byte[MAX_FRAME_BYTES];
    private volatile boolean closed;
    volatile int largestFromKernel;
    volatile int largestToKernel;

    TapGuest(UserModeNat nat, int number) throws IOException, InterruptedException {
        this.nat = nat;
        long pid = ProcessHandle.current().pid();
        namespace = "xn" + pid + "-" + number;
        device = "xt" + pid % 100_000 + "-" + number;
        descriptor = C.LIB.open("/dev/net/tun", O_RDWR);
        byte[] request = new byte[40]; // struct ifreq
        byte[] name = device.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(name, 0, request, 0, name.length);
        ByteBuffer.wrap(request)
                .order(ByteOrder.nativeOrder())
                .putShort(16, (short) (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
        C.LIB.ioctl(descriptor, TUNSETIFF, request);
        C.LIB.ioctl(descriptor, TUNSETOFFLOAD, (long) (TUN_F_CSUM | TUN_F_TSO4));
        command("ip", "netns", "add", namespace);
        command("ip", "link", "set", device, "netns", namespace);
        nat.attach(this);
        Thread.ofPlatform().daemon().name("tap").start(this::pump);
        inside("ip", "link", "set", "lo", "up");
        inside("ip", "link", "set", device, "up");
    }

    /** Gives the kernel an address by hand. */
    void address(String address) throws IOException, InterruptedException {
        inside("ip", "addr", "add", address, "dev", device);
        inside("ip", "route", "add", "default", "via", "10.0.2.2");
    }

    String device() {
        return device;
    }

    private void pump() {
        byte[] bytes = new byte[MAX_FRAME_BYTES];
        while (!closed) {
            long length;
            try {
                length = C.LIB.read(descriptor, bytes, bytes.length);
            } catch (LastErrorException gone) {
                return;
            }
            EthernetFrame frame = frame(bytes, (int) length);
            room.acquireUninterruptibly();
            nat.eventLoop()
                    .execute(
                            () -> {
                                room.release();
                                nat.deliver(frame);
                            });
        }
    }

    private EthernetFrame frame(byte[] bytes, int length) {
        int frameBytes = length - NET_HEADER_BYTES;
        largestFromKernel = Math.max(largestFromKernel, frameBytes);
        ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        boolean pending = bytes[0] == NEEDS_CSUM;
        boolean large = bytes[1] == GSO_TCPV4;
        ByteBuf copy = Unpooled.buffer(frameBytes).writeBytes(bytes, NET_HEADER_BYTES, frameBytes);
        return new EthernetFrame(
                copy,
                pending,
                large ? Segmentation.TCP_V4 : Segmentation.NONE,
                large ? header.getShort(4) : 0);
    }

    @Override
    public boolean send(EthernetFrame frame) {
        int length = frame.content().readableBytes();
        largestToKernel = Math.max(largestToKernel, length);
        ByteBuffer header = ByteBuffer.wrap(outgoing).order(ByteOrder.nativeOrder());
        header.putLong(0, 0).putShort(8, (short) 0);
        frame.content().getBytes(0, outgoing, NET_HEADER_BYTES, length);
        if (frame.checksumPending()) {
            int tcp = Packets.PAYLOAD;
            header.put(0, (byte) NEEDS_CSUM)
                    .putShort(6, (short) tcp)
                    .putShort(8, (short) TcpSegment.CHECKSUM);
            if (frame.segmentation() != Segmentation.NONE) {
                int at = NET_HEADER_BYTES + tcp + TcpSegment.DATA_OFFSET;
                header.put(1, (byte) GSO_TCPV4)
                        .putShort(2, (short) (tcp + (outgoing[at] >> 4 & 0xf) * 4))
                        .putShort(4, (short) frame.segmentBytes());
            }
        }
        frame.release();
        C.LIB.write(descriptor, outgoing, NET_HEADER_BYTES + length);
        return true;
    }

    @Override
    public void resume() {}

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                command("ip", "netns", "del", namespace); // wakes the pump: its device is gone
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            } finally {
                C.LIB.close(descriptor);
            }
        }
    }

    // ---- programs

    /** Runs a program in the guest's namespace; its output. */
    String inside(String... command) throws IOException, InterruptedException {
        return command(insideCommand(command));
    }

    Process startInside(String... command) throws IOException {
        return new ProcessBuilder(insideCommand(command)).redirectErrorStream(true).start();
    }

    private String[] insideCommand(String... command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        all.addAll(List.of(command));
        return all.toArray(String[]::new);
    }

    static String command(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("nat", ".out");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        boolean ended = process.waitFor(60, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly().waitFor();
        }
        String text = Files.readString(output, StandardCharsets.ISO_8859_1);
        Files.delete(output);
        if (!ended || process.exitValue() != 0) {
            throw new IOException(
                    String.join(" ", command) + (ended ? " failed: " : " hung: ") + text);
        }
        return text;
    }
}
