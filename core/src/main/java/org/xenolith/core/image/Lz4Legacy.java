package org.xenolith.core.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The LZ4 "legacy frame" that Linux uses for kernels and initial RAM disks: a magic word, then
 * blocks of {u32 packed size, LZ4 block}, each unpacking to 8 MiB but the last.
 *
 * @see <a href="https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md">Legacy frame</a>
 */
final class Lz4Legacy {
    static final int MAGIC = 0x184C2102;
    static final int BLOCK_BYTES = 8 << 20;

    /** The worst case of LZ4 is 1/255 of growth and 16 bytes. */
    private static final int MAX_PACKED_BYTES = BLOCK_BYTES + BLOCK_BYTES / 255 + 16;

    private static final int WORD = 4;

    private Lz4Legacy() {}

    private record Block(int offset, int length) {}

    /**
     * Unpacks a frame whose unpacked size is known, several blocks at a time.
     *
     * @param unpackedSize as the kernel's build wrote it behind the payload
     */
    static byte[] unpack(byte[] source, int offset, int length, int unpackedSize)
            throws ImageException {
        List<Block> blocks = blocks(source, offset, length);
        int expectedBlocks = Math.ceilDiv(unpackedSize, BLOCK_BYTES);
        if (blocks.size() != expectedBlocks) {
            throw new ImageException(
                    "corrupt LZ4 data: %d bytes need %d blocks, but there are %d"
                            .formatted(unpackedSize, expectedBlocks, blocks.size()));
        }
        byte[] target = new byte[unpackedSize];
        int[] written = new int[blocks.size()];
        IntStream.range(0, blocks.size())
                .parallel()
                .forEach(
                        i -> {
                            Block block = blocks.get(i);
                            int to = i * BLOCK_BYTES;
                            int limit = Math.min(unpackedSize, to + BLOCK_BYTES);
                            written[i] =
                                    Lz4Block.decode(
                                            source, block.offset, block.length, target, to, limit);
                        });
        for (int i = 0; i < written.length; i++) {
            if (written[i] != Math.min(BLOCK_BYTES, unpackedSize - i * BLOCK_BYTES)) {
                throw corruptBlock(i, blocks.size());
            }
        }
        return target;
    }

    private static List<Block> blocks(byte[] source, int offset, int length) throws ImageException {
        List<Block> blocks = new ArrayList<>();
        int end = offset + length;
        int at = offset + WORD;
        while (at < end) {
            if (end - at < WORD) {
                throw truncated(blocks.size());
            }
            int packed = LittleEndian.intAt(source, at);
            at += WORD;
            checkPackedSize(packed, blocks.size());
            if (packed > end - at) {
                throw truncated(blocks.size());
            }
            blocks.add(new Block(at, packed));
            at += packed;
        }
        return blocks;
    }

    private static void checkPackedSize(int packed, int index) throws ImageException {
        if (packed <= 0 || packed > MAX_PACKED_BYTES) {
            throw new ImageException(
                    "corrupt LZ4 data: block %d claims a packed size of %d bytes"
                            .formatted(index + 1, Integer.toUnsignedLong(packed)));
        }
    }

    private static ImageException truncated(int index) {
        return new ImageException("truncated LZ4 data: block %d is cut off".formatted(index + 1));
    }

    private static ImageException corruptBlock(int index, int count) {
        return new ImageException("corrupt LZ4 data in block %d of %d".formatted(index + 1, count));
    }

    /** Unpacks a legacy frame block by block; frames may follow each other, as in initrds. */
    static final class Stream extends InputStream {
        private final InputStream packed;
        private final byte[] block = new byte[BLOCK_BYTES];
        private int position;
        private int available;
        private int index;

        Stream(InputStream packed) throws IOException {
            this.packed = packed;
            byte[] magic = packed.readNBytes(WORD);
            if (magic.length < WORD || LittleEndian.intAt(magic, 0) != MAGIC) {
                throw new ImageException("not an LZ4 legacy frame");
            }
        }

        @Override
        public int read() throws IOException {
            return fill() ? block[position++] & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (!fill()) {
                return -1;
            }
            int count = Math.min(length, available - position);
            System.arraycopy(block, position, target, offset, count);
            position += count;
            return count;
        }

        private boolean fill() throws IOException {
            while (position == available) {
                byte[] word = packed.readNBytes(WORD);
                if (word.length == 0) {
                    return false;
                }
                if (word.length < WORD) {
                    throw truncated(index);
                }
                int length = LittleEndian.intAt(word, 0);
                if (length == MAGIC) {
                    continue;
                }
                if (length == 0) {
                    return false; // padding between archives
                }
                checkPackedSize(length, index);
                byte[] source = packed.readNBytes(length);
                if (source.length < length) {
                    throw truncated(index);
                }
                position = 0;
                available = Lz4Block.decode(source, 0, length, block, 0, BLOCK_BYTES);
                if (available == Lz4Block.CORRUPT) {
                    available = 0;
                    throw new ImageException("corrupt LZ4 data in block %d".formatted(index + 1));
                }
                index++;
            }
            return true;
        }

        @Override
        public void close() throws IOException {
            packed.close();
        }
    }
}
