package org.xenolith.core.xenstore;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A guest's connection as a state machine between two byte streams: fed with request bytes, cut
 * anywhere, it gives reply and event bytes to be fetched in any amounts. It knows nothing of rings.
 *
 * <p>Memory is bounded: a message is limited by the protocol, the caller stops feeding while {@link
 * #acceptsRequests} says so, and events melt together (see {@link EventQueue}). A guest that breaks
 * the protocol loses its connection for good, as with Xen's xenstored.
 *
 * <p>One thread at a time feeds and fetches; events come from any thread.
 */
public final class XenstoreConnection implements Watcher {
    /** Why a connection is no longer served: {@code XENSTORE_ERROR_*} of public/io/xs_wire.h. */
    public enum Failure {
        NONE(0),
        /** Communication problem. */
        COMM(1),
        /** Invalid ring index. */
        RINGIDX(2),
        /** Payload too long. */
        PROTO(3);

        private final int code;

        Failure(int code) {
            this.code = code;
        }

        /** The value of the page's {@code error} field. */
        public int code() {
            return code;
        }
    }

    private record Reply(byte[] bytes, long sequence) {}

    private static final byte[] NOTHING = {};

    private final Xenstore store;
    private final int domid;
    private final int maxReplies;
    private final Runnable attention;
    private final GuestSession session;

    // Parser: only the feeding thread.
    private final byte[] header = new byte[Message.HEADER_SIZE];
    private byte[] payload;
    private int filled;

    // Output: guarded by the store's lock.
    private final Queue<Reply> replies = new ArrayDeque<>();
    private final EventQueue events;
    private long sequence;
    private Watch justRegistered;
    private byte[] outgoing = NOTHING;
    private int sent;
    private Failure failure = Failure.NONE;
    private boolean released;

    XenstoreConnection(Xenstore store, int domid, Quota quota, Runnable attention) {
        this.store = store;
        this.domid = domid;
        this.maxReplies = quota.outstanding();
        this.attention = Objects.requireNonNull(attention);
        this.events = new EventQueue(quota.eventBytes());
        this.session = new GuestSession(store, this, quota);
    }

    @Override
    public int domid() {
        return domid;
    }

    /** Takes request bytes and performs the requests that they complete. */
    public void feed(byte[] bytes, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        int at = offset;
        int end = offset + length;
        while (at < end && failure() == Failure.NONE) {
            byte[] part = payload == null ? header : payload;
            int count = Math.min(part.length - filled, end - at);
            System.arraycopy(bytes, at, part, filled, count);
            at += count;
            filled += count;
            if (filled == part.length) {
                partComplete();
            }
        }
    }

    private void partComplete() {
        filled = 0;
        if (payload != null) {
            messageComplete(payload);
            return;
        }
        long length = Message.announcedLength(header);
        if (length > Message.PAYLOAD_MAX) {
            fail(Failure.PROTO);
        } else if (length == 0) {
            messageComplete(NOTHING);
        } else {
            payload = new byte[(int) length];
        }
    }

    private void messageComplete(byte[] completePayload) {
        Message request = Message.of(header, completePayload);
        payload = null;
        store.serve(() -> perform(request));
    }

    private void perform(Message request) {
        if (failure != Failure.NONE || released) {
            return;
        }
        Message reply = session.answer(request);
        replies.add(new Reply(reply.toBytes(), sequence++));
        if (justRegistered != null) {
            Watch watch = justRegistered;
            justRegistered = null;
            fired(watch, watch.spelled());
        }
    }

    /** Fetches reply and event bytes; returns how many, 0 when there are none now. */
    public int fetch(byte[] into, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, into.length);
        return store.locked(() -> fetchLocked(into, offset, length));
    }

    private int fetchLocked(byte[] into, int offset, int length) {
        int fetched = 0;
        while (fetched < length && (sent < outgoing.length || nextOutgoing())) {
            int count = Math.min(length - fetched, outgoing.length - sent);
            System.arraycopy(outgoing, sent, into, offset + fetched, count);
            sent += count;
            fetched += count;
        }
        return fetched;
    }

    private boolean nextOutgoing() {
        sent = 0;
        outgoing = NOTHING;
        Reply reply = replies.peek();
        if (reply != null && reply.sequence() < events.firstSequence()) {
            outgoing = replies.remove().bytes();
        } else if (!events.isEmpty()) {
            outgoing = events.poll().message().toBytes();
        }
        return outgoing.length > 0;
    }

    /** Whether there is something to fetch. */
    public boolean hasOutput() {
        return store.locked(
                () -> sent < outgoing.length || !replies.isEmpty() || !events.isEmpty());
    }

    /**
     * Whether requests may be fed: not while the guest leaves too many replies unread, and not
     * after a failure.
     */
    public boolean acceptsRequests() {
        return store.locked(
                () -> failure == Failure.NONE && !released && replies.size() < maxReplies);
    }

    public Failure failure() {
        return store.locked(() -> failure);
    }

    /**
     * What a copy of the domain needs to go on. Called while nobody feeds or fetches; the
     * connection itself goes on as well.
     */
    public ConnectionState save() {
        return store.locked(
                () ->
                        new ConnectionState(
                                partialRequest(),
                                unfetched(),
                                session.savedWatches(),
                                session.openTransactions(),
                                session.lastTransactionId()));
    }

    /** Becomes what was saved; under the store's lock and before anything else. */
    void restore(ConnectionState saved) {
        session.restore(saved);
        outgoing = saved.output().clone();
        byte[] input = saved.input();
        int inHeader = Math.min(input.length, header.length);
        System.arraycopy(input, 0, header, 0, inHeader);
        filled = inHeader;
        if (inHeader == header.length) {
            partComplete();
            filled = input.length - inHeader;
            System.arraycopy(input, inHeader, payload, 0, filled);
        }
    }

    private byte[] partialRequest() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(header, 0, payload == null ? filled : header.length);
        if (payload != null) {
            bytes.write(payload, 0, filled);
        }
        return bytes.toByteArray();
    }

    private byte[] unfetched() {
        SortedMap<Long, byte[]> inOrder = new TreeMap<>();
        replies.forEach(reply -> inOrder.put(reply.sequence(), reply.bytes()));
        events.queued().forEach((event, place) -> inOrder.put(place, event.message().toBytes()));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(outgoing, sent, outgoing.length - sent);
        inOrder.values().forEach(bytes::writeBytes);
        return bytes.toByteArray();
    }

    /** Gives the connection up: watches, transactions and all that was not fetched are dropped. */
    public void fail(Failure reason) {
        store.locked(
                () -> {
                    failure = reason;
                    discardLocked();
                    return null;
                });
    }

    /** The domain is gone; under the store's lock. */
    void release() {
        released = true;
        discardLocked();
    }

    private void discardLocked() {
        session.reset();
        replies.clear();
        events.clear();
        outgoing = NOTHING;
        sent = 0;
    }

    /** Queues the first event of a new watch, which comes right behind the reply to its request. */
    void fireAfterReply(Watch watch) {
        justRegistered = watch;
    }

    @Override
    public void fired(Watch watch, String spelledPath) {
        events.add(watch, spelledPath, sequence++);
        store.hasEvents(this);
    }

    @Override
    public void forget(Watch watch) {
        events.forget(watch);
    }

    /** Tells the domain that events wait; without a lock. */
    void callAttention() {
        attention.run();
    }
}
