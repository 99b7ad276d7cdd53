package org.xenolith.core.machine;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;

/** What an error of a file means in words: Java's own name the file only, or their class. */
public final class FileSentence {
    private FileSentence() {}

    /** A sentence without its full stop, with the file where the error knows it. */
    public static String of(IOException e) {
        return e instanceof FileSystemException known && known.getFile() != null
                ? known.getFile() + ": " + reason(e)
                : reason(e);
    }

    /** The same without the file, for sentences that name it. */
    public static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException other ->
                    Objects.requireNonNullElse(other.getReason(), "it cannot be used");
            case CharacterCodingException _ -> "it is no text in UTF-8";
            default -> Objects.requireNonNullElse(e.getMessage(), "an error without a name");
        };
    }
}
