package org.xenolith.pv.xenbus;

/** A frontend asked for a connection that cannot be made. */
public final class FrontendRefused extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * @param why a sentence
     */
    public FrontendRefused(String why) {
        // A guest can cause it at will, so it is cheap.
        super(why, null, false, false);
    }
}
