package org.xenolith.core.image;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/** How a kernel's payload, or an initial RAM disk, is packed; recognised by its first bytes. */
public enum Compression {
    NONE("uncompressed"),
    GZIP("gzip", 0x1f, 0x8b, 0x08),
    LZ4_LEGACY("LZ4 (legacy frame)", 0x02, 0x21, 0x4c, 0x18),
    /** Only recognised: Linux unpacks the legacy frame, not this one. */
    LZ4_FRAME("LZ4 (modern frame)", 0x04, 0x22, 0x4d, 0x18),
    XZ("xz", 0xfd, '7', 'z', 'X', 'Z', 0x00),
    ZSTD("zstd", 0x28, 0xb5, 0x2f, 0xfd),
    BZIP2("bzip2", 'B', 'Z', 'h'),
    LZMA("lzma", 0x5d, 0x00, 0x00),
    /** Only recognised: nobody has built an LZO kernel for years. */
    LZO("lzo", 0x89, 'L', 'Z', 'O', 0x00);

    /** What a dictionary may take: xz is allowed 64 MiB by its highest preset, kernels use 32. */
    private static final int DICTIONARY_LIMIT_KIB = 192 << 10;

    private static final int FIRST_BUFFER_BYTES = 1 << 20;
    private static final int LIKELY_RATIO = 8;

    private final String label;
    private final byte[] magic;

    Compression(String label, int... magic) {
        this.label = label;
        this.magic = new byte[magic.length];
        for (int i = 0; i < magic.length; i++) {
            this.magic[i] = (byte) magic[i];
        }
    }

    /** The name people use: "gzip", "LZ4 (legacy frame)". */
    public String label() {
        return label;
    }

    /** Recognises the magic bytes at {@code offset}, or answers {@link #NONE}. */
    public static Compression of(byte[] bytes, int offset) {
        for (Compression compression : values()) {
            byte[] magic = compression.magic;
            if (magic.length > 0
                    && offset + magic.length <= bytes.length
                    && Arrays.equals(
                            magic, 0, magic.length, bytes, offset, offset + magic.length)) {
                return compression;
            }
        }
        return NONE;
    }

    /** A stream of the unpacked bytes. */
    InputStream open(InputStream packed) throws IOException {
        return switch (this) {
            case NONE -> packed;
            case GZIP -> new GZIPInputStream(packed, 1 << 16);
            case LZ4_LEGACY -> new Lz4Legacy.Stream(packed);
            case XZ -> new SingleXZInputStream(packed, DICTIONARY_LIMIT_KIB);
            case ZSTD -> new ZstdInputStreamNoFinalizer(packed);
            case BZIP2 -> new BZip2CompressorInputStream(packed);
            case LZMA -> new LZMAInputStream(packed, DICTIONARY_LIMIT_KIB);
            case LZ4_FRAME ->
                    throw new ImageException(
                            "is packed in LZ4's modern frame, which Linux does not unpack"
                                    + " (lz4 -l makes the legacy frame)");
            case LZO -> throw new ImageException("is packed with lzo, which is not supported");
        };
    }

    /**
     * Unpacks into a new array that never grows beyond {@code limit}, whatever the data claims.
     *
     * @param limit most bytes to accept
     * @throws ImageException if they are more, or no data of this kind
     */
    public byte[] unpack(byte[] bytes, int offset, int length, int limit) throws ImageException {
        try (InputStream in = open(new ByteArrayInputStream(bytes, offset, length))) {
            int likely =
                    (int)
                            Math.min(
                                    limit,
                                    Math.max(FIRST_BUFFER_BYTES, (long) length * LIKELY_RATIO));
            byte[] target = new byte[likely];
            int size = 0;
            while (true) {
                int count = in.readNBytes(target, size, target.length - size);
                size += count;
                if (size < target.length) {
                    return Arrays.copyOf(target, size);
                }
                int next = in.read();
                if (next < 0) {
                    return target;
                }
                if (size == limit) {
                    throw new ImageException(
                            "unpacks to more than the %d MiB that are accepted"
                                    .formatted(limit >> 20));
                }
                target = Arrays.copyOf(target, (int) Math.min(limit, size * 2L));
                target[size++] = (byte) next;
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // RuntimeException too: the libraries promise IOException for bad data but index
            // arrays with what they read, and a bad file must not end in a stack trace.
            throw corrupt(e);
        }
    }

    /** The sentence for data that a decoder could not read. */
    ImageException corrupt(Exception cause) {
        String reason = cause.getMessage();
        return new ImageException(
                "truncated or corrupt %s data%s"
                        .formatted(label, reason == null ? "" : " (" + reason + ")"),
                cause);
    }
}
