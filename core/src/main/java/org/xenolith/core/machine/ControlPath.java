package org.xenolith.core.machine;

import org.xenolith.core.control.ControlException;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Files that a request names: who asks stands in another folder than who answers. */
final class ControlPath {
    private ControlPath() {}

    /**
     * @param otherwise what is told when the text is no absolute path
     */
    static Path absolute(String text, String otherwise) throws ControlException {
        try {
            Path file = Path.of(text);
            if (file.isAbsolute()) {
                return file;
            }
        } catch (InvalidPathException e) {
            // No more of a path than a relative one is of an absolute one.
        }
        throw new ControlException(otherwise);
    }
}
