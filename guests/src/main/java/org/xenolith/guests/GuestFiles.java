package org.xenolith.guests;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/** Scripts and programs of guests, from {@code src/main/guest}. */
public final class GuestFiles {
    /** Prebuilt as the kernels are, from the folder of this name. */
    static final String MEMORY_AGENT = "memory-agent";

    private GuestFiles() {}

    /**
     * A static Linux program that tells the host how much memory the guest could spare, and starts
     * {@code /usr/sbin/guest-copied} when the guest has become a copy of another one. It needs
     * {@code /proc}, {@code /sys} and {@code /dev}.
     */
    public static byte[] memoryAgent() throws IOException {
        return read(MEMORY_AGENT + ".elf");
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
