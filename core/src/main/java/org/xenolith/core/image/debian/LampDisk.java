package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.guests.GuestFiles;
import org.xenolith.guests.LampRecipe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The disk of the LAMP guest: installed packages, the recipe's files, and a database, as ext4. */
final class LampDisk {
    static final String IMAGE = "lamp.img";

    /** The guest's disk; the image takes only what is used of it. */
    private static final String SIZE = "512M";

    /** Raise it when anything but the recipe changes. */
    private static final int FORMAT = 1;

    private final HostPrograms programs;
    private final Superuser superuser;

    LampDisk(HostPrograms programs, Superuser superuser) {
        this.programs = programs;
        this.superuser = superuser;
    }

    static String version() throws IOException {
        List<byte[]> parts = new ArrayList<>();
        parts.add(text(LampPackages.version()));
        for (LampRecipe.SystemFile file : systemFiles()) {
            parts.add(text(Integer.toOctalString(file.mode()) + " " + file.path()));
            parts.add(file.contents());
        }
        parts.add(LampRecipe.configure());
        parts.add(LampRecipe.seed());
        return InitramfsRecipe.digest(FORMAT, parts);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<LampRecipe.SystemFile> systemFiles() throws IOException {
        List<LampRecipe.SystemFile> files = new ArrayList<>(LampRecipe.files());
        files.add(
                new LampRecipe.SystemFile("usr/sbin/memory-agent", 0755, GuestFiles.memoryAgent()));
        return files;
    }

    /** Says before anything is begun what will be missing. */
    void requireTools() throws ImageException {
        programs.find("mke2fs", "e2fsprogs");
        programs.find("chroot", "coreutils");
        programs.find("tar", "tar");
    }

    /**
     * Makes the disk.
     *
     * @param packages what {@link LampPackages} installed
     * @return a folder with the image in it
     */
    Path make(Path packages, Path workplace, Progress progress) throws IOException {
        Path root = Files.createDirectory(workplace.resolve("root"));
        progress.at(Progress.Step.CONFIGURE, 0);
        unpack(packages, root, workplace);
        progress.at(Progress.Step.CONFIGURE, 0.3);
        for (LampRecipe.SystemFile file : systemFiles()) {
            put(root, file);
        }
        configure(root, workplace);
        progress.at(Progress.Step.CONFIGURE, 1);
        progress.at(Progress.Step.DISK, 0);
        Path made = Files.createDirectory(workplace.resolve("made"));
        Path image = made.resolve(IMAGE);
        writeImage(root, image, workplace);
        // Overlays of many guests lean on it: nobody should write to it by mistake.
        Files.setPosixFilePermissions(image, PosixFilePermissions.fromString("r--r--r--"));
        progress.at(Progress.Step.DISK, 1);
        return made;
    }

    private void unpack(Path packages, Path root, Path workplace) throws IOException {
        run(
                "unpack the installed packages",
                workplace,
                List.of(
                        programs.find("tar", "tar"),
                        "--extract",
                        "--numeric-owner",
                        "--same-permissions",
                        // Nobody but real root may make device nodes, and the guest has a devtmpfs.
                        "--exclude=./dev/*",
                        "--file=" + packages,
                        "--directory=" + root),
                Path.of("/dev/null"));
    }

    private void writeImage(Path root, Path image, Path workplace) throws IOException {
        run(
                "write the disk image",
                workplace,
                List.of(
                        programs.find("mke2fs", "e2fsprogs"),
                        "-q",
                        "-t",
                        "ext4",
                        "-L",
                        "lamp",
                        // A small journal: a customer's disk survives the end of its host.
                        "-J",
                        "size=4",
                        "-m",
                        "1",
                        // Otherwise each guest would clear the inode tables once, in its overlay.
                        "-E",
                        "lazy_itable_init=0",
                        "-d",
                        root.toString(),
                        image.toString(),
                        SIZE),
                Path.of("/dev/null"));
    }

    /** Runs the recipe's script in the new system. */
    private void configure(Path root, Path workplace) throws IOException {
        Path script = Files.write(root.resolve("configure"), LampRecipe.configure());
        Path seed = Files.write(workplace.resolve("seed.sql"), LampRecipe.seed());
        // A plain file: a device node could be opened by nobody in a user namespace.
        Path sink = Files.createFile(root.resolve("dev/null"));
        Files.setPosixFilePermissions(sink, permissions(0666));
        run(
                "set up the site",
                workplace,
                List.of(
                        programs.find("chroot", "coreutils"),
                        root.toString(),
                        "/bin/sh",
                        "/configure"),
                seed);
        Files.delete(script);
        Files.delete(sink);
    }

    private static void put(Path root, LampRecipe.SystemFile file) throws IOException {
        Path target = root.resolve(file.path());
        Files.createDirectories(target.getParent());
        // Beside its place first: what a package left there may be a link to somewhere else.
        Path partial = target.resolveSibling(target.getFileName() + ImageCache.PART);
        Files.write(partial, file.contents());
        Files.setPosixFilePermissions(partial, permissions(file.mode()));
        Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        PosixFilePermission[] fromHighest = PosixFilePermission.values();
        for (int i = 0; i < fromHighest.length; i++) {
            if ((mode >> (fromHighest.length - 1 - i) & 1) != 0) {
                set.add(fromHighest[i]);
            }
        }
        return set;
    }

    private void run(String what, Path workplace, List<String> command, Path input)
            throws IOException {
        Tool.Result result = superuser.run(workplace, command, input, Map.of(), line -> {});
        if (!result.succeeded()) {
            throw new ImageException(
                    "%s cannot %s (%s)"
                            .formatted(
                                    Path.of(command.getFirst()).getFileName(),
                                    what,
                                    result.complaint()));
        }
    }
}
