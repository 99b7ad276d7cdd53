package org.xenolith.core.image;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reading of files that people name on a command line, with a sentence for what can go wrong. */
final class ImageFiles {
    private static final int TEXT_SAMPLE_BYTES = 4096;

    private ImageFiles() {}

    static byte[] readAll(Path path, int maximumBytes) throws ImageException {
        check(path);
        try {
            long size = Files.size(path);
            if (size > maximumBytes) {
                throw new ImageException(
                        "%s: has %d MiB, too much for a kernel (at most %d MiB are accepted)"
                                .formatted(path, size >> 20, maximumBytes >> 20));
            }
            byte[] file = Files.readAllBytes(path);
            if (file.length == 0) {
                throw new ImageException(path + ": is empty");
            }
            return file;
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    static void check(Path path) throws ImageException {
        if (Files.isDirectory(path)) {
            throw new ImageException(path + ": is a directory");
        }
        if (!Files.exists(path)) {
            throw new ImageException(path + ": there is no such file");
        }
        if (!Files.isRegularFile(path)) {
            throw new ImageException(path + ": is not a regular file");
        }
    }

    static ImageException unreadable(Path path, IOException cause) {
        String reason =
                switch (cause) {
                    case AccessDeniedException _ -> "permission denied";
                    case NoSuchFileException _ -> "there is no such file";
                    default -> cause.getMessage();
                };
        return new ImageException(path + ": cannot be read: " + reason, cause);
    }

    static boolean looksLikeText(byte[] bytes) {
        int sample = Math.min(bytes.length, TEXT_SAMPLE_BYTES);
        for (int i = 0; i < sample; i++) {
            boolean control = bytes[i] >= 0 && bytes[i] < ' ';
            if (control && bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\t') {
                return false;
            }
        }
        return sample > 0;
    }
}
