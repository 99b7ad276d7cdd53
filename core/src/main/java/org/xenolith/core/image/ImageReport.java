package org.xenolith.core.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a file is and whether it boots here: the answer of {@code vmm inspect}.
 *
 * @param file as named by the caller
 * @param fileSize in bytes
 */
public record ImageReport(Path file, long fileSize, Contents contents) {
    private static final int SNIFF_BYTES = 64;

    /** What was found in the file. */
    public sealed interface Contents permits Kernel, Initrd, Unusable {}

    /**
     * A kernel for x86-64.
     *
     * @param refusal why it does not start as a Xen PV guest; empty when it does
     */
    public record Kernel(KernelImage image, XenNotes notes, Optional<String> refusal)
            implements Contents {}

    /** An initial RAM disk. */
    public record Initrd(InitrdImage image) implements Contents {}

    /** Neither, or damaged; the reason is a sentence without the file's name. */
    public record Unusable(String reason) implements Contents {}

    /**
     * Looks at a file.
     *
     * @throws ImageException only if the file cannot be read at all
     */
    public static ImageReport of(Path file) throws ImageException {
        ImageFiles.check(file);
        try {
            return new ImageReport(file, Files.size(file), contents(file));
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw ImageFiles.unreadable(file, e);
        }
    }

    private static Contents contents(Path file) throws IOException {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(SNIFF_BYTES);
        }
        // A packed file may hold either: only the bytes inside tell.
        if (InitrdImage.recognises(start)) {
            try {
                return new Initrd(InitrdImage.read(file));
            } catch (ImageException notAnInitrd) {
                if (Cpio.recognises(start)) {
                    return unusable(file, notAnInitrd);
                }
            }
        }
        try {
            KernelImage image = KernelImage.read(file);
            XenNotes notes = image.notes();
            return new Kernel(image, notes, refusal(notes));
        } catch (ImageException e) {
            return unusable(file, e);
        }
    }

    private static Optional<String> refusal(XenNotes notes) {
        try {
            notes.requirePv();
            return Optional.empty();
        } catch (ImageException e) {
            return Optional.of(e.getMessage());
        }
    }

    private static Contents unusable(Path file, ImageException e) {
        String name = file + ": ";
        String message = e.getMessage();
        return new Unusable(message.startsWith(name) ? message.substring(name.length()) : message);
    }

    /** Whether {@code vmm boot} takes it, as a kernel or as an initial RAM disk. */
    public boolean usable() {
        return switch (contents) {
            case Kernel kernel -> kernel.refusal.isEmpty();
            case Initrd initrd -> true;
            case Unusable unusable -> false;
        };
    }

    /** Several lines for a terminal, each ended by a newline. */
    public String toText() {
        StringBuilder text = new StringBuilder();
        switch (contents) {
            case Kernel kernel -> describe(kernel, text);
            case Initrd initrd -> describe(initrd, text);
            case Unusable(String reason) ->
                    text.append(file).append(": ").append(reason).append('\n');
        }
        return text.toString();
    }

    private void describe(Kernel kernel, StringBuilder text) {
        KernelImage image = kernel.image;
        ElfImage elf = image.elf();
        line(
                text,
                "%s: %s",
                file,
                image.bootProtocol().isPresent() ? "Linux bzImage" : "ELF kernel");
        row(text, "file", "%,d bytes%s", fileSize, packedIn(image.wrapper()));
        image.bootProtocol()
                .ifPresent(header -> describe(header, image.payloadCompression(), text));
        row(
                text,
                "ELF",
                "ELF64 x86-64 %s, %,d bytes, entry 0x%x",
                elf.typeText(),
                elf.fileSize(),
                elf.entry());
        describeSegments(elf, text);
        describe(kernel.notes, text);
        row(
                text,
                "verdict",
                "%s",
                kernel.refusal
                        .map(reason -> "does not boot here: " + reason)
                        .orElse("boots here as a 64-bit Xen PV guest"));
    }

    private static void describe(BootProtocol header, Compression compression, StringBuilder text) {
        row(text, "boot protocol", "%s", header.versionText());
        header.kernelVersion().ifPresent(version -> row(text, "version", "%s", version));
        row(
                text,
                "payload",
                "%s, %,d bytes at 0x%x",
                compression.label(),
                header.payloadLength(),
                header.payloadOffset());
    }

    private static void describeSegments(ElfImage elf, StringBuilder text) {
        row(
                text,
                "segments",
                "%-16s  %10s  %10s  %10s  %s",
                "vaddr",
                "paddr",
                "in file",
                "in memory",
                "flags");
        for (ElfImage.Segment segment : elf.loadSegments()) {
            row(
                    text,
                    "",
                    "%016x  %#10x  %#10x  %#10x  %s",
                    segment.vaddr(),
                    segment.paddr(),
                    segment.fileSize(),
                    segment.memorySize(),
                    segment.flagsText());
        }
    }

    private static String packedIn(Compression wrapper) {
        return wrapper == Compression.NONE ? "" : ", packed with " + wrapper.label();
    }

    private static void describe(XenNotes notes, StringBuilder text) {
        if (notes.isEmpty()) {
            row(text, "Xen notes", "none");
            return;
        }
        String title = notes.isLegacy() ? "__xen_guest" : "Xen notes";
        for (XenElfNote note : notes.present()) {
            row(text, title, "%-18s  %s", note, notes.valueText(note));
            title = "";
        }
        if (!notes.supportedFeatures().isEmpty()) {
            List<String> features =
                    notes.supportedFeatures().stream().map(XenFeature::xenName).toList();
            row(text, "features", "%s", String.join(", ", features));
        }
    }

    private void describe(Initrd initrd, StringBuilder text) {
        line(text, "%s: %s", file, "initial RAM disk");
        row(text, "file", "%,d bytes", fileSize);
        for (InitrdImage.Part part : initrd.image.parts()) {
            row(
                    text,
                    "cpio archive",
                    "%s, %,d files of %,d bytes, %,d entries%s",
                    part.compression().label(),
                    part.files(),
                    part.fileBytes(),
                    part.entries(),
                    part.hasInit() ? ", with /init" : "");
        }
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    private static void row(StringBuilder text, String title, String format, Object... values) {
        String value = String.format(Locale.ROOT, format, values);
        text.append("  %-14s  ".formatted(title)).append(value.stripTrailing()).append('\n');
    }
}
