package org.xenolith.core.boot;

/** The guest cannot be started; the message is one sentence that says why, for the terminal. */
public class BootFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BootFailed(String sentence) {
        super(sentence);
    }

    public BootFailed(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
