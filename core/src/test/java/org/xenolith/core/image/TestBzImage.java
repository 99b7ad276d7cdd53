package org.xenolith.core.image;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.commons.compress.compressors.lz4.BlockLZ4CompressorOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;

/** Builds bzImages as the kernel's makefiles do, and packs things as its scripts do. */
final class TestBzImage {
    static final int SETUP_SECTORS = 4;
    static final int PAYLOAD_OFFSET = 0x40;
    static final int PAYLOAD_AT = (SETUP_SECTORS + 1) * 512 + PAYLOAD_OFFSET;

    private TestBzImage() {}

    /** A bzImage of protocol 2.15 around an ELF file. */
    static byte[] of(byte[] elf, Compression packing) throws IOException {
        byte[] packed = pack(elf, packing);
        return ofPayload(packing == Compression.GZIP ? packed : withSizeWord(packed, elf.length));
    }

    static byte[] withSizeWord(byte[] packed, int size) {
        byte[] payload = Arrays.copyOf(packed, packed.length + 4);
        ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).putInt(packed.length, size);
        return payload;
    }

    static byte[] ofPayload(byte[] payload) {
        ByteBuffer file =
                ByteBuffer.allocate(PAYLOAD_AT + payload.length + 32)
                        .order(ByteOrder.LITTLE_ENDIAN);
        file.put(0x1f1, (byte) SETUP_SECTORS).putShort(0x1fe, (short) 0xaa55);
        file.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII)).putShort(0x206, (short) 0x20f);
        file.putShort(0x20e, (short) 0x100);
        file.put(0x300, TestElf.text("6.1.0-test (builder@host) #1"));
        file.putInt(0x248, PAYLOAD_OFFSET).putInt(0x24c, payload.length);
        file.put(PAYLOAD_AT, payload);
        return file.array();
    }

    static byte[] pack(byte[] data, Compression packing) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        switch (packing) {
            case NONE -> packed.write(data);
            case GZIP -> write(new GZIPOutputStream(packed), data);
            case XZ ->
                    write(
                            new XZOutputStream(
                                    packed,
                                    new FilterOptions[] {new X86Options(), new LZMA2Options(1)}),
                            data);
            case ZSTD -> write(new ZstdOutputStreamNoFinalizer(packed), data);
            case BZIP2 -> write(new BZip2CompressorOutputStream(packed), data);
            case LZMA -> write(new LZMAOutputStream(packed, new LZMA2Options(1), -1), data);
            case LZ4_LEGACY -> packed.write(lz4Legacy(data));
            case LZ4_FRAME, LZO -> throw new IllegalArgumentException("only recognised");
        }
        return packed.toByteArray();
    }

    private static void write(OutputStream out, byte[] data) throws IOException {
        try (out) {
            out.write(data);
        }
    }

    private static byte[] lz4Legacy(byte[] data) throws IOException {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(word(Lz4Legacy.MAGIC));
        for (int at = 0; at < data.length; at += Lz4Legacy.BLOCK_BYTES) {
            ByteArrayOutputStream block = new ByteArrayOutputStream();
            int length = Math.min(Lz4Legacy.BLOCK_BYTES, data.length - at);
            try (OutputStream out = new BlockLZ4CompressorOutputStream(block)) {
                out.write(data, at, length);
            }
            frame.write(word(block.size()));
            block.writeTo(frame);
        }
        return frame.toByteArray();
    }

    static byte[] word(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    }
}
