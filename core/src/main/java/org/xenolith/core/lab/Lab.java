package org.xenolith.core.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A lab: what its student writes, and how that is judged. */
public interface Lab {
    int number();

    /** As its page in {@code docs/labs} is called. */
    String title();

    /** Name of the one file that the student writes. */
    String file();

    /** Names of files that the student reads: they are written beside {@link #file} by a start. */
    List<String> readings();

    /** Headers of micro-guests that {@link #file} includes; they are written there too. */
    default List<String> headers() {
        return List.of();
    }

    /**
     * Judges a student's work.
     *
     * @param folder with the student's file
     * @throws LabFailed if the file is not there, or nothing can be judged on this machine
     */
    LabResult check(Path folder, LabBench bench) throws IOException;

    /** Where the student's file is if nobody says otherwise. */
    default Path usualFolder() {
        return Path.of("lab" + number());
    }

    /** The folder of this lab below {@code src/main/labs}. */
    default String folder() {
        return "%02d".formatted(number());
    }
}
