package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds programs of the machine, also those that only administrators have on their path. */
final class HostPrograms {
    private static final List<Path> FOR_ADMINISTRATORS =
            List.of(Path.of("/usr/local/sbin"), Path.of("/usr/sbin"), Path.of("/sbin"));

    private final List<Path> folders;

    HostPrograms(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    static HostPrograms ofTheMachine() {
        List<Path> folders = new ArrayList<>();
        for (String folder : Optional.ofNullable(System.getenv("PATH")).orElse("").split(":")) {
            if (!folder.isEmpty()) {
                folders.add(Path.of(folder));
            }
        }
        folders.addAll(FOR_ADMINISTRATORS);
        return new HostPrograms(folders);
    }

    /**
     * @param packageName Debian's package that holds the program, for the message
     * @return the program's path
     * @throws ImageException naming the package to install
     */
    String find(String program, String packageName) throws ImageException {
        for (Path folder : folders) {
            Path file = folder.resolve(program);
            if (Files.isExecutable(file)) {
                return file.toString();
            }
        }
        throw new ImageException(
                "this machine has no %s, which the LAMP image is made with; install the package %s"
                        .formatted(program, packageName));
    }
}
