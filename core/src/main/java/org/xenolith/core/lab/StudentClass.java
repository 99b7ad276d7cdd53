package org.xenolith.core.lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MethodRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Compiles one Java file in memory and makes objects of its class. */
final class StudentClass {
    private static final Set<String> EXITS = Set.of("System.exit", "Runtime.exit", "Runtime.halt");

    private StudentClass() {}

    /** The compiler, or the shape of the class, does not allow it; the message says why. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String message) {
            super(message);
        }
    }

    /** The student's code threw; the message is for the student. */
    static final class Threw extends RuntimeException {
        private static final long serialVersionUID = 1;

        Threw(Throwable thrown, String file) {
            super(
                    "Your code threw "
                            + thrown
                            + place(thrown, file)
                            + ". Nobody catches that above you: a guest would have stopped the"
                            + " hypervisor.",
                    thrown);
        }

        private static String place(Throwable thrown, String file) {
            for (StackTraceElement frame : thrown.getStackTrace()) {
                if (file.equals(frame.getFileName())) {
                    return " in line " + frame.getLineNumber();
                }
            }
            return "";
        }
    }

    /**
     * @param file a Java file whose class, of the file's name and in no package, implements the
     *     interface
     * @return makes a new object at each call
     */
    static <T> Supplier<T> compile(Path file, Class<T> type) throws IOException, Refused {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new LabFailed("This lab needs javac, and this Java has none: it is no JDK.");
        }
        String fileName = file.getFileName().toString();
        String className = fileName.substring(0, fileName.length() - ".java".length());
        Map<String, ByteArrayOutputStream> classes = classes(compiler, file, fileName);
        if (!classes.containsKey(className)) {
            throw new Refused(fileName + " has no class " + className + " without a package.");
        }
        for (ByteArrayOutputStream bytes : classes.values()) {
            requireNoExit(fileName, bytes.toByteArray());
        }
        return maker(new InMemory(classes), className, type);
    }

    /** Ending the process would end the check, with what the student likes for a result. */
    private static void requireNoExit(String fileName, byte[] classFile) throws Refused {
        for (PoolEntry entry : ClassFile.of().parse(classFile).constantPool()) {
            if (entry instanceof MethodRefEntry method) {
                String called =
                        method.owner().asInternalName().replaceFirst(".*/", "")
                                + "."
                                + method.name().stringValue();
                if (EXITS.contains(called)) {
                    throw new Refused(
                            fileName
                                    + " calls "
                                    + called
                                    + ". It is a part of the hypervisor, which would end with all"
                                    + " its guests.");
                }
            }
        }
    }

    private static Map<String, ByteArrayOutputStream> classes(
            JavaCompiler compiler, Path file, String fileName) throws IOException, Refused {
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        Map<String, ByteArrayOutputStream> classes = new HashMap<>();
        try (StandardJavaFileManager files =
                compiler.getStandardFileManager(said, Locale.ROOT, null)) {
            JavaFileManager output = new Output(files, classes);
            List<String> options =
                    List.of("-classpath", System.getProperty("java.class.path"), "-proc:none");
            JavaFileObject source = new Source(fileName, Files.readString(file));
            boolean compiled =
                    compiler.getTask(
                                    new StringWriter(),
                                    output,
                                    said,
                                    options,
                                    null,
                                    List.of(source))
                            .call();
            if (!compiled) {
                throw new Refused(inWords(said, fileName));
            }
        }
        return classes;
    }

    private static String inWords(DiagnosticCollector<JavaFileObject> said, String fileName) {
        Optional<? extends Diagnostic<?>> first =
                said.getDiagnostics().stream()
                        .filter(message -> message.getKind() == Diagnostic.Kind.ERROR)
                        .findFirst();
        return first.map(
                        error ->
                                fileName
                                        + ":"
                                        + error.getLineNumber()
                                        + ": "
                                        + error.getMessage(Locale.ROOT))
                .orElse(fileName + " does not compile.");
    }

    private static <T> Supplier<T> maker(ClassLoader loader, String className, Class<T> type)
            throws Refused {
        try {
            Class<?> found = loader.loadClass(className);
            if (!type.isAssignableFrom(found)) {
                throw new Refused(className + " does not implement " + type.getSimpleName() + ".");
            }
            if (Modifier.isAbstract(found.getModifiers())) {
                throw new Refused(className + " is abstract: no object of it can be made.");
            }
            var constructor = found.asSubclass(type).getDeclaredConstructor();
            constructor.setAccessible(true);
            return () -> {
                try {
                    return constructor.newInstance();
                } catch (InvocationTargetException e) {
                    throw new Threw(e.getCause(), className + ".java");
                } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException(className + " cannot be made", e);
                }
            };
        } catch (ClassNotFoundException | NoSuchMethodException e) {
            throw new Refused(className + " has no constructor without parameters.");
        }
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String name, String text) {
            super(URI.create("memory:///" + name), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    /** Where the compiler's classes go. */
    private static final class Output extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, ByteArrayOutputStream> classes;

        Output(JavaFileManager files, Map<String, ByteArrayOutputStream> classes) {
            super(files);
            this.classes = classes;
        }

        @Override
        public JavaFileObject getJavaFileForOutput(
                Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            classes.put(className, bytes);
            return new SimpleJavaFileObject(URI.create("memory:///" + className), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return bytes;
                }
            };
        }
    }

    private static final class InMemory extends ClassLoader {
        private final Map<String, ByteArrayOutputStream> classes;

        InMemory(Map<String, ByteArrayOutputStream> classes) {
            super(StudentClass.class.getClassLoader());
            this.classes = classes;
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            ByteArrayOutputStream bytes = classes.get(name);
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            return defineClass(name, bytes.toByteArray(), 0, bytes.size());
        }
    }
}
