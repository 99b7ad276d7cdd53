package org.xenolith.guests;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/** Scripts of guests, from {@code src/main/guest}. */
public final class GuestFiles {
    private GuestFiles() {}

    /**
     * The shell script that tells the host how much memory the guest could spare. It needs BusyBox
     * as {@code /bin/busybox}, {@code /proc}, {@code /dev} and a place for temporary files.
     */
    public static byte[] memoryAgent() throws IOException {
        return read("debian/memory-agent");
    }

    /** The first program of hearth's initial RAM disk, a script for BusyBox's shell. */
    public static byte[] hearthInit() throws IOException {
        return read("hearth/root/init");
    }

    /** What a login shell on hearth reads first. */
    public static byte[] hearthProfile() throws IOException {
        return read("hearth/root/profile");
    }

    /** The page that hearth's web server serves. */
    public static byte[] hearthPage() throws IOException {
        return read("hearth/root/index.html");
    }

    static byte[] read(String name) throws IOException {
        try (InputStream file = GuestFiles.class.getResourceAsStream(name)) {
            if (file == null) {
                throw new FileNotFoundException("this build holds no " + name);
            }
            return file.readAllBytes();
        }
    }
}
