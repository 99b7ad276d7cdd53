package org.xenolith.core.image.debian;

import org.xenolith.core.image.Initramfs;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** An initial RAM disk made of Debian's BusyBox, modules of its kernel, and scripts of ours. */
interface InitramfsRecipe {
    /** Names the contents: a new script must not meet an archive of the old. */
    String version() throws IOException;

    /** Modules to include, with all that they depend on. */
    List<String> modules();

    Initramfs build(Path busybox, KernelModules modules) throws IOException;

    /** Kernel arguments that the guest needs. */
    String commandLine();

    /** A name for contents: equal for equal parts in equal order. */
    static String digest(int format, List<byte[]> parts) {
        final int digits = 12;
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((byte) format);
            for (byte[] part : parts) {
                digest.update(part);
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, digits);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
