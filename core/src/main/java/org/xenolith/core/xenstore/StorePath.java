package org.xenolith.core.xenstore;

/**
 * An absolute, valid path of a node.
 *
 * @param text starts with a slash and, but for the root, does not end with one
 */
record StorePath(String text) {
    /** {@code XENSTORE_ABS_PATH_MAX} of public/io/xs_wire.h. */
    static final int ABS_PATH_MAX = 3072;

    static final StorePath ROOT = new StorePath("/");

    private static final String DOMAINS = "/local/domain/";
    private static final String[] NO_NAMES = {};

    /** The directory of a domain, to which its relative paths refer. */
    static String homeOf(int domid) {
        return DOMAINS + domid;
    }

    /**
     * Reads a path as {@code domid} wrote it; only a guest has a home that relative paths refer to.
     *
     * @throws XenstoreException EINVAL when it is malformed or too long
     */
    static StorePath parse(String path, int domid, Quota quota) {
        boolean privileged = domid == Permissions.PRIVILEGED;
        String text = path.startsWith("/") || privileged ? path : homeOf(domid) + "/" + path;
        if (!isValid(text) || !privileged && lengthInHome(text) > quota.pathBytes()) {
            String shown = path.length() > 80 ? path.substring(0, 80) + "..." : path;
            throw new XenstoreException(XenstoreError.EINVAL, "no path: " + shown);
        }
        return new StorePath(text);
    }

    private static boolean isValid(String text) {
        if (text.equals("/")) {
            return true;
        }
        if (text.length() > ABS_PATH_MAX || !text.startsWith("/") || text.endsWith("/")) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean known =
                    c >= 'a' && c <= 'z'
                            || c >= 'A' && c <= 'Z'
                            || c >= '0' && c <= '9'
                            || "-/_@".indexOf(c) >= 0;
            if (!known || c == '/' && text.charAt(i + 1) == '/') {
                return false;
            }
        }
        return true;
    }

    /** Length without {@code /local/domain/N/}, whoever that N is, as xenstored counts it. */
    private static int lengthInHome(String text) {
        int slash = text.startsWith(DOMAINS) ? text.indexOf('/', DOMAINS.length()) : -1;
        return slash < 0 ? text.length() : text.length() - slash - 1;
    }

    boolean isRoot() {
        return text.equals("/");
    }

    /** Names from the root down; none for the root. */
    String[] names() {
        return isRoot() ? NO_NAMES : text.substring(1).split("/");
    }

    StorePath parent() {
        if (isRoot()) {
            throw new IllegalStateException("the root has no parent");
        }
        int slash = text.lastIndexOf('/');
        return slash == 0 ? ROOT : new StorePath(text.substring(0, slash));
    }

    StorePath child(String name) {
        return new StorePath(isRoot() ? "/" + name : text + "/" + name);
    }

    @Override
    public String toString() {
        return text;
    }
}
