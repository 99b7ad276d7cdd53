package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.net.NetworkSpec.Uplink;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

final class NetworkSpecTest {
    @Test
    void everyUplinkHasItsForm() {
        assertThat(uplink("nat")).isEqualTo(new Uplink.Nat());
        assertThat(uplink("none")).isEqualTo(new Uplink.None());
        assertThat(uplink("tap:tap0")).isEqualTo(new Uplink.Tap("tap0"));
        assertThat(uplink("udp:10.0.0.1:5000,example.org:5001"))
                .isEqualTo(new Uplink.Udp(address("10.0.0.1", 5000), address("example.org", 5001)));
        assertThat(uplink("stream:connect=[::1]:1234"))
                .isEqualTo(new Uplink.StreamConnect(address("::1", 1234)));
        assertThat(uplink("stream:listen=:1234"))
                .isEqualTo(new Uplink.StreamListen(address("127.0.0.1", 1234)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nat",
                "nat,ipv6=off,loss=1%",
                "nat,mac-check=off",
                "none,mac=00:16:3e:00:00:2a,mac-check=off,devid=3",
                "none,mac=00:16:3e:00:00:2a",
                "tap:tap0,pcap=/tmp/a.pcap",
                "udp:10.0.0.1:5000,example.org:5001,loss=0.03%",
                "stream:connect=[::1]:1234,delay=1.5us,rate=10mbit,seed=-3",
                "stream:listen=:1234,delay=10s,jitter=1ms,duplicate=100%,reorder=1%"
            })
    void whatIsWrittenIsReadAsTheSame(String text) {
        NetworkSpec spec = NetworkSpec.parse(text);
        assertThat(NetworkSpec.parse(spec.toString())).isEqualTo(spec);
    }

    @Test
    void optionsFollowBehindCommas() {
        NetworkSpec spec =
                NetworkSpec.parse(
                        "udp::1,:2,mac=00:16:3E:00:00:2a,pcap=/tmp/a.pcap,delay=10ms,jitter=1.5ms,"
                                + "loss=1%,duplicate=0.5%,reorder=25%,rate=10mbit,seed=7");

        assertThat(spec.address()).contains(new MacAddress(0x00_16_3e_00_00_2aL));
        assertThat(spec.capture()).contains(Path.of("/tmp/a.pcap"));
        assertThat(spec.impairment())
                .contains(new Impairment(10_000_000, 1_500_000, 0.01, 0.005, 0.25, 10_000_000, 7));
    }

    @Test
    void aGuestSendsFromItsOwnAddressAloneUnlessItSaysOtherwise() {
        assertThat(NetworkSpec.parse("nat").macCheck()).isTrue();
        assertThat(NetworkSpec.parse("nat,mac-check=on").macCheck()).isTrue();
        assertThat(NetworkSpec.parse("tap:tap0,mac-check=off").macCheck()).isFalse();
    }

    @Test
    void withoutOptionsNothingIsImpairedOrCaptured() {
        assertThat(NetworkSpec.parse("nat"))
                .isEqualTo(
                        new NetworkSpec(
                                new Uplink.Nat(),
                                Optional.empty(),
                                Optional.empty(),
                                true,
                                true,
                                Optional.empty(),
                                Optional.empty()));
        assertThat(NetworkSpec.parse("nat,seed=3").impairment()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    vde:x              | 'vde' is no kind of network; write nat, none, tap:NAME,
                    ''                 | '' is no kind of network; write nat
                    nat:x              | nat takes nothing behind a colon
                    tap                | '' cannot name an interface
                    tap:0123456789abcdef | '0123456789abcdef' cannot name an interface
                    udp::1             | udp needs two addresses, udp:LOCAL,REMOTE
                    udp::1,mac=x       | udp needs two addresses, udp:LOCAL,REMOTE
                    udp:1,:2           | '1' is no address; write HOST:PORT
                    udp::1,:65536      | ':65536' is no address; write HOST:PORT
                    stream:::1:5       | write stream:connect=HOST:PORT
                    stream:connect=::1:5 | put the IPv6 address of '::1:5' in brackets
                    stream:connect     | 'connect' is no address
                    nat,devid=256      | devid is a number from 0 to 255, not '256'
                    nat,devid=         | devid is a number from 0 to 255, not ''
                    nat,ipv6=no        | ipv6 is on or off, not no
                    nat,mac-check=no   | mac-check is on or off, not no
                    none,ipv6=off      | ipv6 is an option of nat only
                    nat,mac=1:2        | '1:2' is no MAC address; write it like 00:16:3e:00:00:01
                    nat,mac=01:00:00:00:00:01 | 01:00:00:00:00:01 cannot be an interface's
                    nat,pcap=          | pcap needs a file, pcap=FILE
                    nat,delay=10       | delay needs a time like 10ms, 250us or 1s, not '10'
                    nat,delay=-1ms     | delay needs a time
                    nat,delay=999999999999s | delay needs a time
                    nat,rate=10mb      | rate needs a rate like 10mbit, 56kbit or 1gbit, not '10mb'
                    nat,loss=0.5       | loss needs a share like 1% or 0.5%, not '0.5'
                    nat,loss=101%      | loss must be between 0 and 100 %: 1.01
                    nat,seed=x         | seed needs an integer, not 'x'
                    nat,colour=red     | 'colour=red' is no option; there are mac, mac-check, devid, ipv6,
                    nat,               | '' is no option
                    """)
    void mistakeIsOneSentenceThatQuotesIt(String text, String sentence) {
        assertThatThrownBy(() -> NetworkSpec.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Network '" + text + "': ")
                .hasMessageContaining(sentence)
                .hasMessageNotContaining("\n");
    }

    private static Uplink uplink(String text) {
        return NetworkSpec.parse(text).uplink();
    }

    private static InetSocketAddress address(String host, int port) {
        return InetSocketAddress.createUnresolved(host, port);
    }
}
