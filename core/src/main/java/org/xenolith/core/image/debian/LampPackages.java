package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.guests.LampRecipe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Debian 12 with the packages of the LAMP guest, as a tar archive: the slow part of the image, kept
 * so that a change of the recipe does not repeat it.
 *
 * <p>Root has debootstrap and apt inside the new system; everybody else has mmdebstrap in a user
 * namespace, which does both at once.
 */
final class LampPackages {
    static final String RELEASE = "bookworm";

    private static final Path KEYRING = Path.of("/usr/share/keyrings/debian-archive-keyring.gpg");

    /** Raise it when anything but the list of packages changes. */
    private static final int FORMAT = 1;

    private final AptPackages apt;
    private final HostPrograms programs;
    private final Superuser superuser;

    LampPackages(AptPackages apt, HostPrograms programs, Superuser superuser) {
        this.apt = apt;
        this.programs = programs;
        this.superuser = superuser;
    }

    static String version() throws IOException {
        return InitramfsRecipe.digest(
                FORMAT,
                List.of(String.join(" ", LampRecipe.packages()).getBytes(StandardCharsets.UTF_8)));
    }

    /** Says before anything is begun what will be missing. */
    void requireTools() throws ImageException {
        programs.find("tar", "tar");
        if (superuser.isRoot()) {
            programs.find("debootstrap", "debootstrap");
            programs.find("chroot", "coreutils");
        } else {
            programs.find("mmdebstrap", "mmdebstrap");
        }
    }

    /** Makes the archive; {@code workplace} is a folder for it and all that leads to it. */
    Path install(Path workplace, Progress progress) throws IOException {
        progress.at(Progress.Step.INSTALL, 0);
        List<AptPackages.Source> sources = apt.sources(RELEASE);
        if (sources.isEmpty()) {
            throw new ImageException(
                    "This machine's apt knows no Debian "
                            + RELEASE
                            + ": add it to apt's sources, or make the image on a machine that has"
                            + " it");
        }
        Map<String, String> environment = new HashMap<>();
        environment.put("DEBIAN_FRONTEND", "noninteractive");
        Optional<String> proxy = apt.proxy();
        proxy.ifPresent(address -> environment.put("http_proxy", address));
        Path archive = workplace.resolve("root.tar");
        if (superuser.isRoot()) {
            byDebootstrap(workplace, archive, sources, environment, progress);
        } else {
            byMmdebstrap(workplace, archive, sources, environment, progress);
        }
        progress.at(Progress.Step.INSTALL, 1);
        return archive;
    }

    // ---- as root

    private void byDebootstrap(
            Path workplace,
            Path archive,
            List<AptPackages.Source> sources,
            Map<String, String> environment,
            Progress progress)
            throws IOException {
        Path root = workplace.resolve("root");
        makeSmallSystem(root, workplace, sources, environment, progress);
        addPackages(root, workplace, sources, environment, progress);
        run(
                workplace,
                List.of(
                        programs.find("tar", "tar"),
                        "--create",
                        "--numeric-owner",
                        "--exclude=./dev/*",
                        "--exclude=./var/lib/mysql/*",
                        "--exclude=./var/lib/apt/lists/*",
                        "--file=" + archive,
                        "--directory=" + root,
                        "."),
                environment,
                line -> {});
    }

    private void makeSmallSystem(
            Path root,
            Path workplace,
            List<AptPackages.Source> sources,
            Map<String, String> environment,
            Progress progress)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                programs.find("debootstrap", "debootstrap"),
                                "--arch=amd64",
                                "--variant=minbase",
                                "--components=main"));
        if (Files.exists(KEYRING)) {
            command.add("--keyring=" + KEYRING);
        }
        command.addAll(List.of(RELEASE, root.toString(), sources.getFirst().uri()));
        run(workplace, command, environment, new Share(progress, 0, 0.35, Share.DEBOOTSTRAP));
    }

    /** What the recipe names, by the new system's own apt. */
    private void addPackages(
            Path root,
            Path workplace,
            List<AptPackages.Source> sources,
            Map<String, String> environment,
            Progress progress)
            throws IOException {
        Files.writeString(root.resolve("etc/apt/sources.list"), sourcesList(sources, ""));
        Path policy = root.resolve("usr/sbin/policy-rc.d");
        Files.writeString(
                policy, "#!/bin/sh\n# No service starts while packages are installed.\nexit 101\n");
        Files.setPosixFilePermissions(policy, PosixFilePermissions.fromString("rwxr-xr-x"));
        List<String> aptGet =
                List.of(
                        programs.find("chroot", "coreutils"),
                        root.toString(),
                        "apt-get",
                        "-q",
                        "-y",
                        "--no-install-recommends");
        run(workplace, and(aptGet, List.of("update")), environment, line -> {});
        run(workplace, and(aptGet, List.of("dist-upgrade")), environment, line -> {});
        run(
                workplace,
                and(and(aptGet, List.of("install")), LampRecipe.packages()),
                environment,
                new Share(progress, 0.4, 0.95, Share.APT));
        run(workplace, and(aptGet, List.of("clean")), environment, line -> {});
        Files.delete(policy);
    }

    // ---- as anybody

    private void byMmdebstrap(
            Path workplace,
            Path archive,
            List<AptPackages.Source> sources,
            Map<String, String> environment,
            Progress progress)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                programs.find("mmdebstrap", "mmdebstrap"),
                                "--mode=unshare",
                                "--variant=minbase",
                                "--architectures=amd64",
                                "--include=" + String.join(",", LampRecipe.packages()),
                                "--format=tar",
                                RELEASE,
                                archive.toString()));
        String signedBy = Files.exists(KEYRING) ? "[signed-by=" + KEYRING + "] " : "";
        command.addAll(sourcesList(sources, signedBy).lines().toList());
        // It makes its own user namespace.
        require(
                command,
                Tool.run(
                        workplace,
                        command,
                        Path.of("/dev/null"),
                        environment,
                        new Share(progress, 0, 0.99, Share.MMDEBSTRAP)));
    }

    private static String sourcesList(List<AptPackages.Source> sources, String options) {
        StringBuilder list = new StringBuilder();
        for (AptPackages.Source source : sources) {
            list.append("deb %s%s %s main\n".formatted(options, source.uri(), source.suite()));
        }
        return list.toString();
    }

    private static List<String> and(List<String> some, List<String> more) {
        List<String> all = new ArrayList<>(some);
        all.addAll(more);
        return all;
    }

    private void run(
            Path workplace,
            List<String> command,
            Map<String, String> environment,
            Consumer<String> line)
            throws IOException {
        require(
                command,
                superuser.run(workplace, command, Path.of("/dev/null"), environment, line));
    }

    private static void require(List<String> command, Tool.Result result) throws ImageException {
        if (!result.succeeded()) {
            throw new ImageException(
                    "%s cannot install Debian for the LAMP image (%s)"
                            .formatted(
                                    Path.of(command.getFirst()).getFileName(), result.complaint()));
        }
    }

    /**
     * The part of the step that one program takes, by the lines that it prints for each package.
     */
    private static final class Share implements Consumer<String> {
        /** Retrieving, validating, extracting or unpacking, configuring some ninety packages. */
        static final Pattern DEBOOTSTRAP =
                Pattern.compile("I: (Retrieving|Validating|Extracting|Unpacking|Configuring) .*");

        static final Pattern APT = Pattern.compile("(Get:|Unpacking |Setting up ).*");
        static final Pattern MMDEBSTRAP = Pattern.compile("I: .*|done");

        private static final Pattern NEW_PACKAGES = Pattern.compile(".* (\\d+) newly installed.*");
        private static final int LINES_PER_PACKAGE = 3;

        private final Progress progress;
        private final double from;
        private final double to;
        private final Pattern step;
        private int expected;
        private int seen;

        Share(Progress progress, double from, double to, Pattern step) {
            this.progress = progress;
            this.from = from;
            this.to = to;
            this.step = step;
            this.expected = step == MMDEBSTRAP ? 20 : 450;
        }

        @Override
        public void accept(String line) {
            Matcher count = NEW_PACKAGES.matcher(line);
            if (count.matches()) {
                expected = Math.max(1, LINES_PER_PACKAGE * Integer.parseInt(count.group(1)));
            }
            if (step.matcher(line).matches()) {
                seen++;
                double done = Math.min(1, (double) seen / expected);
                progress.at(Progress.Step.INSTALL, from + done * (to - from));
            }
        }
    }
}
