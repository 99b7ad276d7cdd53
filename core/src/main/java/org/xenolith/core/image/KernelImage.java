package org.xenolith.core.image;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A kernel file taken apart down to the ELF file that a domain is built from.
 *
 * @param name what messages call it
 * @param fileSize bytes of the file as it was given
 * @param wrapper packing around the whole file ("vmlinux.gz"), or NONE
 * @param bootProtocol the bzImage header, when it is one
 * @param payloadCompression packing of a bzImage's payload, or NONE
 * @param elf the kernel proper
 */
public record KernelImage(
        String name,
        long fileSize,
        Compression wrapper,
        Optional<BootProtocol> bootProtocol,
        Compression payloadCompression,
        ElfImage elf) {
    /** A kernel with every driver built in stays below half of this. */
    static final int MAX_BYTES = 256 << 20;

    private static final int SIZE_WORD = 4;
    private static final int ARM64_MAGIC_OFFSET = 0x38;
    private static final int ARM64_MAGIC = 0x644d5241; // "ARM\x64"

    /**
     * Reads and unpacks a kernel.
     *
     * @throws ImageException if it is no x86-64 kernel, or damaged; the message starts with the
     *     path
     */
    public static KernelImage read(Path path) throws ImageException {
        return read(ImageFiles.readAll(path, MAX_BYTES), path.toString());
    }

    /** As {@link #read(Path)}, for bytes already here; keeps the array. */
    public static KernelImage read(byte[] file, String name) throws ImageException {
        try {
            return parse(file, name);
        } catch (ImageException e) {
            throw e.in(name);
        }
    }

    private static KernelImage parse(byte[] file, String name) throws ImageException {
        Compression wrapper = Compression.of(file, 0);
        byte[] image =
                wrapper == Compression.NONE
                        ? file
                        : wrapper.unpack(file, 0, file.length, MAX_BYTES);
        if (BootProtocol.recognises(image)) {
            BootProtocol header = BootProtocol.parse(image);
            Compression payload = Compression.of(image, (int) header.payloadOffset());
            ElfImage elf = ElfImage.parse(unpackPayload(image, header, payload));
            elf.requireExecutable();
            return new KernelImage(name, file.length, wrapper, Optional.of(header), payload, elf);
        }
        if (!ElfImage.recognises(image)) {
            throw notAKernel(image);
        }
        ElfImage elf = ElfImage.parse(image);
        elf.requireExecutable();
        return new KernelImage(name, file.length, wrapper, Optional.empty(), Compression.NONE, elf);
    }

    /** The last word of every payload is its unpacked size: the build appends it, gzip has it. */
    private static byte[] unpackPayload(byte[] image, BootProtocol header, Compression packing)
            throws ImageException {
        int offset = (int) header.payloadOffset();
        int length = (int) header.payloadLength();
        if (length <= SIZE_WORD) {
            throw new ImageException("is a bzImage without a payload");
        }
        long size = LittleEndian.unsignedIntAt(image, offset + length - SIZE_WORD);
        if (size == 0 || size > MAX_BYTES) {
            throw new ImageException(
                    "is a corrupt bzImage: its payload claims to unpack to %d bytes (at most %d MiB are accepted)"
                            .formatted(size, MAX_BYTES >> 20));
        }
        int packed = packing == Compression.GZIP ? length : length - SIZE_WORD;
        byte[] unpacked =
                packing == Compression.LZ4_LEGACY
                        ? Lz4Legacy.unpack(image, offset, packed, (int) size)
                        : packing.unpack(image, offset, packed, (int) size);
        if (unpacked.length != size) {
            throw new ImageException(
                    "is a corrupt bzImage: its payload unpacks to %d bytes instead of %d"
                            .formatted(unpacked.length, size));
        }
        if (!ElfImage.recognises(unpacked)) {
            throw new ImageException(
                    packing == Compression.NONE
                            ? "is a bzImage whose payload is packed in no known way"
                            : "is a bzImage whose payload is not an ELF file");
        }
        return unpacked;
    }

    private static ImageException notAKernel(byte[] image) {
        if (image.length == 0) {
            return new ImageException("is empty");
        }
        if (image.length >= ARM64_MAGIC_OFFSET + 4
                && LittleEndian.intAt(image, ARM64_MAGIC_OFFSET) == ARM64_MAGIC) {
            return new ImageException(
                    "is a Linux kernel for 64-bit ARM: only x86-64 kernels can run here");
        }
        if (Cpio.recognises(image)) {
            return new ImageException("is a cpio archive (an initrd, it seems), not a kernel");
        }
        if (ImageFiles.looksLikeText(image)) {
            return new ImageException("is a text file, not a kernel");
        }
        return new ImageException("is not a kernel: it is neither a bzImage nor an ELF file");
    }

    /** What the kernel says to a Xen domain builder. */
    public XenNotes notes() {
        return XenNotes.of(elf);
    }

    /**
     * The notes, if this kernel can start as a Xen PV guest.
     *
     * @throws ImageException saying why it cannot, with the file's name in front
     */
    public XenNotes requirePv() throws ImageException {
        XenNotes notes = notes();
        try {
            notes.requirePv();
        } catch (ImageException e) {
            throw e.in(name);
        }
        return notes;
    }
}
