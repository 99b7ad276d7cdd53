package org.xenolith.core.xenstore;

import java.util.List;

/**
 * What a saved domain needs of its connection to go on where it was: plain data, to be kept in a
 * file or handed to a copy of the domain.
 *
 * @param input bytes of a request of which the rest has not come yet
 * @param output bytes of replies and events that were not fetched
 * @param watches registered watches
 * @param transactions open transactions; they do not survive, and end with EAGAIN, upon which a
 *     guest tries again
 * @param lastTransactionId the youngest id given
 */
public record ConnectionState(
        byte[] input,
        byte[] output,
        List<SavedWatch> watches,
        List<Integer> transactions,
        int lastTransactionId) {

    /** A watch as the guest registered it. */
    public record SavedWatch(String path, String token) {}

    public ConnectionState {
        watches = List.copyOf(watches);
        transactions = List.copyOf(transactions);
    }
}
