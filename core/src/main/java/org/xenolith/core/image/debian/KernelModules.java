package org.xenolith.core.image.debian;

import org.xenolith.core.image.Compression;
import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.Initramfs;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Some modules of a kernel with all they depend on, and the index that modprobe reads. */
final class KernelModules {
    /** What a kernel of Debian 13 or an option of other builds packs its modules with. */
    private static final List<String> SUFFIXES = List.of(".ko", ".ko.xz", ".ko.zst", ".ko.gz");

    /** Names of what is no module since the kernel has it in itself, as paths of such files. */
    private static final String BUILT_IN = "modules.builtin";

    private static final int MAX_MODULE_BYTES = 64 << 20;

    /** No guest of ours can do without its disk, and would only say that there is none. */
    private static final String DISK_DRIVER = "xen_blkfront";

    private final String release;
    private final Map<String, Module> modules = new LinkedHashMap<>();

    /**
     * A module.
     *
     * @param path below /lib/modules/RELEASE, as that of an unpacked file
     * @param contents unpacked
     */
    private record Module(
            String path, byte[] contents, List<String> depends, List<String> aliases) {}

    private KernelModules(String release) {
        this.release = release;
    }

    /**
     * Reads modules by name, packed or not; one that this kernel does not have is left out, because
     * it may be built in.
     *
     * @param root folder that holds {@code kernel/}, as /lib/modules/RELEASE does
     * @throws ImageException if the driver of disks is wanted, and neither there nor built in
     */
    static KernelModules read(Path root, String release, List<String> names) throws IOException {
        Map<String, Path> files = new HashMap<>();
        try (Stream<Path> walk = Files.walk(root)) {
            walk.filter(file -> suffix(file) != null)
                    .forEach(file -> files.put(moduleName(file), file));
        }
        requireDiskDriver(root, release, names, files.keySet());
        KernelModules modules = new KernelModules(release);
        for (String name : names) {
            modules.add(name, files, root);
        }
        return modules;
    }

    private static void requireDiskDriver(
            Path root, String release, List<String> names, Set<String> found) throws IOException {
        boolean wanted = names.stream().anyMatch(name -> normal(name).equals(DISK_DRIVER));
        if (wanted && !found.contains(DISK_DRIVER) && !builtIn(root).contains(DISK_DRIVER)) {
            throw new ImageException(
                    "The kernel %s has no xen-blkfront, as a module or in itself: a guest would have no disks"
                            .formatted(release));
        }
    }

    private static Set<String> builtIn(Path root) throws IOException {
        Path list = root.resolve(BUILT_IN);
        if (Files.notExists(list)) {
            return Set.of();
        }
        return Files.readAllLines(list).stream()
                .filter(line -> line.endsWith(".ko"))
                .map(line -> moduleName(Path.of(line)))
                .collect(Collectors.toSet());
    }

    /** Null for what is no module. */
    private static String suffix(Path file) {
        String name = file.getFileName().toString();
        return SUFFIXES.stream().filter(name::endsWith).findFirst().orElse(null);
    }

    private static String moduleName(Path file) {
        String name = file.getFileName().toString();
        return normal(name.substring(0, name.length() - suffix(file).length()));
    }

    private static byte[] read(Path file) throws IOException {
        byte[] packed = Files.readAllBytes(file);
        Compression packing = Compression.of(packed, 0);
        if (packing == Compression.NONE) {
            return packed;
        }
        try {
            return packing.unpack(packed, 0, packed.length, MAX_MODULE_BYTES);
        } catch (ImageException e) {
            throw new ImageException(file + ": " + e.getMessage(), e);
        }
    }

    /** Unpacked here: BusyBox's modprobe does not do it. */
    private static String pathOf(Path file, Path root) {
        String path = root.relativize(file).toString();
        return path.substring(0, path.length() - suffix(file).length()) + ".ko";
    }

    /** Modules are named with dash or underscore and mean the same. */
    private static String normal(String name) {
        return name.replace('-', '_');
    }

    private void add(String name, Map<String, Path> files, Path root) throws IOException {
        Path file = files.get(normal(name));
        if (file == null || modules.containsKey(normal(name))) {
            return;
        }
        byte[] contents = read(file);
        List<String> depends = new ArrayList<>();
        List<String> aliases = new ArrayList<>();
        for (String item : modinfo(contents)) {
            if (item.startsWith("alias=")) {
                aliases.add(item.substring("alias=".length()));
            } else if (item.startsWith("depends=")) {
                for (String other : item.substring("depends=".length()).split(",")) {
                    if (!other.isEmpty()) {
                        depends.add(normal(other));
                    }
                }
            }
        }
        for (String other : depends) {
            add(other, files, root);
        }
        modules.put(normal(name), new Module(pathOf(file, root), contents, depends, aliases));
    }

    private static String[] modinfo(byte[] module) throws ImageException {
        ElfImage elf = ElfImage.parse(module);
        return elf.section(".modinfo")
                .map(
                        section ->
                                new String(
                                        elf.contents(section).toArray(ValueLayout.JAVA_BYTE),
                                        StandardCharsets.UTF_8))
                .orElse("")
                .split("\0");
    }

    /** Adds the module files, modules.dep and modules.alias. */
    void addTo(Initramfs initramfs) {
        String root = "lib/modules/" + release + "/";
        StringBuilder dep = new StringBuilder();
        StringBuilder alias = new StringBuilder();
        modules.forEach(
                (name, module) -> {
                    initramfs.file(root + module.path, 0644, module.contents);
                    dep.append(module.path).append(':');
                    for (String other : closure(module)) {
                        dep.append(' ').append(modules.get(other).path);
                    }
                    dep.append('\n');
                    for (String one : module.aliases) {
                        alias.append("alias ").append(one).append(' ').append(name).append('\n');
                    }
                });
        initramfs.file(root + "modules.dep", 0644, dep.toString());
        initramfs.file(root + "modules.alias", 0644, alias.toString());
    }

    /**
     * What must be loaded before the module, in the order of modules.dep: modprobe begins at the
     * end, so each module stands before those that it needs itself.
     */
    private List<String> closure(Module module) {
        Set<String> loadable = new LinkedHashSet<>();
        collect(module, loadable);
        return List.copyOf(loadable).reversed();
    }

    /** Adds what the module needs, each after what it needs itself. */
    private void collect(Module module, Set<String> loadable) {
        for (String name : module.depends) {
            Module other = modules.get(name);
            if (other != null && !loadable.contains(name)) {
                collect(other, loadable);
                loadable.add(name);
            }
        }
    }
}
