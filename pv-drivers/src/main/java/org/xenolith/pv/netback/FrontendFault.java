package org.xenolith.pv.netback;

/**
 * A frontend put something into its rings that no correct driver would: it loses its interface. No
 * stack trace, since a guest can cause it at will.
 */
final class FrontendFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FrontendFault(String why) {
        super(why, null, false, false);
    }
}
