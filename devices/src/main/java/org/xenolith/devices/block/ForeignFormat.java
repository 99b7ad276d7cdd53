package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Formats of other virtual machines, as the probes of QEMU's block drivers know them. LUKS is not
 * among them: a guest may well encrypt a whole raw disk.
 */
enum ForeignFormat {
    /** Sparse extents, those of ESX, and the text that describes extents. */
    VMDK("VMDK", mark(0, "KDMV"), mark(0, "COWD"), mark(0, "# Disk DescriptorFile")),
    /** VirtualBox's; the signature stands behind a text that anybody may change. */
    VDI("VDI", mark(0x40, "\u007f\u0010\u00da\u00be")),
    VHDX("VHDX", mark(0, "vhdxfile")),
    /** Virtual PC's; of a disk of fixed size only the last sector tells. */
    VHD("VHD", mark(0, "conectix"), mark(-BlockImage.SECTOR_BYTES, "conectix")),
    QED("QED", mark(0, "QED\0")),
    PARALLELS("Parallels", mark(0, "WithoutFreeSpace"), mark(0, "WithouFreSpacExt"));

    /**
     * What stands somewhere in such a file.
     *
     * @param offset from the start in bytes, or from the end if negative
     */
    private record Mark(long offset, byte[] bytes) {
        boolean isIn(ImageFile file) throws IOException {
            long at = offset < 0 ? file.sizeBytes() + offset : offset;
            if (at < 0) {
                return false;
            }
            ByteBuffer there = ByteBuffer.allocate(bytes.length);
            file.read(at, there);
            return Arrays.equals(there.array(), bytes);
        }
    }

    private final String title;
    private final List<Mark> marks;

    ForeignFormat(String title, Mark... marks) {
        this.title = title;
        this.marks = List.of(marks);
    }

    private static Mark mark(long offset, String text) {
        return new Mark(offset, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    String title() {
        return title;
    }

    static Optional<ForeignFormat> of(ImageFile file) throws IOException {
        for (ForeignFormat format : values()) {
            for (Mark mark : format.marks) {
                if (mark.isIn(file)) {
                    return Optional.of(format);
                }
            }
        }
        return Optional.empty();
    }
}
