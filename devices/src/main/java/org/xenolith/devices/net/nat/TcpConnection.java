package org.xenolith.devices.net.nat;

import io.netty.util.NetUtil;

import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * One TCP connection of a guest, ended here: the guest speaks TCP with this object, and a {@link
 * HostStream} carries the bytes on. The state and what the guest's segments and the timer do to it
 * are here; the parts are how it begins ({@link TcpHandshake}), each direction's bytes ({@link
 * TcpSender}, {@link TcpReceiver}), and the host's end ({@link TcpHostSide}).
 */
final class TcpConnection extends Timers.Timer {
    /** How long the port pair stays reserved after we closed first; guests are near. */
    static final long TIME_WAIT_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final TcpStack stack;
    private final Path path;
    private final int guestPort;
    private final int remotePort;
    private final GuestShare share;
    private final TcpSender sender;
    private final TcpReceiver receiver;
    private final TcpHandshake handshake;
    private final TcpHostSide host;
    private TcpState state;
    private boolean ackDue;
    boolean touched; // in the stack's list of connections to flush
    boolean waitsForPort; // in the stack's list of connections that the switch stopped

    TcpConnection(TcpStack stack, Path path, int guestPort, int remotePort, GuestShare share) {
        this.stack = stack;
        this.path = path;
        this.guestPort = guestPort;
        this.remotePort = remotePort;
        this.share = share;
        this.sender = new TcpSender(this, stack.output(), stack.allocator(), stack.budget());
        this.receiver = new TcpReceiver(stack.allocator(), stack.budget());
        this.handshake = new TcpHandshake(this, stack, sender, receiver);
        this.host = new TcpHostSide(this, sender, receiver, stack.budget());
    }

    /** The guest's SYN arrived; the host's side is being connected. */
    void openedByGuest(TcpSegment syn, int initialSequence) {
        state = TcpState.CONNECTING;
        handshake.openedByGuest(syn, initialSequence);
    }

    /** Sends a SYN to the guest, and again until {@code deadline}. */
    void open(
            HostStream end,
            TcpHandshake.Opener opener,
            int initialSequence,
            long now,
            long deadline) {
        host.stream(end);
        state = TcpState.SYN_SENT;
        handshake.open(opener, initialSequence, now, deadline);
    }

    TcpHostSide host() {
        return host;
    }

    TcpState state() {
        return state;
    }

    /** Whether a SYN with this sequence number cannot be an old one. RFC 9293, 3.6.1. */
    boolean isAfter(int sequence) {
        return TcpSegment.before(receiver.next(), sequence);
    }

    Path path() {
        return path;
    }

    int guestPort() {
        return guestPort;
    }

    GuestShare share() {
        return share;
    }

    int remotePort() {
        return remotePort;
    }

    // ---- segments of the guest

    void receive(TcpSegment segment, long now) {
        switch (state) {
            case CONNECTING -> receiveWhileConnecting(segment);
            case SYN_SENT -> handshake.receiveInSynSent(segment, now);
            case SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2 -> receiveIn(segment, now);
            case CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT -> receiveIn(segment, now);
            case CLOSED -> throw new IllegalStateException(this + " is closed and in the table");
        }
    }

    private void receiveWhileConnecting(TcpSegment segment) {
        if (segment.has(TcpSegment.RST) && segment.sequence == receiver.next()) {
            resetByGuest();
        }
    }

    /** Both sides know of each other. */
    void establish(long now) {
        state = TcpState.ESTABLISHED;
        stack.timers().cancel(this);
        host.startReading();
        transmit(now);
    }

    /** RFC 9293, 3.10.7.4, with the tightened rules of RFC 5961. */
    private void receiveIn(TcpSegment segment, long now) {
        if (!receiver.acceptable(segment)) {
            receiveOutside(segment);
        } else if (segment.has(TcpSegment.RST)) {
            if (segment.sequence == receiver.next()) {
                resetByGuest();
            } else {
                challenge();
            }
        } else if (segment.has(TcpSegment.SYN)) {
            receiveSynAgain(segment, now);
        } else if (segment.has(TcpSegment.ACK)) {
            receiveAcknowledged(segment, now);
        }
    }

    private void receiveSynAgain(TcpSegment segment, long now) {
        boolean same = segment.sequence + 1 == receiver.next();
        if (state == TcpState.SYN_RECEIVED && same && !segment.has(TcpSegment.ACK)) {
            handshake.sendSynAck(now); // the first one was lost
        } else {
            challenge();
        }
    }

    private void receiveOutside(TcpSegment segment) {
        if (segment.has(TcpSegment.RST)) {
            return;
        }
        if (segment.has(TcpSegment.SYN)) {
            challenge();
            return;
        }
        // A keep-alive, or something sent again because our ACK was lost.
        ackDue = true;
        stack.touch(this);
    }

    private void receiveAcknowledged(TcpSegment segment, long now) {
        if (state == TcpState.SYN_RECEIVED) {
            if (segment.acknowledgement != sender.una() + 1) {
                stack.output().refuse(this, segment);
                return;
            }
            handshake.synAcked(segment, now);
        } else if (!sender.mayAcknowledge(segment.acknowledgement)) {
            challenge();
            return;
        }
        if (!takeAcknowledgement(segment, now)) {
            return;
        }
        if (state.mayReceive()) {
            receiveText(segment, now);
        } else if (segment.sequenceBytes() > 0) {
            ackDue = true; // sent again: our ACK was lost
            stack.touch(this);
        }
    }

    /** False when the connection is over. */
    private boolean takeAcknowledgement(TcpSegment segment, long now) {
        boolean fresh = sender.acknowledge(segment, now);
        if (fresh && sender.finished()) {
            enter(state.afterAckOfOurFin(), now);
        }
        if (state == TcpState.CLOSED) {
            return false;
        }
        transmit(now);
        host.readAgain();
        return true;
    }

    private void receiveText(TcpSegment segment, long now) {
        if (receiver.accept(segment)) {
            ackDue = true;
        }
        if (receiver.finished()) {
            enter(state.afterFinOfTheGuest(), now);
        }
        stack.touch(this);
    }

    private void enter(TcpState next, long now) {
        state = next;
        if (next == TcpState.TIME_WAIT) {
            stack.timers().arm(this, now + TIME_WAIT_NANOS);
            host.finish();
        } else if (next == TcpState.CLOSED) {
            host.finish();
            close();
        }
    }

    /**
     * Both directions are done, and the host's end goes with what it has not taken yet.
     *
     * @param bytes of the budget that it still holds
     */
    void closeHost(HostStream end, int bytes) {
        stack.linger(end, share, bytes);
    }

    /** Without a word to the guest. */
    void resetByGuest() {
        host.reset();
        close();
    }

    /** RFC 5961, 3.2: the guest tells with its answer whether it meant it. */
    private void challenge() {
        if (stack.mayChallenge()) {
            acknowledge();
        }
    }

    // ---- at the end of a batch

    /** After a batch of the guest's segments: bytes to the host, then one ACK for all. */
    void flush() {
        if (state == TcpState.CLOSED) {
            return;
        }
        host.feed();
        if (ackDue && state != TcpState.CLOSED && !state.halfOpen()) {
            acknowledge();
        }
    }

    // ---- what the host's side tells

    void hostConnected() {
        if (state == TcpState.CONNECTING) {
            state = TcpState.SYN_RECEIVED;
            handshake.sendSynAck(stack.now());
        }
    }

    void hostUnreachable(Throwable cause) {
        stack.unreachable(this, receiver.next(), cause);
        close();
    }

    /** Bytes of the guest are with the host: its window may open. */
    void hostHasTaken() {
        if (state.mayReceive() && receiver.windowUpdateDue()) {
            ackDue = true;
        }
        if (ackDue && !touched) {
            acknowledge();
        }
    }

    /** Ends the connection at once: the guest gets a reset, and the host too. */
    void reset() {
        if (state != TcpState.CONNECTING && state != TcpState.SYN_SENT) {
            emit(TcpSegment.RST | TcpSegment.ACK, sender.nxt(), sender.queue(), 0, 0, 0);
        }
        resetByGuest();
    }

    // ---- to the guest

    void transmit() {
        transmit(stack.now());
    }

    private void transmit(long now) {
        if (!state.maySend()) {
            return;
        }
        sender.transmit(now);
        if (sender.hasUnsent()) {
            if (stack.output().blocked()) {
                stack.waitForPort(this);
            } else if (!sender.inFlight() && now + sender.persistNanos() < deadline()) {
                stack.timers().arm(this, now + sender.persistNanos()); // the window is too small
            }
        }
    }

    /** The switch has room again. */
    void portWritable(long now) {
        if (state != TcpState.CLOSED) {
            transmit(now);
        }
    }

    void finSent() {
        state = state.afterOurFin();
    }

    /** (Re)starts the timer while something is under way, or stops it. RFC 6298, 5.1 to 5.3. */
    void armRetransmission(long now) {
        if (sender.underWay()) {
            stack.timers().arm(this, now + sender.rtoNanos());
        } else if (state != TcpState.TIME_WAIT) {
            stack.timers().cancel(this);
        }
    }

    void emit(int flags, int sequence, ByteQueue data, int offset, int length, int mss) {
        ackDue = false;
        stack.output()
                .segment(
                        this,
                        flags,
                        sequence,
                        receiver.next(),
                        receiver.advertise(),
                        data,
                        offset,
                        length,
                        mss);
    }

    /** The next segment acknowledges, or one of its own at the end of the batch. */
    void ackIsDue() {
        ackDue = true;
    }

    private void acknowledge() {
        emit(TcpSegment.ACK, sender.nxt(), sender.queue(), 0, 0, 0);
    }

    /** The guest's MAC address is known now: no reason to wait for the timer. */
    void guestAppeared(long now) {
        if (state == TcpState.SYN_SENT) {
            handshake.sendSyn(now);
        }
    }

    // ---- time

    @Override
    void expired(long now) {
        switch (state) {
            case SYN_SENT -> handshake.synExpired(now);
            case SYN_RECEIVED -> handshake.synAckExpired(now);
            case ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK -> dataExpired(now);
            case TIME_WAIT -> close();
            case CONNECTING, FIN_WAIT_2, CLOSED -> {}
        }
    }

    private void dataExpired(long now) {
        boolean underWay = sender.underWay();
        if (!underWay && !sender.hasUnsent()) {
            return;
        }
        if (!stack.output().blocked()) {
            if (!(underWay ? sender.timeout() : sender.probeTimeout())) {
                reset();
                return;
            }
            transmit(now);
            if (!sender.inFlight()) {
                sender.overrideOrProbe(now);
            }
        }
        stack.timers().arm(this, now + sender.rtoNanos());
    }

    /** The port pair is wanted for a new connection. */
    void endTimeWait() {
        close();
    }

    void close() {
        if (state.halfOpen()) {
            stack.leftHalfOpen(this);
        }
        state = TcpState.CLOSED;
        sender.release();
        receiver.release();
        stack.remove(this);
    }

    /** Address and port. */
    String guest() {
        return NetUtil.toSocketAddressString(new InetSocketAddress(path.guestAddress(), guestPort));
    }

    @Override
    public String toString() {
        return guest()
                + " - "
                + NetUtil.toSocketAddressString(
                        new InetSocketAddress(path.remoteAddress(), remotePort));
    }
}
