package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.NetworkInterface;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.NetworkEndpoint;
import org.xenolith.devices.net.SwitchPort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Two Debian guests on a cable: netfront against our netback, both ways at once. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class DebianNetworkBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(140);

    /**
     * What a wire would carry. How many segments a frame has follows the connection's rate: a quick
     * machine sees 50 KB, one with much else to do has seen 5,858 bytes; Linux makes it two at
     * least.
     */
    private static final int ONE_SEGMENT = 1514;

    private static final String SERVER =
            """
            #!/bin/sh
            ip addr add 10.0.0.1/24 dev eth0
            ip link set eth0 up
            mkdir /srv
            dd if=/dev/urandom of=/srv/big bs=64k count=64 2>/dev/null
            echo served $(sha256sum </srv/big)
            httpd -h /srv
            echo server is up
            while [ ! -e /srv/done ]; do sleep 0.2; nc -l -p 99 >/srv/done.part && mv /srv/done.part /srv/done; done
            echo the client said $(sha256sum </srv/done)
            grep eth0 /proc/net/dev
            dmesg | grep -E 'WARNING:|BUG:|Oops|xen_netfront: .*(bad|Invalid|Too)'
            """;

    private static final String CLIENT =
            """
            #!/bin/sh
            ip addr add 10.0.0.2/24 dev eth0
            ip link set eth0 up
            ping -c 3 -s 3000 10.0.0.1
            wget -q -O /tmp/big http://10.0.0.1/big && echo fetched $(sha256sum </tmp/big)
            dd if=/dev/urandom of=/tmp/back bs=64k count=32 2>/dev/null
            echo returned $(sha256sum </tmp/back)
            nc 10.0.0.1 99 </tmp/back
            grep eth0 /proc/net/dev
            dmesg | grep -E 'WARNING:|BUG:|Oops|xen_netfront: .*(bad|Invalid|Too)'
            """;

    @TempDir Path folder;

    private final AtomicInteger largest = new AtomicInteger();
    private final AtomicInteger toBeCut = new AtomicInteger();
    private final AtomicInteger toBeSummed = new AtomicInteger();

    private void observe(EthernetFrame frame) {
        largest.accumulateAndGet(frame.length(), Math::max);
        if (frame.segmentation() != EthernetFrame.Segmentation.NONE) {
            toBeCut.incrementAndGet();
        }
        if (frame.checksumPending()) {
            toBeSummed.incrementAndGet();
        }
    }

    private Guest boot(
            Host host,
            String name,
            String script,
            int number,
            int vcpus,
            Function<NetworkEndpoint, SwitchPort> plug,
            GuestConsole console)
            throws IOException {
        BootInput input = DebianInput.orSkip();
        Path initrd = folder.resolve(name);
        new Initramfs()
                .file("script", 0755, script.getBytes(StandardCharsets.UTF_8))
                .appendTo(input.initrd(), initrd);
        Guest guest =
                host.create(
                        BootFixture.options(
                                input.kernel(),
                                initrd,
                                input.defaultCommandLine() + " run=/script",
                                128 * BootFixture.MIB,
                                vcpus,
                                false),
                        console);
        String mac = "00:16:3e:00:00:0" + number;
        guest.devices().attach(new NetworkInterface(0, mac, 1500, "cable", plug));
        guest.start();
        return guest;
    }

    @Test
    void guestsPingAndCarryFilesBothWaysWithoutSegmentingOrSumming() throws Exception {
        GuestConsole serverConsole = new GuestConsole();
        GuestConsole clientConsole = new GuestConsole();
        try (Cable cable = new Cable(this::observe);
                Host host = Host.start(1L << 30, 2);
                Guest server = boot(host, "server", SERVER, 1, 2, cable::plugLeft, serverConsole)) {
            assertThat(serverConsole.awaitText("server is up", PATIENCE))
                    .as("%s", serverConsole.text())
                    .isTrue();
            try (Guest client =
                    boot(host, "client", CLIENT, 2, 1, cable::plugRight, clientConsole)) {
                assertThat(client.await(Optional.of(PATIENCE)).ending())
                        .as("%s", clientConsole.text())
                        .isInstanceOf(Outcome.PoweredOff.class);
                assertThat(server.await(Optional.of(PATIENCE)).ending())
                        .as("%s", serverConsole.text())
                        .isInstanceOf(Outcome.PoweredOff.class);
            }
        }
        assertThat(clientConsole.text())
                .contains("3 packets transmitted, 3 packets received, 0% packet loss")
                .contains("fetched " + word(serverConsole, "served "));
        assertThat(serverConsole.text())
                .contains("the client said " + word(clientConsole, "returned "));
        assertThat(clientConsole.text() + serverConsole.text())
                .doesNotContain("WARNING:", "BUG:", "Oops");
        assertThat(largest.get()).as("bytes of the largest frame").isGreaterThan(ONE_SEGMENT);
        assertThat(toBeCut.get()).isPositive();
        assertThat(toBeSummed.get()).isGreaterThanOrEqualTo(toBeCut.get());
    }

    private static String word(GuestConsole console, String after) {
        String text = console.text();
        int at = text.indexOf(after);
        assertThat(at).as(text).isNotNegative();
        return text.substring(at + after.length()).split("\\s", 2)[0];
    }
}
