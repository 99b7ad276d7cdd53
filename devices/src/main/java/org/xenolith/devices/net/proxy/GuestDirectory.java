package org.xenolith.devices.net.proxy;

import io.netty.channel.Channel;
import io.netty.util.concurrent.Future;

import java.util.List;
import java.util.Optional;

/** Which guests there are, and the way to their web servers. Asked on the network's thread. */
public interface GuestDirectory {
    /** Names that are known now, in the order in which a user should see them. */
    List<String> names();

    /**
     * Opens a connection to a guest's web server.
     *
     * @param name in lower case, as it stood in a URL: of no guest, perhaps
     * @return empty if there is no such guest; otherwise a channel of bytes on the network's event
     *     loop, that reads only when asked ({@code autoRead} is off) and has no handlers of its own
     *     behind which the proxy's could not stand
     */
    Optional<Future<Channel>> connect(String name);
}
