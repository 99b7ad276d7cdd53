package org.xenolith.devices.filesystem;

import java.io.IOException;

/** A disk does not hold what was looked for, or it is damaged; the message is a sentence. */
public final class UnreadableFileSystem extends IOException {
    private static final long serialVersionUID = 1L;

    public UnreadableFileSystem(String sentence) {
        super(sentence);
    }

    static void require(boolean condition, String otherwise) throws UnreadableFileSystem {
        if (!condition) {
            throw new UnreadableFileSystem(otherwise);
        }
    }
}
