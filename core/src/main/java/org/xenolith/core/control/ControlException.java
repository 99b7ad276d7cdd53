package org.xenolith.core.control;

/** A verb that cannot be carried out; the message is one sentence for the user. */
public final class ControlException extends Exception {
    private static final long serialVersionUID = 1L;

    public ControlException(String message) {
        super(message);
    }
}
