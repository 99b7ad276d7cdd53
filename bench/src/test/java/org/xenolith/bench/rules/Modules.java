package org.xenolith.bench.rules;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The modules of this build on disk, as they were compiled a moment ago. */
final class Modules {
    static final List<String> NAMES =
            List.of("cpu", "devices", "pv-drivers", "guests", "core", "bench");

    private static final Path ROOT = findRoot();

    private Modules() {}

    static Path root() {
        return ROOT;
    }

    /** All classes of each module, without its tests. */
    static Map<String, List<ClassModel>> classes() {
        Map<String, List<ClassModel>> classes = new LinkedHashMap<>();
        for (String module : NAMES) {
            classes.put(module, classesIn(ROOT.resolve(module).resolve("target/classes")));
        }
        return classes;
    }

    /** From internal class name to the module it belongs to. */
    static Map<String, String> owners(Map<String, List<ClassModel>> classes) {
        Map<String, String> owners = new HashMap<>();
        classes.forEach(
                (module, models) ->
                        models.forEach(
                                model -> owners.put(model.thisClass().asInternalName(), module)));
        return owners;
    }

    /** Folders with Java sources, tests left out. */
    static List<Path> packageFolders() {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .map(file -> ROOT.relativize(file).getParent())
                    .filter(folder -> folder.toString().contains("src/main/java"))
                    .distinct()
                    .map(ROOT::resolve)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<ClassModel> classesIn(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".class"))
                    .map(Modules::parse)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The folder that holds all modules, from wherever below it the test was started. */
    private static Path findRoot() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("pv-drivers"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("not started inside the source tree");
            }
        }
        return folder;
    }
}
