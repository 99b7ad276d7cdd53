package org.xenolith.devices.p9;

/**
 * How a client walked to a file, by names. It may be out of date, so whoever follows it looks at
 * what is there; it is only there for {@code ..} and for the requests that name a file without its
 * folder.
 *
 * @param parent null for the root
 * @param name in the parent, null for the root
 */
record Place(Place parent, FileName name) {
    static final Place ROOT = new Place(null, null);

    boolean isRoot() {
        return parent == null;
    }

    Place child(FileName entry) {
        return new Place(this, entry);
    }
}
