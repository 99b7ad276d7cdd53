package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.util.NetUtil;

import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * One TCP connection of a guest, ended here: the guest speaks TCP with this object, and a {@link
 * HostStream} carries the bytes on. Opened by the guest, it is answered only when the host's side
 * is connected; opened from the host, the SYN is repeated while the guest boots.
 */
final class TcpConnection extends Timers.Timer implements HostStream.Events {
    /** How long the port pair stays reserved after we closed first; guests are near. */
    static final long TIME_WAIT_NANOS = TimeUnit.SECONDS.toNanos(2);

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

    private final TcpStack stack;
    private final Path path;
    private final int guestPort;
    private final int remotePort;
    private final GuestShare share;
    private final TcpSender sender;
    private final TcpReceiver receiver;
    private TcpState state;
    private HostStream host; // set before any event
    private Opener opener; // of an active open
    private boolean hostGone; // closed, or never there
    private boolean hostReads = true; // whether bytes from the host are wanted
    private boolean scaling; // both sides scale windows
    private boolean ackDue;
    private boolean outputShut; // the host knows that the guest sends no more
    private long openDeadline; // of an active open
    private long synPause = FIRST_SYN_PAUSE_NANOS;
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
    }

    /** The guest's SYN arrived; the host's side is being connected. */
    void openedByGuest(TcpSegment syn, int initialSequence) {
        state = TcpState.CONNECTING;
        takeSyn(syn);
        sender.start(initialSequence);
    }

    /** Sends a SYN to the guest, and again until {@code deadline}. */
    void open(HostStream host, Opener opener, int initialSequence, long now, long deadline) {
        this.host = host;
        this.opener = opener;
        state = TcpState.SYN_SENT;
        openDeadline = deadline;
        sender.start(initialSequence);
        sendSyn(now);
    }

    void host(HostStream host) {
        this.host = host;
    }

    private void takeSyn(TcpSegment syn) {
        scaling = syn.windowScale >= 0;
        receiver.start(syn.sequence, scaling);
        sender.peerOptions(syn);
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
            case SYN_SENT -> receiveInSynSent(segment, now);
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

    /** RFC 9293, 3.10.7.3. A simultaneous open is answered by silence: guests do not do that. */
    private void receiveInSynSent(TcpSegment segment, long now) {
        boolean acksOurSyn =
                segment.has(TcpSegment.ACK) && segment.acknowledgement == sender.una() + 1;
        if (segment.has(TcpSegment.ACK) && !acksOurSyn) {
            if (!segment.has(TcpSegment.RST)) {
                refuse(segment);
            }
        } else if (segment.has(TcpSegment.RST)) {
            if (acksOurSyn) {
                fail("the guest refuses connections to port " + guestPort);
            }
        } else if (segment.has(TcpSegment.SYN) && acksOurSyn) {
            takeSyn(segment);
            sender.synAcked(segment, now);
            establish(now);
            ackDue = true;
            opener.opened();
            stack.touch(this);
        }
    }

    /** The guest acknowledges what we never sent. */
    private void refuse(TcpSegment segment) {
        stack.output()
                .reset(path, remotePort, guestPort, segment.acknowledgement, 0, TcpSegment.RST);
    }

    private void establish(long now) {
        stack.leftHalfOpen(this);
        state = TcpState.ESTABLISHED;
        stack.timers().cancel(this);
        host.read(true);
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
            sendSynAck(now); // the first one was lost
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
                refuse(segment);
                return;
            }
            sender.synAcked(segment, now);
            establish(now);
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
        readAgain();
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
            finishHost();
        } else if (next == TcpState.CLOSED) {
            finishHost();
            close();
        }
    }

    private void resetByGuest() {
        if (!hostGone) {
            hostGone = true;
            host.reset();
        }
        close();
    }

    /** RFC 5961, 3.2: the guest tells with its answer whether it meant it. */
    private void challenge() {
        if (stack.mayChallenge()) {
            acknowledge();
        }
    }

    // ---- to the host

    /** After a batch of the guest's segments: bytes to the host, then one ACK for all. */
    void flush() {
        if (state == TcpState.CLOSED) {
            return;
        }
        feedHost();
        if (ackDue && state != TcpState.CLOSED && !state.halfOpen()) {
            acknowledge();
        }
    }

    private void feedHost() {
        while (!hostGone && receiver.hostIsReady()) {
            receiver.handOver(host);
            host.flush();
        }
        if (!hostGone && receiver.finished() && receiver.drained() && !outputShut) {
            outputShut = true;
            host.shutdownOutput();
        }
    }

    /** Both directions are done: what the host has not taken yet goes with the close. */
    private void finishHost() {
        if (!hostGone) {
            hostGone = true;
            receiver.handOver(host);
            host.close();
        }
    }

    @Override
    public void written() {
        if (state == TcpState.CLOSED) {
            return;
        }
        receiver.hostHasTaken();
        feedHost();
        if (state.mayReceive() && receiver.windowUpdateDue()) {
            ackDue = true;
        }
        if (ackDue && !touched) {
            acknowledge();
        }
    }

    // ---- from the host

    @Override
    public void connected() {
        if (state == TcpState.CONNECTING) {
            state = TcpState.SYN_RECEIVED;
            sendSynAck(stack.now());
        }
    }

    @Override
    public void failed(Throwable cause) {
        if (state == TcpState.CONNECTING) {
            hostGone = true;
            stack.unreachable(this, receiver.next(), cause);
            close();
        }
    }

    @Override
    public void received(ByteBuf bytes) {
        if (state == TcpState.CLOSED || hostGone) {
            bytes.release();
            return;
        }
        sender.queue().append(bytes);
        if (hostReads && sender.queue().bytes() >= stack.budget().share()) {
            hostReads = false;
            host.read(false);
        }
        sender.expectMore(true);
        transmit(stack.now());
    }

    @Override
    public void receivedAll() {
        sender.expectMore(false);
        if (state != TcpState.CLOSED && !hostGone) {
            transmit(stack.now());
        }
    }

    private void readAgain() {
        if (!hostReads && !hostGone && sender.queue().bytes() <= stack.budget().share() / 2) {
            hostReads = true;
            host.read(true);
        }
    }

    @Override
    public void ended() {
        if (state != TcpState.CLOSED && !hostGone) {
            sender.finish();
            transmit(stack.now());
        }
    }

    @Override
    public void broken() {
        if (state != TcpState.CLOSED && !hostGone) {
            hostGone = true;
            reset();
        }
    }

    /** Ends the connection at once: the guest gets a reset, and the host too. */
    void reset() {
        if (state != TcpState.CONNECTING && state != TcpState.SYN_SENT) {
            emit(TcpSegment.RST | TcpSegment.ACK, sender.nxt(), sender.queue(), 0, 0, 0);
        }
        resetByGuest();
    }

    private void fail(String reason) {
        hostGone = true;
        opener.failed(new ConnectException("Cannot connect to " + guest() + ": " + reason));
        close();
    }

    // ---- to the guest

    private void transmit(long now) {
        if (!state.maySend()) {
            return;
        }
        sender.transmit(now);
        if (sender.hasUnsent()) {
            if (stack.output().blocked()) {
                stack.waitForPort(this);
            } else if (!sender.inFlight() && !armed()) {
                stack.timers().arm(this, now + sender.rtoNanos()); // the window is closed: probe
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
        if (sender.inFlight() || sender.una() != sender.max()) {
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

    private void acknowledge() {
        emit(TcpSegment.ACK, sender.nxt(), sender.queue(), 0, 0, 0);
    }

    private void sendSynAck(long now) {
        stack.output()
                .synchronize(
                        this,
                        TcpSegment.SYN | TcpSegment.ACK,
                        sender.una(),
                        receiver.next(),
                        receiver.advertiseInSyn(),
                        scaling);
        sender.synSent(now);
        stack.timers().arm(this, now + sender.rtoNanos());
    }

    private void sendSyn(long now) {
        stack.output()
                .synchronize(this, TcpSegment.SYN, sender.una(), 0, stack.initialWindow(), true);
        sender.synSent(now);
        stack.timers().arm(this, Math.min(now + synPause, openDeadline));
        synPause = Math.min(2 * synPause, MAX_SYN_PAUSE_NANOS);
    }

    /** The guest's MAC address is known now: no reason to wait for the timer. */
    void guestAppeared(long now) {
        if (state == TcpState.SYN_SENT) {
            sendSyn(now);
        }
    }

    // ---- time

    @Override
    void expired(long now) {
        switch (state) {
            case SYN_SENT -> synExpired(now);
            case SYN_RECEIVED -> synAckExpired(now);
            case ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK -> dataExpired(now);
            case TIME_WAIT -> close();
            case CONNECTING, FIN_WAIT_2, CLOSED -> {}
        }
    }

    private void synExpired(long now) {
        if (now >= openDeadline) {
            fail("the guest does not answer");
        } else {
            sendSyn(now);
        }
    }

    private void synAckExpired(long now) {
        if (sender.retransmissions() >= MAX_SYN_ACKS || !sender.timeout()) {
            resetByGuest();
        } else {
            sendSynAck(now);
        }
    }

    private void dataExpired(long now) {
        boolean underWay = sender.una() != sender.max();
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
                sender.probeWindow(); // it is closed
            }
        }
        stack.timers().arm(this, now + sender.rtoNanos());
    }

    /** The port pair is wanted for a new connection. */
    void endTimeWait() {
        close();
    }

    private void close() {
        if (state.halfOpen()) {
            stack.leftHalfOpen(this);
        }
        state = TcpState.CLOSED;
        sender.release();
        receiver.release();
        stack.remove(this);
    }

    private String guest() {
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
