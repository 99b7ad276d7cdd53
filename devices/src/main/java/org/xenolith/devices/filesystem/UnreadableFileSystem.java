package org.xenolith.devices.filesystem;

import java.io.IOException;

/** A disk does not hold what was looked for, or it is damaged; the message is a sentence. */
public final class UnreadableFileSystem extends IOException {
    private static final long serialVersionUID = 1L;

    /** Longer sentences hold paths that nobody reads to their end. */
    private static final int MAX_LENGTH = 1000;

    /**
     * @param sentence may hold names from the disk: what would steer a terminal is replaced
     */
    public UnreadableFileSystem(String sentence) {
        super(printable(sentence));
    }

    private static String printable(String sentence) {
        String start =
                sentence.length() > MAX_LENGTH
                        ? sentence.substring(0, MAX_LENGTH) + " ..."
                        : sentence;
        return start.replaceAll("[\\p{Cntrl}\\x80-\\x9f]", "?");
    }

    static void require(boolean condition, String otherwise) throws UnreadableFileSystem {
        if (!condition) {
            throw new UnreadableFileSystem(otherwise);
        }
    }
}
