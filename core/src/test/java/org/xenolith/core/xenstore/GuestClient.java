package org.xenolith.core.xenstore;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A guest's xenbus driver for tests: speaks the wire, one request at a time. */
final class GuestClient {
    private final XenstoreConnection connection;
    private final List<String> events = new ArrayList<>();
    private int requestId = 100;
    private int transaction;

    GuestClient(XenstoreConnection connection) {
        this.connection = connection;
    }

    static GuestClient of(Xenstore store, int domid) {
        return new GuestClient(store.introduce(domid, () -> {}));
    }

    XenstoreConnection connection() {
        return connection;
    }

    /** Sends the strings, each terminated, and returns the reply's strings joined by a bar. */
    String ask(MessageType type, String... strings) {
        return askRaw(type.code(), Message.strings(strings));
    }

    String askRaw(int type, byte[] payload) {
        Message request = new Message(type, ++requestId, transaction, payload);
        byte[] bytes = request.toBytes();
        connection.feed(bytes, 0, bytes.length);
        String reply = null;
        for (Message message : fetchAll()) {
            if (message.type() == MessageType.WATCH_EVENT.code()) {
                events.add(text(message));
            } else if (reply == null && message.requestId() == requestId) {
                reply = text(message);
            } else {
                throw new AssertionError("unexpected message " + message + ": " + text(message));
            }
        }
        return reply;
    }

    String read(String path) {
        return ask(MessageType.READ, path);
    }

    String write(String path, String value) {
        return askRaw(
                MessageType.WRITE.code(),
                (path + "\0" + value).getBytes(StandardCharsets.ISO_8859_1));
    }

    String rm(String path) {
        return ask(MessageType.RM, path);
    }

    String mkdir(String path) {
        return ask(MessageType.MKDIR, path);
    }

    String list(String path) {
        return ask(MessageType.DIRECTORY, path);
    }

    String watch(String path, String token) {
        return ask(MessageType.WATCH, path, token);
    }

    /** Starts a transaction, in which everything goes on until {@link #end}. */
    String begin() {
        String id = ask(MessageType.TRANSACTION_START, "");
        transaction = Integer.parseUnsignedInt(id);
        return id;
    }

    String end(boolean commit) {
        String reply = ask(MessageType.TRANSACTION_END, commit ? "T" : "F");
        transaction = 0;
        return reply;
    }

    /** Speaks inside another transaction from now on, 0 for none. */
    void use(int transactionId) {
        transaction = transactionId;
    }

    /** Events since the last call, each {@code path|token}. */
    List<String> events() {
        for (Message message : fetchAll()) {
            events.add(text(message));
        }
        List<String> copy = List.copyOf(events);
        events.clear();
        return copy;
    }

    List<Message> fetchAll() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[333];
        for (int count; (count = connection.fetch(buffer, 0, buffer.length)) > 0; ) {
            all.write(buffer, 0, count);
        }
        return parse(all.toByteArray());
    }

    static List<Message> parse(byte[] stream) {
        ByteBuffer in = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
        List<Message> messages = new ArrayList<>();
        while (in.hasRemaining()) {
            byte[] header = new byte[Message.HEADER_SIZE];
            in.get(header);
            byte[] payload = new byte[(int) Message.announcedLength(header)];
            in.get(payload);
            messages.add(Message.of(header, payload));
        }
        return messages;
    }

    static String text(Message message) {
        String text = new String(message.payload(), StandardCharsets.ISO_8859_1);
        return (text.endsWith("\0") ? text.substring(0, text.length() - 1) : text)
                .replace('\0', '|');
    }
}
