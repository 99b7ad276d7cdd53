package org.xenolith.guests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What makes a Debian root file system a web server with a database: {@code src/main/guest/lamp}.
 * The README there explains each file.
 */
public final class LampRecipe {
    private static final String FOLDER = "lamp/";

    private LampRecipe() {}

    /**
     * A file of the new system.
     *
     * @param path from the root, without a slash in front
     * @param mode permissions, such as 0755; root owns it
     */
    public record SystemFile(String path, int mode, byte[] contents) {}

    /** Names of Debian packages to install; what they depend on comes along. */
    public static List<String> packages() throws IOException {
        return lines("packages");
    }

    /** Files to put over those of the packages. */
    public static List<SystemFile> files() throws IOException {
        List<SystemFile> files = new ArrayList<>();
        for (String line : lines("files")) {
            String[] modeAndPath = line.split(" ", 2);
            files.add(
                    new SystemFile(
                            modeAndPath[1],
                            Integer.parseInt(modeAndPath[0], 8),
                            GuestFiles.read(FOLDER + "root/" + modeAndPath[1])));
        }
        return files;
    }

    /** The script that runs in the new system when its files are there; it reads {@link #seed}. */
    public static byte[] configure() throws IOException {
        return GuestFiles.read(FOLDER + "configure");
    }

    /** The first contents of the database, one SQL statement a line. */
    public static byte[] seed() throws IOException {
        return GuestFiles.read(FOLDER + "seed.sql");
    }

    /** First process of the initial RAM disk. */
    public static byte[] init() throws IOException {
        return GuestFiles.read(FOLDER + "init");
    }

    /** The lines of a file that are neither empty nor comments. */
    private static List<String> lines(String name) throws IOException {
        return new String(GuestFiles.read(FOLDER + name), StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList();
    }
}
