package org.xenolith.pv.ring;

/**
 * A guest published ring indices that cannot be true. It is thrown where the indices are read and
 * caught where the ring is serviced, which stops using the ring; it never leaves the backend. It
 * carries no stack trace, because a guest can cause it at will.
 */
public final class RingCorrupt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RingCorrupt(String ring, int producer, int consumer, int size) {
        super(
                "%s: producer index %s is %s ahead of consumer index %s, but the ring holds %d"
                        .formatted(
                                ring,
                                Integer.toUnsignedString(producer),
                                Integer.toUnsignedString(producer - consumer),
                                Integer.toUnsignedString(consumer),
                                size),
                null,
                false,
                false);
    }
}
