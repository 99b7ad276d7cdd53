package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A qcow2 image in memory that writes down, in one order, what its guest asks and is promised, and
 * what becomes of that in the file below. {@link PowerCuts} then finds out what any moment would
 * have left.
 */
public final class RecordedDisk implements BlockImage {
    private final List<DiskEvent> events = new ArrayList<>();
    private final byte[] fileAtFirst;
    private final long[] digestsAtFirst;
    private final UnstableFile file;
    private final BlockImage image;

    /**
     * @param qcow2 it is read once and stays as it is; an image below has an absolute path
     */
    public RecordedDisk(Path qcow2) throws IOException {
        fileAtFirst = Files.readAllBytes(qcow2);
        file = new UnstableFile(fileAtFirst);
        Qcow2Header header = Qcow2Header.read(file);
        String below = header.backingFile();
        BlockImage backing = below == null ? null : DiskImage.open(Path.of(below), true);
        image = new Qcow2Image(new RecordedFile(), header, false, backing);
        digestsAtFirst = digests(image);
    }

    /** Of all sectors. */
    static long[] digests(BlockImage image) throws IOException {
        ByteBuffer content = ByteBuffer.allocate((int) image.sizeBytes());
        image.read(0, content);
        return SectorWrite.digests(content.flip());
    }

    private int log(DiskEvent event) {
        synchronized (events) {
            events.add(event);
            return events.size() - 1;
        }
    }

    /** Puts down what somebody saw who watches the guest. */
    public void note(String text) {
        log(new DiskEvent.Noted(text));
    }

    /** What has happened so far. */
    List<DiskEvent> events() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    byte[] fileAtFirst() {
        return fileAtFirst;
    }

    long[] digestsAtFirst() {
        return digestsAtFirst;
    }

    @Override
    public long sizeBytes() {
        return image.sizeBytes();
    }

    @Override
    public boolean isReadOnly() {
        return false;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        image.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        SectorWrite write = begun(offset, from);
        image.write(offset, from);
        done(write);
    }

    @Override
    public void discard(long offset, long lengthBytes) throws IOException {
        SectorWrite zeroes = begun(offset, ByteBuffer.allocate((int) lengthBytes));
        image.discard(offset, lengthBytes);
        done(zeroes);
    }

    private SectorWrite begun(long offset, ByteBuffer bytes) {
        synchronized (events) {
            SectorWrite write = new SectorWrite(offset, bytes, events.size());
            events.add(new DiskEvent.WriteBegun(write));
            return write;
        }
    }

    private void done(SectorWrite write) {
        synchronized (events) {
            write.done(events.size());
            events.add(new DiskEvent.WriteDone(write));
        }
    }

    @Override
    public void flush() throws IOException {
        int begun;
        synchronized (events) {
            begun = events.size();
        }
        image.flush();
        log(new DiskEvent.FlushDone(begun));
    }

    @Override
    public void close() throws IOException {
        image.close();
    }

    /** Each call is one event, and has its effect at that moment. */
    private final class RecordedFile implements ImageFile {
        @Override
        public String name() {
            return file.name();
        }

        @Override
        public long sizeBytes() {
            synchronized (events) {
                return file.sizeBytes();
            }
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            synchronized (events) {
                file.read(offset, into);
            }
        }

        @Override
        public void write(long offset, ByteBuffer from) throws IOException {
            byte[] bytes = new byte[from.remaining()];
            from.duplicate().get(bytes);
            synchronized (events) {
                file.write(offset, from);
                events.add(new DiskEvent.FileWritten(offset, bytes));
            }
        }

        @Override
        public void sync() {
            synchronized (events) {
                file.sync();
                events.add(new DiskEvent.FileSynced());
            }
        }

        @Override
        public boolean punch(long offset, long lengthBytes) {
            synchronized (events) {
                events.add(new DiskEvent.FilePunched(offset, lengthBytes));
                return file.punch(offset, lengthBytes);
            }
        }

        @Override
        public void close() {}
    }
}
