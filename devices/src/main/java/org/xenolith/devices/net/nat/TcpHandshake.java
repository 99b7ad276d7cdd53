package org.xenolith.devices.net.nat;

import java.net.ConnectException;
import java.util.concurrent.TimeUnit;

/**
 * How a connection begins. Opened by the guest, its SYN is answered when the host's side is
 * connected; opened from the host, our SYN is repeated while the guest boots. RFC 9293, 3.5.
 */
final class TcpHandshake {
    /** SYN-ACKs after the first one. */
    private static final int MAX_SYN_ACKS = 4;

    /** Longest pause between two SYNs to a guest that may still be booting. */
    private static final long MAX_SYN_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long FIRST_SYN_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    /** Who opens a connection to a guest hears once how it went. */
    interface Opener {
        void opened();

        /**
         * @param cause its message is a sentence
         */
        void failed(ConnectException cause);
    }

    private final TcpConnection connection;
    private final TcpStack stack;
    private final TcpSender sender;
    private final TcpReceiver receiver;
    private boolean scaling; // both sides scale windows
    private Opener opener; // of an active open
    private long openDeadline; // of an active open
    private long synPause = FIRST_SYN_PAUSE_NANOS;

    TcpHandshake(TcpConnection connection, TcpStack stack, TcpSender sender, TcpReceiver receiver) {
        this.connection = connection;
        this.stack = stack;
        this.sender = sender;
        this.receiver = receiver;
    }

    /** The guest's SYN arrived; it is not answered yet. */
    void openedByGuest(TcpSegment syn, int initialSequence) {
        takeSyn(syn);
        sender.start(initialSequence);
    }

    /** Sends a SYN to the guest, and again until {@code deadline}. */
    void open(Opener caller, int initialSequence, long now, long deadline) {
        opener = caller;
        openDeadline = deadline;
        sender.start(initialSequence);
        sendSyn(now);
    }

    private void takeSyn(TcpSegment syn) {
        scaling = syn.windowScale >= 0;
        receiver.start(syn.sequence, scaling);
        sender.peerOptions(syn);
    }

    /** RFC 9293, 3.10.7.3. A simultaneous open is answered by silence: guests do not do that. */
    void receiveInSynSent(TcpSegment segment, long now) {
        boolean acksOurSyn =
                segment.has(TcpSegment.ACK) && segment.acknowledgement == sender.una() + 1;
        if (segment.has(TcpSegment.ACK) && !acksOurSyn) {
            if (!segment.has(TcpSegment.RST)) {
                stack.output().refuse(connection, segment);
            }
        } else if (segment.has(TcpSegment.RST)) {
            if (acksOurSyn) {
                fail("the guest refuses connections to port " + connection.guestPort());
            }
        } else if (segment.has(TcpSegment.SYN) && acksOurSyn) {
            takeSyn(segment);
            synAcked(segment, now);
            connection.ackIsDue();
            opener.opened();
            stack.touch(connection);
        }
    }

    /** The guest has acknowledged our SYN, or SYN-ACK. */
    void synAcked(TcpSegment segment, long now) {
        sender.synAcked(segment, now);
        stack.leftHalfOpen(connection);
        connection.establish(now);
    }

    void sendSynAck(long now) {
        stack.output()
                .synchronize(
                        connection,
                        TcpSegment.SYN | TcpSegment.ACK,
                        sender.una(),
                        receiver.next(),
                        receiver.advertiseInSyn(),
                        scaling);
        sender.synSent(now);
        stack.timers().arm(connection, now + sender.rtoNanos());
    }

    void sendSyn(long now) {
        stack.output()
                .synchronize(
                        connection, TcpSegment.SYN, sender.una(), 0, stack.initialWindow(), true);
        sender.synSent(now);
        stack.timers().arm(connection, Math.min(now + synPause, openDeadline));
        synPause = Math.min(2 * synPause, MAX_SYN_PAUSE_NANOS);
    }

    void synExpired(long now) {
        if (now >= openDeadline) {
            fail("the guest does not answer");
        } else {
            sendSyn(now);
        }
    }

    void synAckExpired(long now) {
        if (sender.retransmissions() >= MAX_SYN_ACKS || !sender.timeout()) {
            connection.resetByGuest();
        } else {
            sendSynAck(now);
        }
    }

    private void fail(String reason) {
        connection.host().leave();
        opener.failed(
                new ConnectException("Cannot connect to " + connection.guest() + ": " + reason));
        connection.close();
    }
}
