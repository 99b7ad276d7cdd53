import com.google.googlejavaformat.java.Main;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks or repairs the format of all Java sources: google-java-format, AOSP style. The Maven build
 * runs this file on the JDK 25, whatever JDK Maven itself runs on.
 *
 * <p>Usage: {@code FormatSources check|fix ROOT STAMP}. The stamp file remembers when everything
 * was last found well formatted, so that later runs read only what changed since.
 */
final class FormatSources {
    private FormatSources() {}

    public static void main(String[] arguments) throws Exception {
        boolean fix = arguments[0].equals("fix");
        Path root = Path.of(arguments[1]);
        Path stamp = Path.of(arguments[2]);
        FileTime started = FileTime.fromMillis(System.currentTimeMillis());
        List<String> sources = sourcesNewerThan(stamp, root);
        if (!sources.isEmpty() && !format(fix, root, sources)) {
            System.exit(1);
        }
        Files.createDirectories(stamp.getParent());
        Files.writeString(stamp, "");
        Files.setLastModifiedTime(stamp, started);
    }

    private static boolean format(boolean fix, Path root, List<String> sources) throws Exception {
        List<String> options = new ArrayList<>(List.of("--aosp"));
        options.addAll(fix ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
        options.addAll(sources);
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status =
                new Main(new PrintWriter(out, true), new PrintWriter(err, true), System.in)
                        .format(options.toArray(String[]::new));
        if (!err.toString().isEmpty()) {
            System.err.print(err);
            return false;
        }
        if (status != 0) {
            System.err.println("These files are not formatted (google-java-format, AOSP style):");
            out.toString()
                    .lines()
                    .forEach(file -> System.err.println("  " + root.relativize(Path.of(file))));
            System.err.println("To format them: mvn -q -N -Pformat process-sources");
        }
        return status == 0;
    }

    private static List<String> sourcesNewerThan(Path stamp, Path root) throws IOException {
        FileTime since =
                Files.exists(stamp) ? Files.getLastModifiedTime(stamp) : FileTime.fromMillis(0);
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !root.relativize(file).toString().contains("target/"))
                    .filter(file -> changedSince(since, file))
                    .map(Path::toString)
                    .sorted()
                    .toList();
        }
    }

    private static boolean changedSince(FileTime since, Path file) {
        try {
            return Files.getLastModifiedTime(file).compareTo(since) >= 0;
        } catch (IOException vanished) {
            return false;
        }
    }
}
