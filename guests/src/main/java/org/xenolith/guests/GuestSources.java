package org.xenolith.guests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Sources from which micro-guests and labs are built: {@code src/main/guest/common}, {@code
 * src/main/guest/micro/runtime} and {@code src/main/labs}.
 */
public final class GuestSources {
    private static final List<String> COMMON =
            List.of("entry.S", "guest.lds", "string.c", "string.h", "xen.h");
    private static final List<String> RUNTIME =
            List.of(
                    "console.c",
                    "device.c",
                    "events.c",
                    "grant.c",
                    "memory.c",
                    "micro.c",
                    "micro.h",
                    "store.c",
                    "vcpu.c");

    private GuestSources() {}

    /**
     * Writes what every micro-guest shares into a folder: headers, C and assembly, linker script.
     */
    public static void copyRuntime(Path folder) throws IOException {
        copy("common/", COMMON, folder);
        copy("micro/runtime/", RUNTIME, folder);
    }

    private static void copy(String from, List<String> names, Path folder) throws IOException {
        for (String name : names) {
            Files.write(folder.resolve(name), GuestFiles.read(from + name));
        }
    }

    /**
     * A header that guests include.
     *
     * @param name one of those that {@link #copyRuntime} writes
     */
    public static byte[] header(String name) throws IOException {
        return GuestFiles.read((COMMON.contains(name) ? "common/" : "micro/runtime/") + name);
    }

    /**
     * A file of a lab that its student may see, or that judges the student's work.
     *
     * @param path relative to {@code src/main/labs}, such as {@code 01/cases.c}
     */
    public static byte[] lab(String path) throws IOException {
        return GuestFiles.read("labs/" + path);
    }
}
