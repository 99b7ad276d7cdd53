package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.net.NetworkSpec;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A Debian guest that keeps the user-mode NAT busy; what it did is read out of a capture. */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class DebianNetworkLoadBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(200);
    private static final long STREAM_BYTES = 32L << 20;
    private static final int CONNECTIONS = 1000;

    private static final String LEASE =
            """
            #!/bin/sh
            [ "$1" = bound ] && ip addr add $ip/$mask dev $interface
            """;

    private static final String SCRIPT =
            """
            #!/bin/sh
            ip link set eth0 up
            udhcpc -i eth0 -n -q -s /lease >/dev/null 2>&1
            /net-load %1$s
            dmesg | grep -E 'WARNING:|BUG:|Oops|xen_netfront: .*(bad|Invalid|Too)'
            """;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    /** Runs net-load in a guest whose interface is captured; returns what the guest printed. */
    private String runInGuest(String arguments, Path capture) throws Exception {
        HostTool.require("tshark");
        HostProgram program = HostProgram.orSkip(folder, "net-load");
        BootInput input = DebianInput.orSkip();
        Path initrd = folder.resolve("initrd");
        new Initramfs()
                .file("lease", 0755, LEASE.getBytes(StandardCharsets.UTF_8))
                .file("net-load", 0755, program.bytes())
                .file("script", 0755, SCRIPT.formatted(arguments).getBytes(StandardCharsets.UTF_8))
                .appendTo(input.initrd(), initrd);
        BootOptions options =
                BootOptions.of("busy", input.kernel(), 192 * BootFixture.MIB)
                        .initrd(Optional.of(initrd))
                        .commandLine(input.defaultCommandLine() + " run=/script")
                        .build()
                        .with(
                                new GuestDevices(
                                        List.of(),
                                        List.of(NetworkSpec.parse("nat,pcap=" + capture)),
                                        List.of()));
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options, console)) {
            guest.start();
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as("%s", console.text())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
        assertThat(console.text())
                .contains("run ended with status")
                .doesNotContain("WARNING:", "BUG:", "Oops");
        return console.text();
    }

    @Test
    void everyByteOfAStreamFromTheGuestArrivesOnce() throws Exception {
        Path capture = folder.resolve("send.pcap");
        try (LoadPeer peer = LoadPeer.takingStreams()) {
            String text =
                    runInGuest("send 10.0.2.2 %d %d".formatted(peer.port(), STREAM_BYTES), capture);
            String count = "%d sum %016x".formatted(STREAM_BYTES, LoadPeer.sumOf(STREAM_BYTES));
            assertThat(text).contains("sent %s, peer had %s".formatted(count, count));
        }
        CapturedTcp.read(capture).isWellFormed(STREAM_BYTES).hasNoRetransmissionStorm();
    }

    @Test
    void everyByteOfAStreamFromTheHostArrivesOnce() throws Exception {
        Path capture = folder.resolve("receive.pcap");
        try (LoadPeer peer = LoadPeer.givingStreams(STREAM_BYTES)) {
            assertThat(runInGuest("receive 10.0.2.2 " + peer.port(), capture))
                    .contains(
                            "received %d sum %016x"
                                    .formatted(STREAM_BYTES, LoadPeer.sumOf(STREAM_BYTES)));
        }
        CapturedTcp.read(capture).isWellFormed(STREAM_BYTES).hasNoRetransmissionStorm();
    }

    @Test
    @Tag("ci")
    void aThousandConnectionsStayOpenAndEachGetsItsOwnEcho() throws Exception {
        Path capture = folder.resolve("hold.pcap");
        try (LoadPeer peer = LoadPeer.echoing(CONNECTIONS)) {
            assertThat(
                            runInGuest(
                                    "hold 10.0.2.2 %d %d".formatted(peer.port(), CONNECTIONS),
                                    capture))
                    .contains("open " + CONNECTIONS)
                    .contains("held %d echoed %d".formatted(CONNECTIONS, 2 * CONNECTIONS));
            assertThat(peer.mostAtOnce()).as("connections open at once").isEqualTo(CONNECTIONS);
        }
        CapturedTcp.read(capture)
                .isWellFormed(2L * 2 * CONNECTIONS * Integer.BYTES)
                .hasNoRetransmissionStorm();
    }
}
