package org.xenolith.core.lab;

import org.xenolith.guests.GuestSources;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files of a lab: what its student starts from, and what the student's work is built with. */
final class LabFiles {
    private static final String CASES = "cases.c";
    private static final String PASSING = "cases.h";

    private final Lab lab;

    LabFiles(Lab lab) {
        this.lab = lab;
    }

    /**
     * The student's file.
     *
     * @throws LabFailed if there is none yet
     */
    Path work(Path folder) throws LabFailed {
        Path work = folder.resolve(lab.file());
        if (!Files.isRegularFile(work)) {
            String where = folder.equals(lab.usualFolder()) ? "" : " " + folder;
            throw new LabFailed(
                    "There is no %s: 'vmm lab start %d%s' writes the file that you complete."
                            .formatted(work, lab.number(), where));
        }
        return work;
    }

    /**
     * Writes what the student starts from.
     *
     * @return the file to be written
     * @throws LabFailed if it is there already
     */
    Path start(Path folder) throws IOException {
        Path file = folder.resolve(lab.file());
        if (Files.exists(file)) {
            throw new LabFailed(file + " is there already; it is yours, and stays as it is.");
        }
        Files.createDirectories(folder);
        for (String reading : lab.readings()) {
            Files.write(folder.resolve(reading), GuestSources.lab(lab.folder() + "/" + reading));
        }
        for (String header : lab.headers()) {
            Files.write(folder.resolve(header), GuestSources.header(header));
        }
        return Files.write(file, GuestSources.lab(lab.folder() + "/skeleton/" + lab.file()));
    }

    /**
     * A student's file and ours in a folder of their own, which goes with {@link #close}.
     *
     * @param sources what is compiled
     */
    record Collected(Path folder, List<Path> sources) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /** Puts the student's file beside our own copies of the others: only the one file is judged. */
    Collected collect(Path folder) throws IOException {
        Path work = work(folder);
        Path together = Files.createTempDirectory("xenolith-lab");
        for (String reading : lab.readings()) {
            Files.write(together.resolve(reading), GuestSources.lab(lab.folder() + "/" + reading));
        }
        Path cases = cases(together);
        Path copy = Files.copy(work, together.resolve(lab.file()));
        return new Collected(together, List.of(cases, copy));
    }

    /** Our kernel alone, for work that is a part of the hypervisor. */
    Collected collectCases() throws IOException {
        Path alone = Files.createTempDirectory("xenolith-lab");
        return new Collected(alone, List.of(cases(alone)));
    }

    private Path cases(Path together) throws IOException {
        Files.write(together.resolve(PASSING), GuestSources.lab(PASSING));
        return Files.write(together.resolve(CASES), GuestSources.lab(lab.folder() + "/" + CASES));
    }
}
