package org.xenolith.devices.net.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whom a request is for.
 *
 * @param host with port, as the client wrote it
 * @param name of the guest, in lower case: all that stands before {@code .localhost}, since a
 *     guest's name may have dots; of a host elsewhere the first label
 */
record Authority(String host, String name) {
    private static final Pattern HOST =
            Pattern.compile("([A-Za-z0-9_-]{1,63}(?:\\.[A-Za-z0-9_-]{1,63})*)\\.?(?::[0-9]{0,5})?");

    private static final String LOCAL = ".localhost";

    private static final String SCHEME = "http://";

    /** Null unless there is exactly one, and it can be a name's. RFC 9112, 3.2. */
    static Authority of(HttpRequest request) {
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        boolean optional = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        if (hosts.size() > 1 || hosts.isEmpty() && !optional) {
            return null;
        }
        // RFC 9112, 3.2.2: the target's authority counts, if it has one.
        String host =
                isAbsolute(request.uri())
                        ? request.uri().substring(SCHEME.length(), pathIndex(request.uri()))
                        : hosts.isEmpty() ? "localhost" : hosts.getFirst();
        Matcher matcher = HOST.matcher(host);
        return matcher.matches()
                ? new Authority(host, nameIn(matcher.group(1).toLowerCase(Locale.ROOT)))
                : null;
    }

    private static String nameIn(String host) {
        if (host.endsWith(LOCAL)) {
            return host.substring(0, host.length() - LOCAL.length());
        }
        int dot = host.indexOf('.');
        return dot < 0 ? host : host.substring(0, dot);
    }

    /** The target as a server that is no proxy expects it. */
    static String originForm(String uri) {
        if (!isAbsolute(uri)) {
            return uri;
        }
        String path = uri.substring(pathIndex(uri));
        return path.startsWith("/") ? path : "/" + path;
    }

    private static boolean isAbsolute(String uri) {
        return uri.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
    }

    private static int pathIndex(String uri) {
        for (int i = SCHEME.length(); i < uri.length(); i++) {
            if (uri.charAt(i) == '/' || uri.charAt(i) == '?') {
                return i;
            }
        }
        return uri.length();
    }
}
