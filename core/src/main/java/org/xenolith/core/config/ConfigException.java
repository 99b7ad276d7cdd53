package org.xenolith.core.config;

/** What a user wrote cannot be used; the message is one sentence that says where and why. */
public final class ConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    /** No file of this host and no kernel's command line can have one. */
    static final String NUL_INSIDE = "a text has a NUL character inside";

    public ConfigException(String message) {
        super(message);
    }

    /**
     * @param source file name, or what the text is
     * @param line from 1; 0 when it has none
     */
    ConfigException(String source, int line, String message) {
        super(line == 0 ? source + ": " + message : source + ":" + line + ": " + message);
    }
}
