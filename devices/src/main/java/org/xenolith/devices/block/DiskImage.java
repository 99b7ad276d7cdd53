package org.xenolith.devices.block;

import org.xenolith.devices.console.Escaped;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Opens disk images, with the images below them. */
public final class DiskImage {
    /** How many images may lie over one another; deeper chains are a mistake or an attack. */
    static final int MAX_CHAIN = 32;

    private DiskImage() {}

    /**
     * Opens an image and finds out its format by content.
     *
     * <p>What a guest writes to a raw disk becomes the content. A guest could write a qcow2 header
     * that names any file of the host as its backing file, and read that file after the next start.
     * So an image that was taken for raw here refuses writes that make it begin as a qcow2 image
     * does. Naming the format avoids both the question and the refusal.
     *
     * @throws ImageRefused if the image cannot be used; the message is a sentence
     */
    public static BlockImage open(Path path, boolean readOnly) throws IOException {
        return open(path, readOnly, null, List.of());
    }

    /**
     * Opens an image whose format is known.
     *
     * @param format null to find it out by content, as {@link #open(Path, boolean)} does
     */
    public static BlockImage open(Path path, boolean readOnly, ImageFormat format)
            throws IOException {
        return open(path, readOnly, format, List.of());
    }

    /**
     * Opens a writable view of an image that is never written to: changes go to a file that has no
     * name and vanishes with the view. Any number of views may share a base. A flush is kept for as
     * long as the view lives, which is all there is to keep.
     *
     * @param format of the base; null to find it out by content
     * @param directory where the changes are kept; not in memory, if there may be many
     */
    public static BlockImage openEphemeral(Path base, ImageFormat format, Path directory)
            throws IOException {
        BlockImage below = open(base, true, format, List.of());
        try {
            return overlay(new UnsyncedFile(openUnnamed(directory)), below);
        } catch (IOException | RuntimeException e) {
            below.close();
            throw e;
        }
    }

    /**
     * Opens another view as {@link #openEphemeral} does, that begins with what was written to one,
     * or to an overlay.
     *
     * @param view what {@link #openEphemeral} returned, or {@link #open} of an overlay; settled,
     *     and not written to meanwhile
     * @param base what is below it
     * @param format of the base, unless the overlay says it; null to find it out by content
     */
    public static BlockImage copyView(
            BlockImage view, Path base, ImageFormat format, Path directory) throws IOException {
        Qcow2Image written = view(view);
        Qcow2Header header = written.header();
        ImageFormat known = header.backingFile() == null ? format : backingFormat(base, header);
        BlockImage below = open(base, true, known, List.of());
        try {
            return copy(written, new UnsyncedFile(openUnnamed(directory)), below);
        } catch (IOException | RuntimeException e) {
            below.close();
            throw e;
        }
    }

    private static Qcow2Image view(BlockImage view) {
        if (view instanceof Qcow2Image written) {
            return written;
        }
        throw new IllegalArgumentException("no view of an image that lies below it");
    }

    /**
     * Writes what was written to a view to an overlay, which outlives it; that is there completely
     * or not at all.
     *
     * @param view what {@link #openEphemeral} returned; settled, and not written to meanwhile
     * @param base over which it was opened
     * @param format of the base; null to find it out by content
     * @throws FileAlreadyExistsException when there is a file of that name
     */
    public static void saveView(BlockImage view, Path base, ImageFormat format, Path overlay)
            throws IOException {
        Qcow2Image written = view(view);
        ImageFormat below = format == null ? formatOf(base) : format;
        makeWhole(
                overlay,
                part -> {
                    try (ImageFile file = HostFile.open(part, false)) {
                        written.copyTo(file);
                        Qcow2.nameBacking(file, base.toAbsolutePath(), below);
                        file.sync();
                    }
                });
    }

    private static BlockImage copy(Qcow2Image written, ImageFile into, BlockImage below)
            throws IOException {
        try {
            written.copyTo(into);
            return new Qcow2Image(into, Qcow2Header.read(into), false, below);
        } catch (IOException | RuntimeException e) {
            into.close();
            throw e;
        }
    }

    /**
     * Copies an image file, which may be open, with all that is in it; it is there completely or
     * not at all.
     *
     * @param image settled, and not written to meanwhile
     * @throws FileAlreadyExistsException when there is a file of that name
     */
    public static void copyFile(Path image, Path copy) throws IOException {
        makeWhole(
                copy,
                part -> {
                    Files.copy(image, part, StandardCopyOption.REPLACE_EXISTING);
                    try (FileChannel written = FileChannel.open(part, StandardOpenOption.WRITE)) {
                        written.force(true);
                    }
                });
    }

    private interface Filling {
        void of(Path part) throws IOException;
    }

    private static void makeWhole(Path path, Filling filling) throws IOException {
        Path target = path.toAbsolutePath();
        if (!Files.isDirectory(target.getParent())) {
            throw new NoSuchFileException(target.getParent().toString()); // and not of the part
        }
        Path part = Files.createTempFile(target.getParent(), target.getFileName() + "", ".part");
        try {
            filling.of(part);
            Files.createLink(target, part); // unlike a move it replaces nothing
        } finally {
            Files.delete(part);
        }
    }

    /**
     * Looks at the content of an image: the format that {@link #open(Path, boolean)} would take it
     * for now.
     */
    public static ImageFormat formatOf(Path path) throws IOException {
        requireNewInChain(path, List.of());
        try (ImageFile file = HostFile.open(path, true)) {
            return ImageFormat.probe(file);
        }
    }

    /**
     * The name of the image below a qcow2 image, as its header has it, fit for a terminal; empty
     * when there is none.
     *
     * @throws ImageRefused if the image is damaged
     */
    public static Optional<String> backingFile(Path path) throws IOException {
        try (ImageFile file = HostFile.open(path, true)) {
            return ImageFormat.probe(file) == ImageFormat.QCOW2
                    ? Optional.ofNullable(Qcow2Header.read(file).backingFile()).map(Escaped::of)
                    : Optional.empty();
        }
    }

    /**
     * Whether a disk that is open here, in another {@code vmm} or in QEMU, is this file or has it
     * below it.
     *
     * @throws IOException if the file cannot be opened for reading
     */
    public static boolean isInUse(Path file) throws IOException {
        return HostFile.isImageOf(file);
    }

    /**
     * Makes sure that an overlay lies over the image that its owner names. It knows itself what it
     * lies over, and would be opened over that whatever is named.
     *
     * @param overlay a qcow2 image
     * @param base what it is to lie over, by whatever name of the same file
     * @throws ImageRefused if it lies over another file or over none; if that file is gone, opening
     *     the overlay tells
     */
    public static void requireBase(Path overlay, Path base) throws IOException {
        requireNewInChain(overlay, List.of());
        if (Files.exists(base) && Files.isSameFile(overlay, base)) {
            throw new ImageRefused(
                    overlay + " cannot be its own base: name another file for the overlay");
        }
        Qcow2Header header;
        try (ImageFile file = HostFile.open(overlay, true)) {
            header = Qcow2Header.read(file);
        }
        if (header.backingFile() == null) {
            throw new ImageRefused(
                    "%s is an image of its own, not an overlay over %s: name it without a base, or"
                                    .formatted(overlay, base)
                            + " another file for the overlay");
        }
        Path below = backingPath(overlay, header);
        if (!Files.exists(below)) {
            return;
        }
        requireNewInChain(base, List.of());
        if (!Files.isSameFile(below, base)) {
            throw new ImageRefused(
                    "%s is an overlay over %s, not over %s: name that base, or another overlay, or"
                                    .formatted(overlay, Escaped.of(below.toString()), base)
                            + " remove this one with all that was written to it");
        }
    }

    private static BlockImage overlay(ImageFile changes, BlockImage below) throws IOException {
        try {
            new Qcow2.Layout(Qcow2.DEFAULT_CLUSTER_BITS, below.sizeBytes(), null, null)
                    .writeTo(changes);
            return new Qcow2Image(changes, Qcow2Header.read(changes), false, below);
        } catch (IOException | RuntimeException e) {
            changes.close();
            throw e;
        }
    }

    private static ImageFile openUnnamed(Path directory) throws IOException {
        Path path = Files.createTempFile(directory, "ephemeral", ".qcow2");
        try {
            return HostFile.open(path, false);
        } finally {
            Files.delete(path);
        }
    }

    /**
     * @param above the images of the chain so far, which lie over this one
     */
    private static BlockImage open(
            Path path, boolean readOnly, ImageFormat format, List<Path> above) throws IOException {
        requireNewInChain(path, above);
        ImageFile file = HostFile.open(path, readOnly);
        try {
            return switch (format == null ? ImageFormat.probe(file) : format) {
                case RAW -> new RawImage(file, readOnly, format == null);
                case QCOW2 -> openQcow2(file, path, readOnly, above);
            };
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static void requireNewInChain(Path path, List<Path> above) throws IOException {
        if (!Files.exists(path)) {
            String reader = above.isEmpty() ? "" : ", the backing file of " + above.getLast();
            throw new ImageRefused("There is no disk image " + path + reader);
        }
        if (above.contains(path.toRealPath())) {
            throw new ImageRefused(path + " is, over backing files, its own backing file");
        }
        if (above.size() >= MAX_CHAIN) {
            throw new ImageRefused(
                    above.getFirst() + " has more than " + MAX_CHAIN + " images below it");
        }
    }

    private static BlockImage openQcow2(
            ImageFile file, Path path, boolean readOnly, List<Path> above) throws IOException {
        Qcow2Header header = Qcow2Header.read(file);
        BlockImage backing = null;
        if (header.backingFile() != null) {
            List<Path> chain = new ArrayList<>(above);
            chain.add(path.toRealPath());
            backing = open(backingPath(path, header), true, backingFormat(path, header), chain);
        }
        try {
            return new Qcow2Image(file, header, readOnly, backing);
        } catch (IOException | RuntimeException e) {
            if (backing != null) {
                backing.close();
            }
            throw e;
        }
    }

    private static Path backingPath(Path path, Qcow2Header header) throws ImageRefused {
        String name = header.backingFile();
        String filePrefix = "file:";
        String local = name.startsWith(filePrefix) ? name.substring(filePrefix.length()) : name;
        boolean hasProtocol =
                local.indexOf(':') >= 0 && !local.substring(0, local.indexOf(':')).contains("/");
        try {
            if (!hasProtocol) {
                return path.toAbsolutePath().resolveSibling(local);
            }
        } catch (InvalidPathException e) {
            // Reported as the next line reports everything that is no file name.
        }
        throw new ImageRefused(
                path + " has a backing file that is no file of this host: " + Escaped.of(name));
    }

    private static ImageFormat backingFormat(Path path, Qcow2Header header) throws ImageRefused {
        return switch (header.backingFormat()) {
            case null -> null;
            case "raw" -> ImageFormat.RAW;
            case "qcow2" -> ImageFormat.QCOW2;
            default ->
                    throw new ImageRefused(
                            path
                                    + " has a backing file of format "
                                    + Escaped.of(header.backingFormat())
                                    + "; raw and qcow2 can be read");
        };
    }
}
