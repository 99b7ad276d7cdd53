package org.xenolith.devices.net.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;

import java.util.List;

/** What a proxy has to change in a message's header. */
final class Headers {
    /**
     * Of one connection, not of the way; RFC 9110, 7.6.1. Transfer-Encoding is missing: it tells
     * our encoder how to frame what the decoder of the other side has unframed.
     */
    private static final List<CharSequence> HOP_BY_HOP =
            List.of(
                    HttpHeaderNames.CONNECTION,
                    "keep-alive",
                    "proxy-connection",
                    HttpHeaderNames.TE,
                    HttpHeaderNames.UPGRADE);

    private Headers() {}

    /** Removes what was meant for this hop, and what Connection names. */
    static void removeHopByHop(HttpHeaders headers) {
        for (String value : headers.getAll(HttpHeaderNames.CONNECTION)) {
            for (String name : value.split(",")) {
                String option = name.strip();
                if (!option.isEmpty() && !isFraming(option)) {
                    headers.remove(option);
                }
            }
        }
        HOP_BY_HOP.forEach(headers::remove);
    }

    /**
     * Connection must not be able to take away what says where a message ends, or to whom it goes.
     */
    private static boolean isFraming(String name) {
        return HttpHeaderNames.TRANSFER_ENCODING.contentEqualsIgnoreCase(name)
                || HttpHeaderNames.CONTENT_LENGTH.contentEqualsIgnoreCase(name)
                || HttpHeaderNames.HOST.contentEqualsIgnoreCase(name);
    }

    /** The protocol that a message wants to change to, or null. */
    static String upgrade(HttpMessage message) {
        HttpHeaders headers = message.headers();
        return headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true)
                ? headers.get(HttpHeaderNames.UPGRADE)
                : null;
    }

    static void setUpgrade(HttpHeaders headers, String protocol) {
        headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        headers.set(HttpHeaderNames.UPGRADE, protocol);
    }

    /**
     * Who asked, and for what. A client's own claims are not passed on: we are the first to know.
     */
    static void setForwarded(HttpHeaders headers, String client, String host) {
        headers.set("X-Forwarded-For", client);
        headers.set("X-Forwarded-Host", host);
        headers.set("X-Forwarded-Proto", "http");
        headers.remove("Forwarded");
    }
}
