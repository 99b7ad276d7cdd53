package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Names what a volume holds that cannot be read here, so that a user knows what to do about it. */
final class ForeignContent {
    private record Magic(String name, int offset, String bytes) {}

    private static final Magic[] MAGICS = {
        new Magic("an XFS file system", 0, "XFSB"),
        new Magic("a Btrfs file system", 0x10040, "_BHRfS_M"),
        new Magic("an encrypted volume (LUKS)", 0, "LUKS\u00ba\u00be"),
        new Magic("a part of an LVM volume group", 0x218, "LVM2 001"),
        new Magic("a squashfs file system", 0, "hsqs"),
        new Magic("an NTFS file system", 3, "NTFS    "),
        new Magic("an exFAT file system", 3, "EXFAT   "),
        new Magic("an ISO 9660 file system", 0x8001, "CD001"),
        new Magic("swap space", 4096 - 10, "SWAPSPACE2"),
    };

    private ForeignContent() {}

    static String describe(Volume volume) throws IOException {
        for (Magic magic : MAGICS) {
            int length = magic.bytes.length();
            if (magic.offset + length <= volume.sizeBytes()) {
                ByteBuffer found = volume.read(magic.offset, length);
                if (new String(found.array(), StandardCharsets.ISO_8859_1).equals(magic.bytes)) {
                    return magic.name;
                }
            }
        }
        return FileSystem.NOTHING_KNOWN;
    }
}
