package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The machine's apt with package lists and caches in a folder of ours: it uses the machine's
 * sources, keys and proxy, changes nothing of the machine, and needs no root.
 */
final class AptPackages {
    /** Debian updates its lists four times a day. */
    private static final Duration LISTS_STAY_FRESH = Duration.ofHours(24);

    private static final Pattern STATUS = Pattern.compile("dlstatus:\\d+:([0-9.]+):.*");
    private static final String INSTEAD = "pass -k KERNEL and -i INITRD instead";

    /** A package in one version. */
    record Versioned(String name, String version) {
        @Override
        public String toString() {
            return name + "=" + version;
        }
    }

    /** The programs to run; tests put others in their place. */
    record Programs(String aptGet, String aptCache, String aptConfig, String dpkgDeb) {
        static final Programs OF_THE_MACHINE =
                new Programs("apt-get", "apt-cache", "apt-config", "dpkg-deb");
    }

    private final Path directory;
    private final Programs programs;

    AptPackages(Path directory, Programs programs) {
        this.directory = directory;
        this.programs = programs;
    }

    private Path lists() {
        return directory.resolve("state/lists");
    }

    private Path stamp() {
        return directory.resolve("updated");
    }

    /** Reads the package lists anew if the last time is a day ago, or when forced. */
    void update(boolean force, Progress progress) throws IOException {
        if (!force && isFresh()) {
            return;
        }
        progress.at(Progress.Step.UPDATE, 0);
        Files.createDirectories(lists().resolve("partial"));
        Files.createDirectories(directory.resolve("cache/archives/partial"));
        Tool.Result result =
                run(
                        directory,
                        programs.aptGet,
                        List.of("update"),
                        status(Progress.Step.UPDATE, progress));
        if (result.succeeded()) {
            Files.writeString(stamp(), "");
            Files.setLastModifiedTime(stamp(), FileTime.from(Instant.now()));
        } else if (!hasLists()) {
            throw new ImageException(
                    "apt cannot read Debian's package lists (%s); %s"
                            .formatted(result.complaint(), INSTEAD));
        }
        // Otherwise one of many sources was unreachable: what we need may be there all the same.
        progress.at(Progress.Step.UPDATE, 1);
    }

    private boolean isFresh() throws IOException {
        return Files.exists(stamp())
                && Files.getLastModifiedTime(stamp())
                        .toInstant()
                        .isAfter(Instant.now().minus(LISTS_STAY_FRESH));
    }

    private boolean hasLists() throws IOException {
        try (Stream<Path> files = Files.list(lists())) {
            return files.anyMatch(file -> file.getFileName().toString().contains("_Packages"));
        }
    }

    /** A field of the version that apt would install. */
    record Description(Versioned identity, String depends) {}

    Description describe(String name) throws IOException {
        Tool.Result result =
                run(
                        directory,
                        programs.aptCache,
                        List.of("show", "--no-all-versions", name),
                        line -> {});
        Optional<String> version = field(result, "Version");
        if (!result.succeeded() || version.isEmpty()) {
            throw new ImageException(
                    "this machine's apt knows no package %s (it is one of Debian's); %s"
                            .formatted(name, INSTEAD));
        }
        return new Description(
                new Versioned(name, version.get()), field(result, "Depends").orElse(""));
    }

    private static Optional<String> field(Tool.Result result, String name) {
        String start = name + ": ";
        return result.output().stream()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()).strip())
                .findFirst();
    }

    /**
     * A line of {@code sources.list}, without the keyring.
     *
     * @param suite such as bookworm-updates
     */
    record Source(String uri, String suite) {}

    /**
     * Where the machine's apt gets Debian's own packages of a release, the release itself first;
     * empty if the machine runs something else.
     *
     * @param codename such as bookworm
     */
    List<Source> sources(String codename) throws IOException {
        Tool.Result result =
                run(
                        directory,
                        programs.aptGet,
                        List.of(
                                "indextargets",
                                "--format",
                                "source $(ORIGIN) $(COMPONENT) $(RELEASE) $(REPO_URI)",
                                "Created-By: Packages"),
                        line -> {});
        return result.output().stream()
                .map(line -> line.split(" "))
                .filter(words -> words.length == 5 && words[0].equals("source"))
                .filter(words -> words[1].equals("Debian") && words[2].equals("main"))
                .filter(words -> words[3].equals(codename) || words[3].startsWith(codename + "-"))
                .map(words -> new Source(words[4], words[3]))
                .distinct()
                .sorted(Comparator.comparingInt(source -> source.suite().length()))
                .toList();
    }

    /** The proxy that apt is told to use by its own settings; empty for none. */
    Optional<String> proxy() throws IOException {
        String variable = "PROXY";
        Tool.Result result =
                start(
                        directory,
                        List.of(programs.aptConfig, "shell", variable, "Acquire::http::Proxy"),
                        line -> {});
        return result.output().stream()
                .filter(line -> line.startsWith(variable + "='"))
                .map(line -> line.substring(variable.length() + 2, line.length() - 1))
                .filter(proxy -> !proxy.isEmpty() && !proxy.equals("DIRECT"))
                .findFirst();
    }

    /** Downloads packages; apt checks their hashes against the signed lists. */
    void download(List<Versioned> packages, Path target, Progress progress) throws IOException {
        progress.at(Progress.Step.DOWNLOAD, 0);
        List<String> arguments = new ArrayList<>(List.of("download"));
        packages.forEach(one -> arguments.add(one.toString()));
        Tool.Result result =
                run(target, programs.aptGet, arguments, status(Progress.Step.DOWNLOAD, progress));
        if (!result.succeeded()) {
            throw new ImageException(
                    "apt cannot download %s (%s); %s"
                            .formatted(packages.getFirst().name(), result.complaint(), INSTEAD));
        }
        try (Stream<Path> files = Files.list(target)) {
            List<Path> archives =
                    files.filter(file -> file.toString().endsWith(".deb")).sorted().toList();
            if (archives.size() != packages.size()) {
                throw new ImageException(
                        "apt downloaded %d packages instead of %d; %s"
                                .formatted(archives.size(), packages.size(), INSTEAD));
            }
        }
        progress.at(Progress.Step.DOWNLOAD, 1);
    }

    /** Unpacks the files of a package into a folder. */
    void unpack(Path archive, Path target) throws IOException {
        Tool.Result result =
                start(
                        target,
                        List.of(
                                programs.dpkgDeb,
                                "--extract",
                                archive.toString(),
                                target.toString()),
                        line -> {});
        if (!result.succeeded()) {
            throw new ImageException(
                    "dpkg-deb cannot unpack %s (%s)"
                            .formatted(archive.getFileName(), result.complaint()));
        }
    }

    private static Consumer<String> status(Progress.Step step, Progress progress) {
        return line -> {
            Matcher matcher = STATUS.matcher(line);
            if (matcher.matches()) {
                double fraction = Double.parseDouble(matcher.group(1)) / 100;
                progress.at(step, Math.clamp(fraction, 0, 0.99));
            }
        };
    }

    private Tool.Result run(
            Path workingDirectory, String program, List<String> arguments, Consumer<String> line)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(program, "-q"));
        option(command, "Dir::State=" + directory.resolve("state"));
        option(command, "Dir::State::status=/var/lib/dpkg/status");
        option(command, "Dir::Cache=" + directory.resolve("cache"));
        // The guest is x86-64 whatever the host is.
        option(command, "APT::Architecture=amd64");
        option(command, "APT::Architectures=amd64");
        // As root, apt would download as user _apt, who cannot write to our folders.
        option(command, "APT::Sandbox::User=");
        option(command, "APT::Status-Fd=1");
        option(command, "Acquire::Languages=none");
        option(command, "Acquire::http::Timeout=30");
        command.addAll(arguments);
        return start(workingDirectory, command, line);
    }

    private static void option(List<String> command, String setting) {
        command.add("-o");
        command.add(setting);
    }

    private static Tool.Result start(
            Path workingDirectory, List<String> command, Consumer<String> line) throws IOException {
        try {
            return Tool.run(workingDirectory, command, line);
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw new ImageException(
                    "this machine has no %s to fetch Debian's packages with; %s"
                            .formatted(command.getFirst(), INSTEAD),
                    e);
        }
    }
}
