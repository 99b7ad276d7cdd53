package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;

/**
 * A capture file in libpcap's format with nanoseconds, as {@code tcpdump} and Wireshark read it.
 * Frames look as they would on a cable. Thread-safe; a file that cannot be written any more ends
 * the capture, not the network.
 *
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/">PCAP Capture File
 *     Format</a>
 */
public final class PcapFile implements Closeable {
    /** What to do with a TCP payload that has not been cut into segments. */
    public enum LargeFrames {
        /** One record, as the guest's own tcpdump shows it. */
        WHOLE,
        /** A record for each segment, as another host would see it. */
        CUT
    }

    private static final int MAGIC_NANOSECONDS = 0xa1b23c4d;
    private static final short MAJOR = 2, MINOR = 4;
    private static final int LINKTYPE_ETHERNET = 1;
    private static final int FILE_HEADER_BYTES = 24, RECORD_HEADER_BYTES = 16;

    /** Larger than any frame; what libpcap itself uses. */
    private static final int SNAPLEN = 262_144;

    private static final InternalLogger LOG = InternalLoggerFactory.getInstance(PcapFile.class);

    private final Path path;
    private final OutputStream out;
    private final LargeFrames largeFrames;
    private final InstantSource clock;
    private final ByteBuffer header = ByteBuffer.allocate(RECORD_HEADER_BYTES);
    private boolean broken;

    private PcapFile(Path path, OutputStream out, LargeFrames largeFrames, InstantSource clock) {
        this.path = path;
        this.out = out;
        this.largeFrames = largeFrames;
        this.clock = clock;
    }

    /**
     * Creates or replaces a file.
     *
     * @throws IOException if it cannot be written
     */
    public static PcapFile create(Path path, LargeFrames largeFrames) throws IOException {
        return create(path, largeFrames, InstantSource.system());
    }

    static PcapFile create(Path path, LargeFrames largeFrames, InstantSource clock)
            throws IOException {
        OutputStream file = Files.newOutputStream(path);
        try {
            return new PcapFile(path, start(file), largeFrames, clock);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    static PcapFile to(OutputStream file, LargeFrames largeFrames) throws IOException {
        return new PcapFile(Path.of("test"), start(file), largeFrames, InstantSource.system());
    }

    private static OutputStream start(OutputStream file) throws IOException {
        OutputStream out = new BufferedOutputStream(file, 1 << 16);
        ByteBuffer header = ByteBuffer.allocate(FILE_HEADER_BYTES);
        header.putInt(MAGIC_NANOSECONDS).putShort(MAJOR).putShort(MINOR);
        header.putLong(0); // both reserved, once time zone and accuracy
        header.putInt(SNAPLEN).putInt(LINKTYPE_ETHERNET);
        out.write(header.array());
        out.flush();
        return out;
    }

    /** Writes a frame of which the caller keeps its reference. */
    synchronized void record(EthernetFrame frame) {
        if (broken) {
            return;
        }
        Instant now = clock.instant();
        frame.retain();
        if (largeFrames == LargeFrames.CUT) {
            Offload.toWire(frame, wire -> write(wire, now));
        } else {
            write(Offload.completeChecksum(frame), now);
        }
    }

    private void write(EthernetFrame frame, Instant time) {
        ByteBuf bytes = frame.content();
        int length = bytes.readableBytes();
        header.clear();
        header.putInt((int) time.getEpochSecond()).putInt(time.getNano());
        header.putInt(length).putInt(length);
        try {
            out.write(header.array());
            bytes.getBytes(bytes.readerIndex(), out, length);
        } catch (IOException e) {
            fail(e);
        } finally {
            frame.release();
        }
    }

    /** Makes what was recorded visible to readers of the file. */
    synchronized void flush() {
        if (!broken) {
            try {
                out.flush();
            } catch (IOException e) {
                fail(e);
            }
        }
    }

    private void fail(IOException e) {
        if (!broken) {
            broken = true;
            LOG.warn("Capture to {} ends here: {}", path, e.getMessage());
        }
    }

    @Override
    public synchronized void close() throws IOException {
        boolean complete = !broken;
        broken = true;
        if (complete) {
            out.close();
        }
    }
}
