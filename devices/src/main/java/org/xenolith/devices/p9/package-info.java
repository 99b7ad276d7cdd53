/**
 * One folder of the host as a 9P2000.L server: the bytes of a T-message in, those of its R-message
 * out. {@link org.xenolith.devices.p9.P9Server} is the way in, {@link
 * org.xenolith.devices.p9.SharedFolder} what is served. Knows no transport. Implements the messages
 * that Linux's client sends, fs/9p and net/9p. Uses {@code libc}.
 *
 * <p>Whoever sends is hostile and must not leave the folder. So no path is ever given to the host's
 * kernel, but a descriptor and one name; links are never followed, the client does that itself; and
 * what a client has walked to stays what it was, whatever is renamed meanwhile. What is not a
 * regular file or a folder is never opened.
 *
 * @see <a href="https://github.com/chaos/diod/blob/master/protocol.md">9P2000.L</a>
 */
package org.xenolith.devices.p9;
