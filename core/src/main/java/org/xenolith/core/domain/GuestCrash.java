package org.xenolith.core.domain;

/**
 * The guest did what no guest survives. Ends the domain, nothing else; the message is for its
 * report.
 */
public final class GuestCrash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public GuestCrash(String what) {
        super(what, null, false, false);
    }
}
