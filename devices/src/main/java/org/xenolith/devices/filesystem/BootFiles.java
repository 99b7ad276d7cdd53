package org.xenolith.devices.filesystem;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a disk would boot: kernel, initrds and command line, from the configuration of the boot
 * loader on it or, if there is none, the newest kernel in /boot.
 *
 * @param fileSystem where the files are; its volume's partition is what Linux would mount
 * @param kernel path of the kernel
 * @param initrds paths, to be loaded one behind the other; often one, sometimes none
 * @param commandLine as the boot loader would pass it; empty if none was found
 * @param source path of the configuration, or of the kernel if there is none
 */
public record BootFiles(
        FileSystem fileSystem,
        String kernel,
        List<String> initrds,
        String commandLine,
        String source) {

    private static final int MAX_CONFIGURATION_BYTES = 1 << 20;
    private static final long MAX_KERNEL_BYTES = 512L << 20;
    private static final long MAX_INITRD_BYTES = 1L << 30;
    private static final int MAX_INITRDS = 64;

    /** What may be read of the disk to find all that; a sound one takes a few kilobytes. */
    private static final long MAX_SEARCH_BYTES = 256L << 20;

    private static final List<String> GRUB =
            List.of(
                    "/boot/grub/grub.cfg",
                    "/grub/grub.cfg",
                    "/boot/grub2/grub.cfg",
                    "/grub2/grub.cfg");

    private static final List<String> EXTLINUX =
            List.of(
                    "/boot/extlinux/extlinux.conf",
                    "/extlinux/extlinux.conf",
                    "/boot/extlinux.conf",
                    "/extlinux.conf",
                    "/boot/syslinux/syslinux.cfg",
                    "/syslinux/syslinux.cfg",
                    "/syslinux.cfg");

    private static final List<String> KERNEL_DIRECTORIES = List.of("/boot", "");
    private static final String KERNEL_PREFIX = "vmlinuz-";

    /** How distributions call the initrd of a kernel version. */
    private static final List<String> INITRD_NAMES =
            List.of(
                    "initrd.img-%s",
                    "initramfs-%s.img", "initrd-%s", "initramfs-%s", "initrd.img-%s.img");

    /**
     * Looks on all partitions, or on the whole disk if there are none.
     *
     * @throws UnreadableFileSystem with the reason of each partition, if nothing to boot is found
     */
    public static BootFiles find(BlockImage image) throws IOException {
        ReadBudget disk = new ReadBudget(image, MAX_SEARCH_BYTES);
        BootFiles found = search(disk);
        disk.renew(MAX_SEARCH_BYTES + MAX_KERNEL_BYTES + MAX_INITRD_BYTES);
        return found;
    }

    private static BootFiles search(BlockImage disk) throws IOException {
        List<Volume> volumes = PartitionTable.read(disk);
        if (volumes.isEmpty()) {
            volumes = List.of(Volume.wholeDisk(disk));
        }
        List<FileSystem> fileSystems = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        for (Volume volume : volumes) {
            try {
                fileSystems.add(FileSystem.open(volume));
            } catch (UnreadableFileSystem e) {
                reasons.add(e.getMessage());
            }
        }
        List<Function<FileSystem, Finder>> ways =
                List.of(ByGrub::new, ByExtlinux::new, ByName::new);
        for (Function<FileSystem, Finder> way : ways) {
            for (FileSystem fileSystem : fileSystems) {
                try {
                    Optional<BootFiles> found = way.apply(fileSystem).find(fileSystems);
                    if (found.isPresent()) {
                        return found.get();
                    }
                } catch (UnreadableFileSystem e) {
                    reasons.add(e.getMessage());
                }
            }
        }
        String all =
                reasons.isEmpty()
                        ? ""
                        : ": " + String.join("; ", reasons.stream().distinct().toList());
        throw new UnreadableFileSystem("There is no kernel to boot on the disk" + all);
    }

    public void copyKernel(OutputStream into) throws IOException {
        fileSystem.copy(kernel, MAX_KERNEL_BYTES, into);
    }

    /** All initrds one behind the other; nothing if there are none. */
    public void copyInitrd(OutputStream into) throws IOException {
        long left = MAX_INITRD_BYTES;
        for (String initrd : initrds) {
            left -= fileSystem.copy(initrd, left, into);
        }
    }

    private interface Finder {
        Optional<BootFiles> find(List<FileSystem> all) throws IOException;
    }

    private record ByGrub(FileSystem on) implements Finder {
        @Override
        public Optional<BootFiles> find(List<FileSystem> all) throws IOException {
            return fromConfiguration(on, all, GRUB, GrubConfig::defaultEntry);
        }
    }

    private record ByExtlinux(FileSystem on) implements Finder {
        @Override
        public Optional<BootFiles> find(List<FileSystem> all) throws IOException {
            return fromConfiguration(on, all, EXTLINUX, ExtlinuxConfig::defaultEntry);
        }
    }

    private static Optional<BootFiles> fromConfiguration(
            FileSystem on,
            List<FileSystem> all,
            List<String> paths,
            Function<String, Optional<BootEntry>> parser)
            throws IOException {
        for (String path : paths) {
            if (!on.isFile(path)) {
                continue;
            }
            byte[] text = on.read(path, MAX_CONFIGURATION_BYTES);
            Optional<BootEntry> entry =
                    parse(new String(text, StandardCharsets.UTF_8), path, parser);
            if (entry.isPresent()) {
                String directory = path.substring(0, path.lastIndexOf('/') + 1);
                return Optional.of(locate(entry.get(), directory, path, on, all));
            }
        }
        return Optional.empty();
    }

    private static Optional<BootEntry> parse(
            String text, String path, Function<String, Optional<BootEntry>> parser)
            throws UnreadableFileSystem {
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            throw new UnreadableFileSystem(path + " cannot be understood: " + e.getMessage());
        }
    }

    /** The kernel is where the configuration is; if not, a search command led GRUB elsewhere. */
    private static BootFiles locate(
            BootEntry entry, String directory, String source, FileSystem on, List<FileSystem> all)
            throws IOException {
        String kernel = absolute(entry.kernel(), directory);
        List<String> initrds = entry.initrds().stream().map(i -> absolute(i, directory)).toList();
        UnreadableFileSystem.require(
                initrds.size() <= MAX_INITRDS, source + " names " + initrds.size() + " initrds");
        List<FileSystem> candidates = new ArrayList<>(List.of(on));
        candidates.addAll(all);
        for (FileSystem candidate : candidates) {
            if (candidate.isFile(kernel)) {
                return new BootFiles(candidate, kernel, initrds, entry.commandLine(), source);
            }
        }
        throw new UnreadableFileSystem(
                "%s on %s starts %s, which is not on the disk"
                        .formatted(source, on.volume(), kernel));
    }

    /** GRUB writes "(hd0,msdos1)/vmlinuz" for other disks; extlinux's paths may be relative. */
    private static String absolute(String path, String directory) {
        String withoutDevice = path.replaceFirst("^\\([^)]*\\)", "");
        return withoutDevice.startsWith("/") ? withoutDevice : directory + withoutDevice;
    }

    /** The newest kernel, for disks whose boot loader was left out. */
    private record ByName(FileSystem on) implements Finder {
        @Override
        public Optional<BootFiles> find(List<FileSystem> all) throws IOException {
            for (String directory : KERNEL_DIRECTORIES) {
                List<String> names = on.list(directory + "/");
                Optional<String> newest =
                        names.stream()
                                .filter(name -> name.startsWith(KERNEL_PREFIX))
                                .max(KernelVersions.ORDER);
                if (newest.isPresent()) {
                    return Optional.of(withInitrd(directory + "/", newest.get(), names));
                }
            }
            return Optional.empty();
        }

        private BootFiles withInitrd(String directory, String kernel, List<String> names) {
            String version = kernel.substring(KERNEL_PREFIX.length());
            List<String> initrds =
                    INITRD_NAMES.stream()
                            .map(pattern -> pattern.formatted(version))
                            .filter(names::contains)
                            .limit(1)
                            .map(name -> directory + name)
                            .toList();
            return new BootFiles(on, directory + kernel, initrds, "", directory + kernel);
        }
    }
}
