import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Gives the classes of a jar stack maps, if they were compiled for a Java that had none. HotSpot
 * keeps only classes with stack maps in its AOT cache: all of Picocli was read, parsed and verified
 * at each start.
 *
 * <p>Usage: {@code StackMaps JAR}, which is replaced.
 */
final class StackMaps {
    private final ClassFile classFile;

    private StackMaps(ClassLoader classes) {
        ClassHierarchyResolver hierarchy =
                ClassHierarchyResolver.ofResourceParsing(classes)
                        .orElse(ClassHierarchyResolver.defaultResolver());
        classFile =
                ClassFile.of(
                        StackMapsOption.GENERATE_STACK_MAPS,
                        ClassHierarchyResolverOption.of(hierarchy));
    }

    public static void main(String[] arguments) throws IOException {
        Path jar = Path.of(arguments[0]);
        Path result = jar.resolveSibling(jar.getFileName() + ".new");
        try (URLClassLoader classes = new URLClassLoader(new URL[] {jar.toUri().toURL()})) {
            new StackMaps(classes).convert(jar, result);
        }
        Files.move(result, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private void convert(Path from, Path to) throws IOException {
        try (ZipFile jar = new ZipFile(from.toFile());
                OutputStream file = Files.newOutputStream(to);
                ZipOutputStream result = new ZipOutputStream(file)) {
            for (ZipEntry entry : Collections.list(jar.entries())) {
                byte[] bytes = jar.getInputStream(entry).readAllBytes();
                result.putNextEntry(new ZipEntry(entry.getName()));
                result.write(entry.getName().endsWith(".class") ? withStackMaps(bytes) : bytes);
                result.closeEntry();
            }
        }
    }

    private byte[] withStackMaps(byte[] bytes) {
        ClassModel model = classFile.parse(bytes);
        if (model.majorVersion() >= ClassFile.JAVA_6_VERSION) {
            return bytes;
        }
        // Only code that is written anew gets stack maps.
        ClassTransform anew =
                ClassTransform.transformingMethodBodies((code, element) -> code.with(element));
        ClassTransform newer =
                (builder, element) -> {
                    if (element instanceof ClassFileVersion) {
                        builder.withVersion(ClassFile.JAVA_6_VERSION, 0);
                    } else {
                        builder.with(element);
                    }
                };
        return classFile.transformClass(model, anew.andThen(newer));
    }
}
