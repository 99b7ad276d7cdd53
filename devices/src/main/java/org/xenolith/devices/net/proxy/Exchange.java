package org.xenolith.devices.net.proxy;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;

/** One request and what has become of it. */
final class Exchange {
    final HttpRequest request; // as it goes to the guest
    final Authority authority;
    final boolean hasBody;
    boolean keepAlive;

    /** Whether the client has sent all of it. */
    boolean requestDone;

    boolean responseStarted;

    /** Whether an idle connection is used, which the guest may be closing just now. */
    boolean reusesConnection;

    private Exchange(HttpRequest request, Authority authority, boolean keepAlive) {
        this.request = request;
        this.authority = authority;
        this.keepAlive = keepAlive;
        hasBody = HttpUtil.isTransferEncodingChunked(request) || hasContent(request);
    }

    private static boolean hasContent(HttpRequest request) {
        String length = request.headers().get(HttpHeaderNames.CONTENT_LENGTH);
        return length != null && !length.equals("0");
    }

    /**
     * @param client address that the request came from
     */
    static Exchange of(HttpRequest received, Authority authority, String client) {
        boolean keepAlive = HttpUtil.isKeepAlive(received);
        String upgrade = Headers.upgrade(received);
        HttpRequest request =
                new DefaultHttpRequest(
                        received.protocolVersion(),
                        received.method(),
                        Authority.originForm(received.uri()),
                        received.headers().copy());
        Headers.removeHopByHop(request.headers());
        Headers.setForwarded(request.headers(), client, authority.host());
        if (upgrade == null) {
            HttpUtil.setKeepAlive(request, true);
        } else {
            Headers.setUpgrade(request.headers(), upgrade);
        }
        request.headers().set(HttpHeaderNames.HOST, authority.host());
        return new Exchange(request, authority, keepAlive);
    }

    /**
     * Whether a connection that was idle may carry it. If the guest closes that one at the same
     * moment, the request has to be sent again, which only this kind allows. RFC 9110, 9.2.2.
     */
    boolean isRepeatable() {
        HttpMethod method = request.method();
        return !hasBody && (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD));
    }

    /**
     * Says how the client finds the end of an answer, which may have been the end of the stream.
     */
    void frame(HttpResponse response) {
        boolean hasEnd =
                HttpUtil.isContentLengthSet(response)
                        || HttpUtil.isTransferEncodingChunked(response)
                        || request.method().equals(HttpMethod.HEAD)
                        || response.status().equals(HttpResponseStatus.NO_CONTENT)
                        || response.status().equals(HttpResponseStatus.NOT_MODIFIED);
        boolean chunks = request.protocolVersion().equals(HttpVersion.HTTP_1_1);
        if (!hasEnd && chunks) {
            HttpUtil.setTransferEncodingChunked(response, true);
        }
        keepAlive &= (hasEnd || chunks) && requestDone;
        response.setProtocolVersion(HttpVersion.HTTP_1_1);
        HttpUtil.setKeepAlive(response.headers(), request.protocolVersion(), keepAlive);
    }
}
