package org.xenolith.core.snapshot;

/** Kinds of sections; the numbers are those of the file. */
enum Section {
    END,
    DOMAIN,
    FRAMES,
    PAGES,
    VCPU,
    EVENTS,
    GRANTS,
    STORE,
    CONFIGURATION;

    private static final Section[] KINDS = values();

    static Section of(int kind) throws SnapshotException {
        if (kind < 0 || kind >= KINDS.length) {
            throw SnapshotException.damaged("it has a section of an unknown kind " + kind);
        }
        return KINDS[kind];
    }
}
