package org.xenolith.devices.net.proxy;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;

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
     * @param handler of the new channel, which carries bytes and runs on the network's event loop
     * @return empty if there is no such guest; a future that fails with a sentence if it does not
     *     answer
     */
    Optional<ChannelFuture> connect(String name, ChannelHandler handler);
}
