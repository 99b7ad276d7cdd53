package org.xenolith.core.disk;

import org.xenolith.core.image.ImageReport;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.ImageRefused;
import org.xenolith.devices.console.Escaped;
import org.xenolith.devices.filesystem.BootFiles;
import org.xenolith.devices.filesystem.FileSystem;
import org.xenolith.devices.filesystem.PartitionTable;
import org.xenolith.devices.filesystem.UnreadableFileSystem;
import org.xenolith.devices.filesystem.Volume;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a disk is and what it boots: the answer of {@code vmm inspect}, found as {@code vmm boot}
 * finds it, without a guest.
 *
 * @param text several lines for a terminal, each ended by a newline
 * @param bootable whether {@code vmm boot} takes it
 */
public record DiskReport(String text, boolean bootable) {
    /**
     * Looks at a file.
     *
     * @return empty when it looks like no disk: like a kernel, or like nothing that is known
     * @throws IOException if it cannot be read
     */
    public static Optional<DiskReport> of(Path file) throws IOException {
        if (!Files.isRegularFile(file) || DiskBoot.isKernel(file)) {
            return Optional.empty();
        }
        try {
            ImageFormat format = DiskImage.formatOf(file);
            try (BlockImage image = DiskImage.open(file, true)) {
                List<Volume> partitions = PartitionTable.read(image);
                if (format == ImageFormat.RAW && partitions.isEmpty() && holdsNothing(image)) {
                    return Optional.empty();
                }
                return Optional.of(new Writer(file).report(format, image, partitions));
            }
        } catch (ImageRefused | UnreadableFileSystem e) {
            return Optional.of(new DiskReport(e.getMessage() + ".\n", false));
        }
    }

    private static boolean holdsNothing(BlockImage image) throws IOException {
        return FileSystem.contentOf(Volume.wholeDisk(image)).equals(FileSystem.NOTHING_KNOWN);
    }

    /** Lines about one disk. */
    private static final class Writer {
        private final Path file;
        private final StringBuilder text = new StringBuilder();

        Writer(Path file) {
            this.file = file;
        }

        DiskReport report(ImageFormat format, BlockImage image, List<Volume> partitions)
                throws IOException {
            text.append(file).append(": disk, ").append(format.name().toLowerCase(Locale.ROOT));
            text.append('\n');
            row("file", "%,d bytes", Files.size(file));
            row("disk", "%,d bytes", image.sizeBytes());
            Optional<String> below = DiskImage.backingFile(file);
            if (below.isPresent()) {
                row("backing file", "%s", below.get());
            }
            if (partitions.isEmpty()) {
                row("content", "%s", FileSystem.contentOf(Volume.wholeDisk(image)));
            } else {
                row("partitions", "%s", PartitionTable.kindOf(image));
            }
            for (Volume volume : partitions) {
                row(
                        "  " + volume.partition(),
                        "%,d bytes at %,d: %s",
                        volume.sizeBytes(),
                        volume.offsetBytes(),
                        FileSystem.contentOf(volume));
            }
            boolean bootable = boots(image);
            return new DiskReport(text.toString(), bootable);
        }

        private boolean boots(BlockImage image) throws IOException {
            BootFiles found;
            try {
                found = BootFiles.find(image);
            } catch (UnreadableFileSystem e) {
                row("verdict", "boots nothing by itself: %s", e.getMessage());
                return false;
            }
            int partition = found.fileSystem().volume().partition();
            row("boot files", "%s, %s", found.fileSystem().volume(), printable(found.source()));
            row("kernel", "%s", printable(found.kernel()));
            for (String initrd : found.initrds()) {
                row("initrd", "%s", printable(initrd));
            }
            row("command line", "%s", printable(DiskBoot.forXen(found.commandLine(), partition)));
            return verdict(kernel(found));
        }

        private boolean verdict(ImageReport kernel) {
            if (kernel.usable() && kernel.contents() instanceof ImageReport.Kernel) {
                row("verdict", "boots here, if its kernel has drivers for Xen's disks");
                return true;
            }
            String why =
                    switch (kernel.contents()) {
                        case ImageReport.Kernel refused -> refused.refusal().orElse("");
                        case ImageReport.Unusable(String reason) -> reason;
                        case ImageReport.Initrd _ -> "it is an initial RAM disk";
                    };
            row("verdict", "does not boot here, because of its kernel: %s", printable(why));
            return false;
        }

        private static ImageReport kernel(BootFiles found) throws IOException {
            Path copy = Files.createTempFile("xenolith-inspect-", "");
            try {
                try (OutputStream out = Files.newOutputStream(copy)) {
                    found.copyKernel(out);
                }
                return ImageReport.of(copy);
            } finally {
                Files.delete(copy);
            }
        }

        /** Names and texts on the disk are its guest's. */
        private static String printable(String ofGuest) {
            return Escaped.of(ofGuest);
        }

        private void row(String title, String format, Object... values) {
            String value = String.format(Locale.ROOT, format, values);
            text.append("  %-14s  ".formatted(title)).append(value.stripTrailing()).append('\n');
        }
    }
}
