package org.xenolith.bench.rules;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.constant.ConstantDescs.CD_int;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** What {@code build/StackMaps.java} makes of a jar: the launcher runs it on Picocli's. */
final class StackMapsTest {
    private static final String OLD = "Old";
    private static final String NEW = "New";
    private static final byte[] TEXT = "not a class".getBytes(StandardCharsets.UTF_8);

    @TempDir private Path folder;
    private Path jar;

    @BeforeEach
    void convertAJar() throws Exception {
        jar = folder.resolve("some.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(file)) {
            write(zip, OLD + ".class", magnitude(OLD, ClassFile.JAVA_5_VERSION));
            write(zip, NEW + ".class", magnitude(NEW, ClassFile.JAVA_8_VERSION));
            write(zip, "META-INF/text", TEXT);
        }
        run(jar);
    }

    @Test
    void classesOfAnOldJavaGetStackMapsAndAVersionThatHasThem() throws IOException {
        ClassModel old = ClassFile.of().parse(entry(OLD + ".class"));

        assertThat(old.majorVersion()).isEqualTo(ClassFile.JAVA_6_VERSION);
        assertThat(old.methods())
                .allSatisfy(
                        method ->
                                assertThat(
                                                method.findAttribute(Attributes.code())
                                                        .orElseThrow()
                                                        .findAttribute(Attributes.stackMapTable()))
                                        .isPresent());
    }

    @Test
    void whatTheyComputeStays() throws Exception {
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            Object result =
                    loader.loadClass(OLD).getMethod("magnitude", int.class).invoke(null, -5);

            assertThat(result).isEqualTo(5);
        }
    }

    @Test
    void everythingElseIsTheSameByteForByte() throws IOException {
        assertThat(entry(NEW + ".class")).isEqualTo(magnitude(NEW, ClassFile.JAVA_8_VERSION));
        assertThat(entry("META-INF/text")).isEqualTo(TEXT);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(jar);
        }
    }

    /** A class with {@code static int magnitude(int)}, whose branch needs a stack map. */
    private static byte[] magnitude(String name, int version) {
        StackMapsOption maps =
                version < ClassFile.JAVA_6_VERSION
                        ? StackMapsOption.DROP_STACK_MAPS
                        : StackMapsOption.GENERATE_STACK_MAPS;
        return ClassFile.of(maps)
                .build(
                        ClassDesc.of(name),
                        builder ->
                                builder.withVersion(version, 0)
                                        .withFlags(ClassFile.ACC_PUBLIC)
                                        .withMethodBody(
                                                "magnitude",
                                                MethodTypeDesc.of(CD_int, CD_int),
                                                ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                                                code -> {
                                                    var positive = code.newLabel();
                                                    code.iload(0).ifge(positive);
                                                    code.iload(0).ineg().ireturn();
                                                    code.labelBinding(positive);
                                                    code.iload(0).ireturn();
                                                }));
    }

    private static void write(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(bytes);
        zip.closeEntry();
    }

    private byte[] entry(String name) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return zip.getInputStream(zip.getEntry(name)).readAllBytes();
        }
    }

    private void run(Path argument) throws IOException, InterruptedException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Path program = Modules.root().resolve("build/StackMaps.java");
        Process process =
                new ProcessBuilder(
                                List.of(java.toString(), program.toString(), argument.toString()))
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
    }
}
