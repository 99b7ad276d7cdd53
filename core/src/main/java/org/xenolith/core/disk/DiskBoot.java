package org.xenolith.core.disk;

import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.filesystem.BootFiles;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a disk boots, taken out of it by the host as pygrub does it: kernel and initrd as files of
 * their own, and the command line in the names that a Xen guest gives its disks.
 *
 * @param source where on the disk this stands
 */
public record DiskBoot(Path kernel, Optional<Path> initrd, String commandLine, String source) {
    private static final byte[] ELF_MAGIC = {0x7f, 'E', 'L', 'F'};
    private static final byte[] SETUP_MAGIC = {'H', 'd', 'r', 'S'};
    private static final int SETUP_MAGIC_AT = 0x202;

    /** Files of this process by the digest of their content. */
    private static final Map<String, Path> WRITTEN = new HashMap<>();

    /** Digests of what each disk held when it was read last, by its path and what it is. */
    private static final Map<String, String> LATEST = new HashMap<>();

    /** What other platforms call the first disks, in the command lines that they wrote. */
    private static final Pattern FOREIGN_ROOT =
            Pattern.compile("\\broot=/dev/(?:[shv]d([a-z])|nvme0n1p?|mmcblk0p?)(\\d*)(?=\\s|$)");

    @FunctionalInterface
    private interface Content {
        void copyTo(OutputStream out) throws IOException;
    }

    /** Whether a file is a kernel: an ELF file, or the setup header of a bzImage. */
    public static boolean isKernel(Path file) throws IOException {
        byte[] head;
        try (InputStream in = Files.newInputStream(file)) {
            head = in.readNBytes(SETUP_MAGIC_AT + SETUP_MAGIC.length);
        }
        return startsWith(head, 0, ELF_MAGIC) || startsWith(head, SETUP_MAGIC_AT, SETUP_MAGIC);
    }

    private static boolean startsWith(byte[] bytes, int at, byte[] magic) {
        return bytes.length >= at + magic.length
                && Arrays.equals(bytes, at, at + magic.length, magic, 0, magic.length);
    }

    /** Reads a disk whose format its content tells. */
    public static DiskBoot from(Path disk) throws IOException {
        return from(disk, null);
    }

    /**
     * Reads a disk.
     *
     * @param format null to find it out by content. A disk that is attached as raw has to be read
     *     as raw: its content is the guest's, which could write the header of an image over any
     *     file of the host
     * @throws IOException with a sentence when it is no disk, or has nothing to boot
     */
    public static DiskBoot from(Path disk, ImageFormat format) throws IOException {
        try (BlockImage image = DiskImage.open(disk, true, format)) {
            BootFiles files = BootFiles.find(image);
            Path kernel = temporary(disk, "kernel", files::copyKernel);
            Path initrd = temporary(disk, "initrd", files::copyInitrd);
            return new DiskBoot(
                    kernel,
                    Files.size(initrd) == 0 ? Optional.empty() : Optional.of(initrd),
                    forXen(files.commandLine(), files.fileSystem().volume().partition()),
                    files.source());
        }
    }

    /**
     * What was read before is the same file, however often guests start, and what a disk held
     * before goes when nobody else has it: a guest that installs another kernel before each of its
     * reboots fills no disk of the host.
     */
    private static synchronized Path keep(Path disk, String what, Path copied, String digest)
            throws IOException {
        Path file = WRITTEN.get(digest);
        if (file != null && Files.exists(file)) {
            Files.delete(copied);
        } else {
            file = copied;
            file.toFile().deleteOnExit();
            WRITTEN.put(digest, file);
        }
        String before = LATEST.put(what + " of " + disk.toAbsolutePath(), digest);
        if (before != null && !LATEST.containsValue(before)) {
            Files.deleteIfExists(WRITTEN.remove(before));
        }
        return file;
    }

    /** Others' disks may be read meanwhile: how long it takes is up to the guest. */
    private static Path temporary(Path disk, String what, Content content) throws IOException {
        Path copied = Files.createTempFile("xenolith-" + what + "-", "");
        return keep(disk, what, copied, copy(content, copied));
    }

    /** Writes a file; returns the digest of what it holds then. */
    private static String copy(Content content, Path file) throws IOException {
        MessageDigest digest = sha256();
        try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest)) {
            content.copyTo(out);
        } catch (IOException | RuntimeException e) {
            Files.delete(file);
            throw e;
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The disk is xvda here, and the console hvc0; without a root it is where the kernel was. */
    static String forXen(String commandLine, int partition) {
        Matcher root = FOREIGN_ROOT.matcher(commandLine);
        StringBuilder line = new StringBuilder();
        while (root.find()) {
            String letter = root.group(1) == null ? "a" : root.group(1);
            root.appendReplacement(line, "root=/dev/xvd" + letter + root.group(2));
        }
        root.appendTail(line);
        if (!line.toString().matches("(?s).*\\broot=.*")) {
            line.append(" root=/dev/xvda").append(partition == 0 ? "" : partition).append(" ro");
        }
        if (!line.toString().contains("console=hvc")) {
            line.append(" console=hvc0");
        }
        return line.toString().strip();
    }
}
