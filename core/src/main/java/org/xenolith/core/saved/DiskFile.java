package org.xenolith.core.saved;

import org.xenolith.core.config.DiskSpec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A file of a disk as it was when its guest was saved, as JSON has it. A copy that kept its time is
 * the same file.
 *
 * @param bytes its size
 * @param modified when it was written to last, ISO 8601
 */
public record DiskFile(String file, long bytes, String modified) {
    /**
     * The files that disks consist of: what is written to and what lies below it. Block devices are
     * left out, for they have no time.
     */
    static List<DiskFile> of(List<DiskSpec> disks) throws IOException {
        List<DiskFile> files = new ArrayList<>();
        for (DiskSpec disk : disks) {
            add(files, disk.file());
            if (disk.overlay().isPresent()) {
                add(files, disk.overlay().get());
            }
        }
        return files;
    }

    private static void add(List<DiskFile> files, Path file) throws IOException {
        if (Files.isRegularFile(file)) {
            files.add(now(DiskText.absolute(file)));
        }
    }

    private static DiskFile now(String file) throws IOException {
        Path path = Path.of(file);
        return new DiskFile(
                file, Files.size(path), Files.getLastModifiedTime(path).toInstant().toString());
    }

    /** Whether it is there and has been written to; one that is gone is missed elsewhere. */
    boolean hasChanged() throws IOException {
        return Files.isRegularFile(Path.of(file)) && !equals(now(file));
    }
}
