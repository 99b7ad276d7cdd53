package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Runs programs that make files of any owner: as root, or, for everybody else, as root of a user
 * namespace whose other users are the subordinate ids of {@code /etc/subuid}.
 */
final class Superuser {
    private final boolean root;
    private final List<String> prefix;
    private final HostPrograms programs;

    private Superuser(boolean root, List<String> prefix, HostPrograms programs) {
        this.root = root;
        this.prefix = prefix;
        this.programs = programs;
    }

    /**
     * @param root whether this process is root's
     * @throws ImageException if it is not, and user namespaces cannot be had
     */
    static Superuser of(boolean root, HostPrograms programs) throws ImageException {
        if (root) {
            return new Superuser(true, List.of(), programs);
        }
        programs.find("newuidmap", "uidmap");
        return new Superuser(
                false,
                List.of(
                        programs.find("unshare", "util-linux"),
                        "--map-root-user",
                        "--map-auto",
                        "--"),
                programs);
    }

    /** Whether this process is root's, in its own user namespace. */
    static boolean isThisProcess() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    boolean isRoot() {
        return root;
    }

    Tool.Result run(Path directory, List<String> command, Consumer<String> line)
            throws IOException {
        return Tool.run(directory, with(command), line);
    }

    Tool.Result run(
            Path directory,
            List<String> command,
            Path input,
            Map<String, String> environment,
            Consumer<String> line)
            throws IOException {
        return Tool.run(directory, with(command), input, environment, line);
    }

    private List<String> with(List<String> command) {
        List<String> all = new ArrayList<>(prefix);
        all.addAll(command);
        return all;
    }

    /**
     * Removes a tree whoever owns its files. What is mounted below it, say by a debootstrap that
     * was killed, is left alone.
     */
    void delete(Path tree) throws IOException {
        Tool.Result result =
                run(
                        tree.getParent(),
                        List.of(
                                programs.find("rm", "coreutils"),
                                "-rf",
                                "--one-file-system",
                                tree.toString()),
                        line -> {});
        if (!result.succeeded()) {
            throw new ImageException("cannot remove %s (%s)".formatted(tree, result.complaint()));
        }
    }
}
