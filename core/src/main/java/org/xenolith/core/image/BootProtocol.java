package org.xenolith.core.image;

import org.xenolith.devices.console.Escaped;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The header of a bzImage as far as a Xen domain builder cares: where the packed kernel lies.
 *
 * @param version boot protocol, 0x020f for 2.15
 * @param setupSectors sectors of real-mode code before the protected-mode part, the boot sector not
 *     counted
 * @param payloadOffset first byte of the packed kernel in the file
 * @param payloadLength bytes of the packed kernel, the size word behind it included
 * @param kernelVersion what {@code uname -r} and {@code -v} will say, when the header tells
 * @see <a href="https://docs.kernel.org/arch/x86/boot.html">The Linux/x86 Boot Protocol</a>
 */
public record BootProtocol(
        int version,
        int setupSectors,
        long payloadOffset,
        long payloadLength,
        Optional<String> kernelVersion) {
    private static final int SETUP_SECTS = 0x1f1, BOOT_FLAG = 0x1fe, HEADER = 0x202;
    private static final int VERSION = 0x206, KERNEL_VERSION = 0x20e;
    private static final int PAYLOAD_OFFSET = 0x248, PAYLOAD_LENGTH = 0x24c;

    private static final int BOOT_FLAG_MAGIC = 0xaa55;
    private static final int HDRS = 0x53726448; // "HdrS"
    private static final int SECTOR_BYTES = 512;
    private static final int DEFAULT_SETUP_SECTORS = 4; // what a zero means
    private static final int KERNEL_VERSION_MAX = 256;

    /** The first protocol that says where the payload is (Linux 2.6.26). */
    private static final int FIRST_WITH_PAYLOAD = 0x0208;

    static boolean recognises(byte[] file) {
        return file.length >= HEADER + 4
                && LittleEndian.shortAt(file, BOOT_FLAG) == BOOT_FLAG_MAGIC
                && LittleEndian.intAt(file, HEADER) == HDRS;
    }

    static BootProtocol parse(byte[] file) throws ImageException {
        if (file.length < PAYLOAD_LENGTH + 4) {
            throw new ImageException("is a truncated bzImage: its header is cut off");
        }
        int version = LittleEndian.shortAt(file, VERSION);
        if (version < FIRST_WITH_PAYLOAD) {
            throw new ImageException(
                    "is a bzImage of boot protocol %s, which does not say where its payload is"
                            .formatted(versionText(version)));
        }
        int sectors = file[SETUP_SECTS] & 0xff;
        if (sectors == 0) {
            sectors = DEFAULT_SETUP_SECTORS;
        }
        long offset =
                (sectors + 1L) * SECTOR_BYTES + LittleEndian.unsignedIntAt(file, PAYLOAD_OFFSET);
        long length = LittleEndian.unsignedIntAt(file, PAYLOAD_LENGTH);
        if (offset + length > file.length) {
            throw new ImageException(
                    "is a truncated bzImage: its payload ends at byte %d but the file has only %d"
                            .formatted(offset + length, file.length));
        }
        return new BootProtocol(version, sectors, offset, length, kernelVersion(file));
    }

    private static Optional<String> kernelVersion(byte[] file) {
        int pointer = LittleEndian.shortAt(file, KERNEL_VERSION);
        int start = pointer + SECTOR_BYTES;
        if (pointer == 0 || start >= file.length) {
            return Optional.empty();
        }
        int end = start;
        while (end < file.length && end - start < KERNEL_VERSION_MAX && file[end] != 0) {
            end++;
        }
        String version = new String(file, start, end - start, StandardCharsets.ISO_8859_1);
        return Optional.of(Escaped.of(version));
    }

    /** "2.15" for 0x020f. */
    public String versionText() {
        return versionText(version);
    }

    private static String versionText(int version) {
        return (version >> 8) + "." + (version & 0xff);
    }
}
