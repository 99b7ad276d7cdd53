package org.xenolith.core.explain;

/**
 * The text about one thing.
 *
 * @param name as in Xen's headers; {@code record.field}; or a path with DOMID and N for numbers
 * @param number of a hypercall, operation or error, or offset of a field; in words, empty for none
 * @param form how it is called; empty for what is not called
 * @param what it is
 * @param why a paravirtualized kernel needs it
 * @param hardware what would have done it instead
 * @param code the class that implements it, below {@code org.xenolith}
 */
public record Entry(
        Kind kind,
        String name,
        String number,
        String form,
        String what,
        String why,
        String hardware,
        String code) {

    /** The last part of the name: what people call it. */
    String shortName() {
        return switch (kind) {
            case START_INFO, SHARED_INFO -> name.substring(name.lastIndexOf('.') + 1);
            case STORE_PATH -> name.substring(name.lastIndexOf('/') + 1);
            case OPERATION, EVENT -> name.substring(name.indexOf('_') + 1);
            case HYPERCALL, ERROR, GRANT_STATUS -> name;
        };
    }
}
