package org.xenolith.guests;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** The prebuilt guest kernels: ELF files with Xen notes, ready for the domain builder. */
public final class GuestImages {
    /** The teaching kernel in {@code src/main/guest/lantern}. */
    public static final String LANTERN = "lantern";

    /** The kernel in {@code src/main/guest/hearth}, which runs static Linux programs. */
    public static final String HEARTH = "hearth";

    private static final List<String> NAMES = List.of(LANTERN, HEARTH);

    private GuestImages() {}

    /** Names of all prebuilt kernels. */
    public static List<String> names() {
        return NAMES;
    }

    /**
     * Opens a kernel image; the caller closes it.
     *
     * @throws FileNotFoundException if no prebuilt kernel has this name
     */
    public static InputStream open(String name) throws IOException {
        InputStream image =
                NAMES.contains(name) ? GuestImages.class.getResourceAsStream(name + ".elf") : null;
        if (image == null) {
            throw new FileNotFoundException(
                    "no prebuilt guest is called \"" + name + "\"; there is " + NAMES);
        }
        return image;
    }

    /**
     * The whole kernel image.
     *
     * @throws FileNotFoundException if no prebuilt kernel has this name
     */
    public static byte[] read(String name) throws IOException {
        try (InputStream image = open(name)) {
            return image.readAllBytes();
        }
    }
}
