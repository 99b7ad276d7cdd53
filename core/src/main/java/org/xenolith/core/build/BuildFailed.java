package org.xenolith.core.build;

/** A domain cannot be built; the message is one sentence for whoever asked for it. */
public final class BuildFailed extends Exception {
    private static final long serialVersionUID = 1L;

    BuildFailed(String sentence) {
        super(sentence);
    }

    BuildFailed(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
