package org.xenolith.pv.xenbus;

/**
 * A device by its place in the store.
 *
 * @param domain of the frontend
 * @param type {@code vbd}, {@code vif}
 * @param id number among the domain's devices of that type
 */
public record XenbusDevice(int domain, String type, int id) {
    private static final String BACKEND_HOME = "/local/domain/0";

    /** The directory that the frontend owns. */
    public String frontend() {
        return "/local/domain/%d/device/%s/%d".formatted(domain, type, id);
    }

    /** The directory that the backend owns. */
    public String backend() {
        return "%s/backend/%s/%d/%d".formatted(BACKEND_HOME, type, domain, id);
    }

    /** Where the backend says what went wrong. */
    public String error() {
        return "%s/error/backend/%s/%d/%d/error".formatted(BACKEND_HOME, type, domain, id);
    }

    /** For reports: {@code vbd/1/51712}. */
    @Override
    public String toString() {
        return "%s/%d/%d".formatted(type, domain, id);
    }
}
