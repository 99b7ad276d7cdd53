package org.xenolith.devices.net;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What one of a guest's network interfaces is joined to, as a user writes it:
 *
 * <pre>
 * network  = uplink *( "," option )
 * uplink   = "nat"                                user-mode NAT, no rights needed
 *          | "none"                               the other guests only
 *          | "tap:" NAME                          a TAP device of the host
 *          | "udp:" address "," address           datagrams: where we receive, where the peer does
 *          | "stream:connect=" address            TCP, as QEMU's -netdev stream
 *          | "stream:listen=" address
 * address  = [ HOST ] ":" PORT                    no host: 127.0.0.1; IPv6 in brackets
 * option   = "mac=" MAC                           of the guest's interface
 *          | "mac-check=" ( "on" | "off" )      whether it may send from that address alone
 *          | "devid=" integer                     its number, 0 to 255; else the first that is free
 *          | "ipv6=" ( "on" | "off" )           of nat, which gives it to a guest that asks
 *          | "pcap=" FILE                         what the guest sends and receives, as on a cable
 *          | "delay=" time | "jitter=" time       in each direction; time = number (s | ms | us)
 *          | "loss=" share | "duplicate=" share | "reorder=" share          share = number "%"
 *          | "rate=" number (bit | kbit | mbit | gbit)                      powers of 1,000
 *          | "seed=" integer                      of the chances
 * </pre>
 *
 * @param number of the interface among its guest's; empty: the smallest that is free
 * @param macCheck whether the guest may send from the interface's address alone
 * @param ipv6 whether the NAT, if it is the uplink, speaks it with the guest
 * @param impairment empty when no option asks for one
 */
public record NetworkSpec(
        Uplink uplink,
        Optional<MacAddress> address,
        Optional<Integer> number,
        boolean macCheck,
        boolean ipv6,
        Optional<Path> capture,
        Optional<Impairment> impairment) {
    /** Where frames go that are not for another guest. */
    public sealed interface Uplink {
        record Nat() implements Uplink {}

        record None() implements Uplink {}

        /**
         * @param name of the interface on the host, 1 to 15 bytes
         */
        record Tap(String name) implements Uplink {}

        /** Addresses are not resolved yet. */
        record Udp(InetSocketAddress local, InetSocketAddress remote) implements Uplink {}

        record StreamConnect(InetSocketAddress remote) implements Uplink {}

        record StreamListen(InetSocketAddress local) implements Uplink {}
    }

    /** {@code IFNAMSIZ} of {@code <net/if.h>}, with the byte that ends the name. */
    private static final int IFNAMSIZ = 16;

    private static final int MAX_NUMBER = 255;

    private static final String FORMS =
            "nat, none, tap:NAME, udp:LOCAL,REMOTE, stream:connect=HOST:PORT or"
                    + " stream:listen=HOST:PORT";

    /**
     * @throws IllegalArgumentException with a sentence that names what is wrong
     */
    public static NetworkSpec parse(String text) {
        List<String> words = new ArrayList<>(List.of(text.split(",", -1)));
        try {
            Uplink uplink = uplink(words);
            Options options = new Options();
            words.forEach(options::take);
            if (!options.ipv6 && !(uplink instanceof Uplink.Nat)) {
                throw new IllegalArgumentException("ipv6 is an option of nat only");
            }
            return new NetworkSpec(
                    uplink,
                    Optional.ofNullable(options.address),
                    Optional.ofNullable(options.number),
                    options.macCheck,
                    options.ipv6,
                    Optional.ofNullable(options.capture),
                    options.impairment());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("Network '" + text + "': " + e.getMessage(), e);
        }
    }

    /** The same with a number. */
    public NetworkSpec withNumber(int chosen) {
        return new NetworkSpec(
                uplink, address, Optional.of(chosen), macCheck, ipv6, capture, impairment);
    }

    /** The same for an interface of another guest: without the address and the capture of this. */
    public NetworkSpec ofAnother() {
        return new NetworkSpec(
                uplink, Optional.empty(), number, macCheck, ipv6, Optional.empty(), impairment);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(text(uplink));
        address.ifPresent(mac -> text.append(",mac=").append(mac));
        number.ifPresent(id -> text.append(",devid=").append(id));
        text.append(macCheck ? "" : ",mac-check=off");
        text.append(ipv6 ? "" : ",ipv6=off");
        capture.ifPresent(file -> text.append(",pcap=").append(file));
        impairment.ifPresent(line -> text.append(text(line)));
        return text.toString();
    }

    private static String text(Uplink uplink) {
        return switch (uplink) {
            case Uplink.Nat() -> "nat";
            case Uplink.None() -> "none";
            case Uplink.Tap(String name) -> "tap:" + name;
            case Uplink.Udp(InetSocketAddress local, InetSocketAddress remote) ->
                    "udp:" + text(local) + "," + text(remote);
            case Uplink.StreamConnect(InetSocketAddress remote) -> "stream:connect=" + text(remote);
            case Uplink.StreamListen(InetSocketAddress local) -> "stream:listen=" + text(local);
        };
    }

    private static String text(InetSocketAddress address) {
        String host = address.getHostString();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    private static String text(Impairment line) {
        return ",delay=%s,jitter=%s,loss=%s,duplicate=%s,reorder=%s,rate=%dbit,seed=%d"
                .formatted(
                        Quantity.micros(line.delayNanos()),
                        Quantity.micros(line.jitterNanos()),
                        Quantity.percent(line.loss()),
                        Quantity.percent(line.duplicate()),
                        Quantity.percent(line.reorder()),
                        line.bitsPerSecond(),
                        line.seed());
    }

    /** Removes the words that belong to the uplink. */
    private static Uplink uplink(List<String> words) {
        String word = words.removeFirst();
        int colon = word.indexOf(':');
        String kind = colon < 0 ? word : word.substring(0, colon);
        String argument = colon < 0 ? "" : word.substring(colon + 1);
        return switch (kind) {
            case "nat" -> {
                requireNoArgument(kind, argument);
                yield new Uplink.Nat();
            }
            case "none" -> {
                requireNoArgument(kind, argument);
                yield new Uplink.None();
            }
            case "tap" -> new Uplink.Tap(tapName(argument));
            case "udp" -> {
                if (words.isEmpty() || words.getFirst().contains("=")) {
                    throw new IllegalArgumentException("udp needs two addresses, udp:LOCAL,REMOTE");
                }
                yield new Uplink.Udp(address(argument), address(words.removeFirst()));
            }
            case "stream" -> stream(argument);
            default ->
                    throw new IllegalArgumentException(
                            "'" + kind + "' is no kind of network; write " + FORMS);
        };
    }

    private static void requireNoArgument(String kind, String argument) {
        if (!argument.isEmpty()) {
            throw new IllegalArgumentException(
                    kind + " takes nothing behind a colon; options follow behind commas");
        }
    }

    private static String tapName(String name) {
        if (!name.matches("[^\\s/:]{1," + (IFNAMSIZ - 1) + "}")) {
            throw new IllegalArgumentException(
                    "'"
                            + name
                            + "' cannot name an interface: 1 to 15 characters, no space, / or :");
        }
        return name;
    }

    private static Uplink stream(String argument) {
        int equals = argument.indexOf('=');
        String direction = equals < 0 ? argument : argument.substring(0, equals);
        return switch (direction) {
            case "connect" -> new Uplink.StreamConnect(address(argument.substring(equals + 1)));
            case "listen" -> new Uplink.StreamListen(address(argument.substring(equals + 1)));
            default ->
                    throw new IllegalArgumentException(
                            "write stream:connect=HOST:PORT or stream:listen=HOST:PORT");
        };
    }

    private static InetSocketAddress address(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.contains(":")) {
            throw new IllegalArgumentException(
                    "put the IPv6 address of '" + text + "' in brackets");
        }
        int port = colon < 0 ? -1 : port(text.substring(colon + 1));
        if (port < 0) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no address; write HOST:PORT with a port from 0 to 65535");
        }
        return InetSocketAddress.createUnresolved(host.isEmpty() ? "127.0.0.1" : host, port);
    }

    private static int port(String text) {
        if (!text.matches("[0-9]{1,5}")) {
            return -1;
        }
        int port = Integer.parseInt(text);
        return port <= 0xffff ? port : -1;
    }

    /** The options as far as they have been read. */
    private static final class Options {
        private MacAddress address;
        private Integer number;
        private boolean macCheck = true;
        private boolean ipv6 = true;
        private Path capture;
        private Impairment line = Impairment.NONE;

        void take(String word) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            String value = equals < 0 ? "" : word.substring(equals + 1);
            switch (name) {
                case "mac" -> address = stationAddress(value);
                case "devid" -> number = deviceNumber(value);
                case "mac-check" -> macCheck = isOn(name, value);
                case "ipv6" -> ipv6 = isOn(name, value);
                case "pcap" -> capture = file(value);
                case "delay" ->
                        line = line.withDelay(Quantity.nanos(name, value), line.jitterNanos());
                case "jitter" ->
                        line = line.withDelay(line.delayNanos(), Quantity.nanos(name, value));
                case "loss" -> line = line.withLoss(Quantity.share(name, value));
                case "duplicate" -> line = line.withDuplicate(Quantity.share(name, value));
                case "reorder" -> line = line.withReorder(Quantity.share(name, value));
                case "rate" -> line = line.withRate(Quantity.bitsPerSecond(name, value));
                case "seed" -> line = line.withSeed(Quantity.integer(name, value));
                default ->
                        throw new IllegalArgumentException(
                                "'"
                                        + word
                                        + "' is no option; there are mac, mac-check, devid, ipv6,"
                                        + " pcap, delay, jitter, loss, duplicate, reorder, rate and"
                                        + " seed");
            }
        }

        Optional<Impairment> impairment() {
            return line.withSeed(0).equals(Impairment.NONE) ? Optional.empty() : Optional.of(line);
        }

        private static MacAddress stationAddress(String value) {
            MacAddress mac = MacAddress.parse(value);
            if (!MacAddress.isStation(mac.value())) {
                throw new IllegalArgumentException(
                        value + " cannot be an interface's: it is a group address or all zeroes");
            }
            return mac;
        }

        private static int deviceNumber(String value) {
            if (!value.matches("[0-9]{1,3}") || Integer.parseInt(value) > MAX_NUMBER) {
                throw new IllegalArgumentException(
                        "devid is a number from 0 to " + MAX_NUMBER + ", not '" + value + "'");
            }
            return Integer.parseInt(value);
        }

        private static boolean isOn(String name, String value) {
            return switch (value) {
                case "on" -> true;
                case "off" -> false;
                default -> throw new IllegalArgumentException(name + " is on or off, not " + value);
            };
        }

        private static Path file(String value) {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("pcap needs a file, pcap=FILE");
            }
            return Path.of(value);
        }
    }
}
