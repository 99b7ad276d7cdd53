package org.xenolith.core.image;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an initial RAM disk holds: one or more cpio archives, each on its own packed or not, as the
 * kernel unpacks them.
 *
 * @param parts the archives in their order
 */
public record InitrdImage(List<Part> parts) {
    private static final int PEEK_BYTES = 8;

    /** An archive may unpack to this much; a guest with more would not fit its memory either. */
    private static final long MAX_UNPACKED_BYTES = 8L << 30;

    /**
     * One archive.
     *
     * @param files regular files in it
     * @param entries all entries, directories, links and devices included
     * @param fileBytes sum of the files' sizes
     * @param hasInit whether there is the /init that the kernel will run
     */
    public record Part(
            Compression compression, int files, int entries, long fileBytes, boolean hasInit) {}

    static boolean recognises(byte[] start) {
        return Cpio.recognises(start) || Compression.of(start, 0) != Compression.NONE;
    }

    /** Reads through all archives of the file, holding none of it in memory. */
    static InitrdImage read(Path path) throws ImageException {
        ImageFiles.check(path);
        List<Part> parts = new ArrayList<>();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
            readParts(file, Compression.NONE, parts);
        } catch (ImageException e) {
            throw e.in(path.toString());
        } catch (EOFException e) {
            throw new ImageException(path + ": is a truncated initrd", e);
        } catch (IOException e) {
            throw ImageFiles.unreadable(path, e);
        }
        if (parts.isEmpty()) {
            throw new ImageException(path + ": holds no cpio archive");
        }
        return new InitrdImage(List.copyOf(parts));
    }

    private static void readParts(InputStream in, Compression packing, List<Part> parts)
            throws IOException {
        while (skipZeros(in)) {
            byte[] start = peek(in);
            Compression inner = Compression.of(start, 0);
            if (Cpio.recognises(start)) {
                parts.add(readArchive(in, packing));
            } else if (inner != Compression.NONE && packing == Compression.NONE) {
                unpackParts(in, inner, parts);
                return; // a packed archive reaches to the end of the file, as mkinitramfs makes it
            } else {
                throw new ImageException("holds something that is no cpio archive");
            }
        }
    }

    private static void unpackParts(InputStream in, Compression packing, List<Part> parts)
            throws IOException {
        try {
            readParts(
                    new BufferedInputStream(
                            new Limited(packing.open(in), MAX_UNPACKED_BYTES), 1 << 16),
                    packing,
                    parts);
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // RuntimeException: see Compression.unpack.
            throw packing.corrupt(e);
        }
    }

    private static Part readArchive(InputStream in, Compression packing) throws IOException {
        Cpio.Reader reader = new Cpio.Reader(in);
        int files = 0;
        int entries = 0;
        long bytes = 0;
        boolean init = false;
        for (Optional<Cpio.Entry> next = reader.next(); next.isPresent(); next = reader.next()) {
            Cpio.Entry entry = next.get();
            entries++;
            if (entry.isRegular()) {
                files++;
                bytes += entry.size();
            }
            init |= entry.path().equals("init") || entry.path().equals("./init");
        }
        return new Part(packing, files, entries, bytes, init);
    }

    private static boolean skipZeros(InputStream in) throws IOException {
        while (true) {
            in.mark(1);
            int next = in.read();
            if (next < 0) {
                return false;
            }
            if (next != 0) {
                in.reset();
                return true;
            }
        }
    }

    private static byte[] peek(InputStream in) throws IOException {
        in.mark(PEEK_BYTES);
        byte[] start = in.readNBytes(PEEK_BYTES);
        in.reset();
        return start;
    }

    /** Ends what a hostile archive could draw out without end. */
    private static final class Limited extends InputStream {
        private final InputStream in;
        private long left;

        Limited(InputStream in, long limit) {
            this.in = in;
            this.left = limit;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int count = in.read(target, offset, length);
            left -= Math.max(0, count);
            if (left < 0) {
                throw new ImageException("unpacks to more than 8 GiB");
            }
            return count;
        }
    }
}
