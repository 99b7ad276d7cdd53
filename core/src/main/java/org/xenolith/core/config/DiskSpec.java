package org.xenolith.core.config;

import org.xenolith.devices.block.ImageFormat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A disk as users of xl and QEMU write it: {@code target[,format[,vdev[,access]]]} and {@code
 * key=value} in any order, xl-disk-configuration(5); {@code file=}, {@code readonly=on} and {@code
 * snapshot=on} of QEMU's -drive are understood too.
 *
 * @param file the image
 * @param format raw or qcow2; empty to look at the content
 * @param device what the guest calls it, such as xvda; empty for the next free one
 * @param ephemeral whether what the guest writes is forgotten when it ends
 * @param overlay a qcow2 file that keeps what the guest writes, made on first use over {@code
 *     file}, which many guests may share
 */
public record DiskSpec(
        Path file,
        Optional<String> format,
        Optional<String> device,
        boolean readOnly,
        boolean ephemeral,
        Optional<Path> overlay) {
    private static final Set<String> FORMATS = Set.of("raw", "qcow2");
    private static final Set<String> OTHER_FORMATS = Set.of("qcow", "vhd", "qed", "vmdk", "empty");

    /** Of xl and QEMU: true here whatever they say, or without meaning for this host. */
    private static final Set<String> IGNORED =
            Set.of(
                    "script",
                    "backendtype",
                    "backend",
                    "direct-io-safe",
                    "discard",
                    "no-discard",
                    "if",
                    "id",
                    "index",
                    "cache",
                    "aio");

    /** What xl calls read-only and writable; a device name may be left out before it. */
    private static final Set<String> ACCESS = Set.of("r", "ro", "w", "rw");

    private static final List<String> PREFIXES =
            List.of("file:", "phy:", "tap:aio:", "tap2:aio:", "tap:", "raw:");

    /** A disk of its own, writable, of which only the file is known. */
    public static DiskSpec of(Path file) {
        return new DiskSpec(
                file, Optional.empty(), Optional.empty(), false, false, Optional.empty());
    }

    /** {@link #format}; null to look at the content. */
    public ImageFormat imageFormat() {
        return format.map(name -> ImageFormat.valueOf(name.toUpperCase(Locale.ROOT))).orElse(null);
    }

    /** The same disk, with what is written to it forgotten in the end. */
    public DiskSpec asEphemeral() {
        return new DiskSpec(file, format, device, readOnly, true, Optional.empty());
    }

    /** The same disk, with what is written to it kept in a file of its own. */
    public DiskSpec asOverlay(Path file) {
        return new DiskSpec(this.file, format, device, readOnly, false, Optional.of(file));
    }

    /**
     * @throws ConfigException when the text is no disk that this host can offer
     */
    public static DiskSpec parse(String text) throws ConfigException {
        Parser parser = new Parser(text);
        for (String part : text.split(",", -1)) {
            parser.take(part.strip());
        }
        return parser.finish();
    }

    private static final class Parser {
        private final String text;
        private final List<String> positional = new ArrayList<>();
        private String target;
        private String format;
        private String device;
        private boolean readOnly;
        private boolean ephemeral;
        private Path overlay;

        Parser(String text) {
            this.text = text;
        }

        void take(String part) throws ConfigException {
            int equals = part.indexOf('=');
            if (equals > 0) {
                named(
                        part.substring(0, equals).toLowerCase(Locale.ROOT),
                        part.substring(equals + 1));
            } else if (isFlag(part)) {
                flag(part);
            } else {
                positional.add(part);
            }
        }

        private static boolean isFlag(String part) {
            return part.equals("ephemeral") || part.equals("cdrom") || IGNORED.contains(part);
        }

        private void flag(String part) throws ConfigException {
            if (part.equals("ephemeral")) {
                ephemeral = true;
            } else if (part.equals("cdrom")) {
                throw noCdrom();
            }
        }

        private ConfigException noCdrom() {
            return bad("a PV guest has no CD-ROM drive; write it as a read-only disk");
        }

        private void named(String key, String value) throws ConfigException {
            switch (key) {
                case "target", "file" -> target = value;
                case "format" -> format = value;
                case "vdev" -> device = value;
                case "access" -> access(value);
                case "readonly", "ro" -> readOnly = isOn(key, value);
                case "ephemeral", "snapshot" -> ephemeral = isOn(key, value);
                case "overlay" -> overlay = overlay(value);
                case "media" -> media(value);
                case "devtype" -> {
                    if (!value.equals("disk")) {
                        throw bad("devtype " + value + " is nothing for a PV guest");
                    }
                }
                default -> {
                    if (!IGNORED.contains(key)) {
                        throw bad("there is no key '" + key + "'");
                    }
                }
            }
        }

        private Path overlay(String value) throws ConfigException {
            if (value.isEmpty()) {
                throw bad("overlay= names no file");
            }
            return Path.of(value);
        }

        private void media(String value) throws ConfigException {
            switch (value) {
                case "disk" -> {}
                case "cdrom" -> throw noCdrom();
                default -> throw bad("media is disk, not '" + value + "'");
            }
        }

        private void access(String value) throws ConfigException {
            switch (value) {
                case "r", "ro" -> readOnly = true;
                case "w", "rw" -> readOnly = false;
                default -> throw bad("access is ro or rw, not '" + value + "'");
            }
        }

        private boolean isOn(String key, String value) throws ConfigException {
            return switch (value) {
                case "on", "true", "yes" -> true;
                case "off", "false", "no" -> false;
                default -> throw bad(key + " is on or off, not '" + value + "'");
            };
        }

        DiskSpec finish() throws ConfigException {
            assignPositional();
            if (target == null || target.isEmpty()) {
                throw bad("no file is named");
            }
            if (ephemeral && overlay != null) {
                throw bad("an ephemeral disk needs no overlay: what is written is forgotten");
            }
            return new DiskSpec(
                    Path.of(withoutPrefix(target)),
                    Optional.ofNullable(checkedFormat()),
                    Optional.ofNullable(emptyToNull(device)),
                    readOnly,
                    ephemeral,
                    Optional.ofNullable(overlay));
        }

        private void assignPositional() throws ConfigException {
            int next = 0;
            if (target == null && next < positional.size()) {
                target = positional.get(next++);
            }
            // The old form leaves the format out: file:/path,xvda,w
            if (next < positional.size() && isFormat(positional.get(next))) {
                format = positional.get(next++);
            }
            if (next < positional.size() && !ACCESS.contains(positional.get(next))) {
                device = positional.get(next++);
            }
            if (next < positional.size()) {
                access(positional.get(next++));
            }
            if (next < positional.size()) {
                throw bad("'" + positional.get(next) + "' is one word too many");
            }
        }

        private static boolean isFormat(String word) {
            return word.isEmpty() || FORMATS.contains(word) || OTHER_FORMATS.contains(word);
        }

        private String checkedFormat() throws ConfigException {
            if (format == null || format.isEmpty()) {
                return target.startsWith("tap:qcow2:") ? "qcow2" : null;
            }
            if (!FORMATS.contains(format)) {
                throw bad("the format " + format + " is not supported; raw and qcow2 are");
            }
            return format;
        }

        private static String withoutPrefix(String target) {
            String rest = target;
            if (rest.startsWith("tap:qcow2:")) {
                return rest.substring("tap:qcow2:".length());
            }
            for (String prefix : PREFIXES) {
                if (rest.startsWith(prefix)) {
                    return rest.substring(prefix.length());
                }
            }
            return rest;
        }

        private static String emptyToNull(String text) {
            return text == null || text.isEmpty() ? null : text;
        }

        private ConfigException bad(String why) {
            return new ConfigException("disk '" + text + "': " + why);
        }
    }
}
