/**
 * A reverse HTTP proxy in front of the guests: {@code http://web1.localhost:8080} is the web server
 * of the guest web1. It knows names and byte streams, neither frames nor guests.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110">RFC 9110, HTTP semantics</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112">RFC 9112, HTTP/1.1</a>
 */
package org.xenolith.devices.net.proxy;
