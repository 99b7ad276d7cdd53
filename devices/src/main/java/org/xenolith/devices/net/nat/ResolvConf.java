package org.xenolith.devices.net.nat;

import io.netty.util.NetUtil;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The host's name servers, read again when their file has changed: a laptop changes networks while
 * its guests run. No file, no servers. See resolv.conf(5).
 */
final class ResolvConf implements Supplier<List<InetSocketAddress>> {
    static final Path SYSTEM = Path.of("/etc/resolv.conf");

    private static final long CHECK_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int MAX_SERVERS = 3; // as the C library

    private final Path file;
    private final NatClock clock;
    private List<InetSocketAddress> servers = List.of();
    private FileTime modified; // null before the first look, or without a file
    private long nextCheck;

    ResolvConf(Path file, NatClock clock) {
        this.file = file;
        this.clock = clock;
    }

    @Override
    public List<InetSocketAddress> get() {
        long now = clock.now();
        if (now >= nextCheck) {
            nextCheck = now + CHECK_NANOS;
            readIfChanged();
        }
        return servers;
    }

    private void readIfChanged() {
        try {
            FileTime time = Files.getLastModifiedTime(file);
            if (!time.equals(modified)) {
                servers = parse(Files.readAllLines(file, StandardCharsets.ISO_8859_1));
                modified = time;
            }
        } catch (IOException noFile) {
            servers = List.of();
            modified = null;
        }
    }

    static List<InetSocketAddress> parse(List<String> lines) throws UnknownHostException {
        List<InetSocketAddress> servers = new ArrayList<>();
        for (String line : lines) {
            String[] words = line.strip().split("\\s+");
            if (words.length >= 2
                    && words[0].equals("nameserver")
                    && servers.size() < MAX_SERVERS) {
                byte[] address = NetUtil.createByteArrayFromIpAddressString(words[1]);
                if (address != null) {
                    InetAddress server = InetAddress.getByAddress(address);
                    servers.add(new InetSocketAddress(server, DnsMessage.PORT));
                }
            }
        }
        return servers;
    }
}
