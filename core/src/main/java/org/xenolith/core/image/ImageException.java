package org.xenolith.core.image;

import java.io.IOException;

/**
 * An image file that cannot be used, or cannot be made.
 *
 * <p>The message is one sentence fit for the terminal; whoever knows the file's name puts it in
 * front with {@link #in}.
 */
public final class ImageException extends IOException {
    private static final long serialVersionUID = 1L;

    public ImageException(String sentence) {
        super(sentence);
    }

    public ImageException(String sentence, Throwable cause) {
        super(sentence, cause);
    }

    /** The same complaint with the file it is about in front. */
    ImageException in(String fileName) {
        return new ImageException(fileName + ": " + getMessage(), this);
    }
}
