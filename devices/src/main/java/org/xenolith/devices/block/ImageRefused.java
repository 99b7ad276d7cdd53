package org.xenolith.devices.block;

import java.io.IOException;

/**
 * A disk image cannot be used, or not in the way asked for: damaged, in use, of an unknown kind.
 * The message is a sentence that names the file.
 */
public final class ImageRefused extends IOException {
    private static final long serialVersionUID = 1L;

    public ImageRefused(String sentence) {
        super(sentence);
    }
}
