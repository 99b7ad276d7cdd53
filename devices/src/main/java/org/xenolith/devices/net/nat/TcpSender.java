package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBufAllocator;

import java.util.concurrent.TimeUnit;

/**
 * What goes to the guest on one connection: bytes not acknowledged yet, the guest's window, and
 * when to send again. Loss is rare between a guest and its host, so recovery is NewReno without
 * selective acknowledgements. RFC 9293, 3.8; RFC 5681; RFC 6582; RFC 6298.
 */
final class TcpSender {
    /** Segments that may be under way before the first acknowledgement. RFC 6928. */
    private static final int INITIAL_WINDOW_SEGMENTS = 10;

    private static final int DUPLICATE_ACKS = 3;

    /** Timeouts in a row after which the guest counts as gone: about two minutes. */
    private static final int MAX_RETRANSMISSIONS = 10;

    private static final int MAX_CONGESTION_WINDOW = 8 << 20;

    /** How long small segments are avoided at most. RFC 1122, 4.2.3.4: 0.1 to 1 s. */
    private static final long OVERRIDE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final TcpConnection connection;
    private final TcpOutput output;
    private final ByteQueue queue; // from una on
    private final RttEstimator rtt = new RttEstimator();
    private int una; // SND.UNA
    private int nxt; // SND.NXT; goes back to una at a timeout
    private int max; // behind the highest byte ever sent
    private int window; // SND.WND, in bytes
    private int windowSequence, windowAck; // SND.WL1, SND.WL2
    private int maxWindow; // largest the guest ever offered
    private int scale; // shift of the guest's window
    private int mss;
    private int maxSegmentBytes;
    private int congestionWindow;
    private int slowStartThreshold = MAX_CONGESTION_WINDOW;
    private int duplicateAcks;
    private int recover; // highest byte sent when the last recovery began
    private boolean recovering;
    private boolean timing; // a segment is being timed
    private int timedSequence;
    private long timedAt;
    private int retransmissions; // timeouts in a row
    private boolean moreAtHand; // the host's socket is being read: more follows at once
    private boolean finQueued;
    private boolean finAcked;

    TcpSender(
            TcpConnection connection,
            TcpOutput output,
            ByteBufAllocator allocator,
            BufferBudget budget) {
        this.connection = connection;
        this.output = output;
        this.queue = new ByteQueue(allocator, budget);
    }

    void start(int initialSequence) {
        una = initialSequence;
        nxt = initialSequence;
        max = initialSequence;
        recover = initialSequence;
    }

    /** What the guest's SYN says about segments to it. */
    void peerOptions(TcpSegment syn) {
        mss = Math.clamp(syn.mss, 64, TcpOutput.ownMss(connection.path()));
        scale = Math.max(syn.windowScale, 0);
        maxSegmentBytes = output.maxSegmentBytes(connection.path(), mss);
        congestionWindow = INITIAL_WINDOW_SEGMENTS * mss;
        window = syn.window;
        maxWindow = window;
        windowSequence = syn.sequence;
    }

    ByteQueue queue() {
        return queue;
    }

    int una() {
        return una;
    }

    int nxt() {
        return nxt;
    }

    long rtoNanos() {
        return rtt.rtoNanos();
    }

    /** Our SYN, or SYN-ACK, is out. */
    void synSent(long now) {
        nxt = una + 1;
        max = nxt;
        timing = retransmissions == 0;
        timedSequence = nxt;
        timedAt = now;
    }

    /** Our SYN is acknowledged. */
    void synAcked(TcpSegment segment, long now) {
        una++;
        recover = una;
        sampleRoundTrip(now);
        retransmissions = 0;
        slowStartThreshold = MAX_CONGESTION_WINDOW; // a lost SYN says nothing about it
        updateWindow(segment);
    }

    /**
     * Says whether the host's bytes are still being read. While they are, only the largest frames
     * are sent: a guest works as much for the few bytes between one read and the next as for 64
     * KiB.
     */
    void expectMore(boolean expected) {
        moreAtHand = expected;
    }

    /** Nothing follows what is queued. */
    void finish() {
        finQueued = true;
    }

    boolean finished() {
        return finAcked;
    }

    /** Whether an acknowledgement in this segment is one that the guest may have sent. */
    boolean mayAcknowledge(int ack) {
        return !TcpSegment.before(max, ack) && ack - una >= -Math.max(maxWindow, 1 << 16);
    }

    /**
     * Takes the acknowledgement and the window of a segment.
     *
     * @return whether something was acknowledged for the first time
     */
    boolean acknowledge(TcpSegment segment, long now) {
        int ack = segment.acknowledgement;
        boolean fresh = TcpSegment.before(una, ack);
        if (fresh) {
            advance(ack, now);
        } else if (ack == una && isDuplicate(segment)) {
            duplicate(now);
        }
        if (TcpSegment.before(windowSequence, segment.sequence)
                || windowSequence == segment.sequence && !TcpSegment.before(ack, windowAck)) {
            updateWindow(segment);
        }
        if (window == 0 || !underWay()) {
            retransmissions = 0; // the guest lives, it only has no room
        }
        return fresh;
    }

    private boolean isDuplicate(TcpSegment segment) {
        return segment.payloadBytes == 0
                && !segment.has(TcpSegment.FIN)
                && TcpSegment.before(una, max)
                && segment.window << scale == window;
    }

    private void updateWindow(TcpSegment segment) {
        window = segment.has(TcpSegment.SYN) ? segment.window : segment.window << scale;
        maxWindow = Math.max(maxWindow, window);
        windowSequence = segment.sequence;
        windowAck = segment.acknowledgement;
    }

    private void advance(int ack, long now) {
        int acked = ack - una;
        int data = Math.min(acked, queue.bytes());
        queue.discard(data);
        finAcked |= acked > data;
        una = ack;
        if (TcpSegment.before(nxt, una)) {
            nxt = una; // sent before the timeout, and it arrived after all
        }
        if (timing && !TcpSegment.before(ack, timedSequence)) {
            sampleRoundTrip(now);
        }
        retransmissions = 0;
        duplicateAcks = 0;
        if (recovering) {
            continueRecovery(acked, now);
        } else {
            growWindow(acked);
        }
        connection.armRetransmission(now);
    }

    private void sampleRoundTrip(long now) {
        if (timing) {
            rtt.sample(now - timedAt);
            timing = false;
        }
    }

    /** RFC 5681, 3.1: by what was acknowledged in slow start, then a segment per window. */
    private void growWindow(int acked) {
        int step =
                congestionWindow < slowStartThreshold
                        ? acked
                        : Math.max(1, (int) ((long) mss * Math.min(acked, mss) / congestionWindow));
        congestionWindow = Math.min(congestionWindow + step, MAX_CONGESTION_WINDOW);
    }

    private void duplicate(long now) {
        duplicateAcks++;
        if (recovering) {
            congestionWindow += mss;
        } else if (duplicateAcks == DUPLICATE_ACKS && TcpSegment.before(recover, una + 1)) {
            recovering = true;
            recover = max;
            reduceThreshold();
            congestionWindow = slowStartThreshold + DUPLICATE_ACKS * mss;
            retransmitFirst();
            connection.armRetransmission(now);
        }
    }

    /** RFC 6582, 3.2: a partial acknowledgement names the next segment that is missing. */
    private void continueRecovery(int acked, long now) {
        if (TcpSegment.before(una, recover)) {
            congestionWindow = Math.max(congestionWindow - acked, 0) + mss;
            retransmitFirst();
        } else {
            recovering = false;
            congestionWindow = Math.min(slowStartThreshold, Math.max(max - una, mss) + mss);
        }
    }

    private void reduceThreshold() {
        slowStartThreshold = Math.max((max - una) / 2, 2 * mss);
    }

    private void retransmitFirst() {
        timing = false; // Karn: which of the two is acknowledged cannot be told
        int length = Math.min(queue.bytes(), mss);
        boolean fin = finQueued && length == queue.bytes() && !finAcked && una + length != max;
        if (length > 0 || fin) {
            emit(una, length, fin);
            if (TcpSegment.before(nxt, una + length)) {
                nxt = una + length;
            }
        }
    }

    /** The retransmission timer expired. False when the guest counts as gone. RFC 6298, 5.4. */
    boolean timeout() {
        if (++retransmissions > MAX_RETRANSMISSIONS) {
            return false;
        }
        rtt.backOff();
        timing = false;
        recovering = false;
        duplicateAcks = 0;
        if (retransmissions == 1) {
            reduceThreshold();
        }
        recover = max;
        congestionWindow = mss;
        nxt = una;
        return true;
    }

    /** The guest's window stayed as it was. False when the guest counts as gone. */
    boolean probeTimeout() {
        if (window > 0) {
            return true; // nothing was asked: what fits goes now
        }
        rtt.backOff();
        return ++retransmissions <= MAX_RETRANSMISSIONS;
    }

    /** How often in a row nothing came back. */
    int retransmissions() {
        return retransmissions;
    }

    boolean inFlight() {
        return nxt != una;
    }

    /** Whether something sent, be it before a timeout, is not acknowledged. */
    boolean underWay() {
        return una != max;
    }

    /** How long to wait for a larger window when nothing can be sent. RFC 9293, 3.8.6. */
    long persistNanos() {
        return window > 0 && !underWay()
                ? Math.min(rtt.rtoNanos(), OVERRIDE_NANOS)
                : rtt.rtoNanos();
    }

    /** Whether there is more to send, once the guest has room. */
    boolean hasUnsent() {
        int unsent = una + queue.bytes() - nxt;
        return unsent > 0 || unsent == 0 && finQueued && !finAcked;
    }

    /** Sends what the guest's window, the congestion window and the switch allow. */
    void transmit(long now) {
        while (transmitOne(now)) {
            // until one of the three is exhausted
        }
    }

    private boolean transmitOne(long now) {
        int unsent = una + queue.bytes() - nxt; // -1 when the FIN is out
        if (unsent < 0 || finAcked || output.blocked()) {
            return false;
        }
        int inFlight = nxt - una;
        int usable = Math.min(window, congestionWindow) - inFlight;
        int length = worthSending(Math.min(unsent, usable), unsent, inFlight);
        boolean fin = finQueued && length == unsent && usable > length;
        if (length <= 0 && !fin) {
            return false;
        }
        sendNext(length, fin, now);
        return true;
    }

    private void sendNext(int length, boolean fin, long now) {
        if (!timing && nxt == max) {
            timing = true;
            timedSequence = nxt + length + (fin ? 1 : 0);
            timedAt = now;
        }
        boolean first = !inFlight();
        emit(nxt, length, fin);
        nxt += length + (fin ? 1 : 0);
        if (TcpSegment.before(max, nxt)) {
            max = nxt;
        }
        if (first) {
            connection.armRetransmission(now);
        }
    }

    /**
     * The guest has had time to open its window and has not: sends as much as fits, however little
     * that is, or asks when nothing does. RFC 9293, 3.8.6.2.1, (4).
     */
    void overrideOrProbe(long now) {
        int unsent = una + queue.bytes() - nxt;
        int length = Math.min(Math.min(unsent, window), mss);
        if (length > 0) {
            sendNext(length, finQueued && length == unsent && window > length, now);
        } else {
            probeWindow();
        }
    }

    /** Avoids the silly window: full segments, all there is, or half of what the guest ever had. */
    private int worthSending(int possible, int unsent, int inFlight) {
        int length = Math.min(possible, maxSegmentBytes);
        if (moreAtHand && length == unsent && length < maxSegmentBytes) {
            return 0;
        }
        if (length == unsent || length <= 0) {
            return Math.max(length, 0);
        }
        if (length >= mss) {
            return length / mss * mss;
        }
        return inFlight == 0 && 2 * length >= maxWindow ? length : 0;
    }

    private void emit(int sequence, int length, boolean fin) {
        int offset = sequence - una;
        int flags = TcpSegment.ACK;
        if (length > 0 && offset + length == queue.bytes()) {
            flags |= TcpSegment.PSH;
        }
        if (fin) {
            flags |= TcpSegment.FIN;
            connection.finSent();
        }
        connection.emit(flags, sequence, queue, offset, length, mss);
    }

    /** A segment that says nothing new, so that the guest answers with its window. */
    private void probeWindow() {
        connection.emit(TcpSegment.ACK, una - 1, queue, 0, 0, mss);
    }

    void release() {
        queue.release();
    }
}
