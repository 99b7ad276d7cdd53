package org.xenolith.devices.net.nat;

import org.xenolith.devices.net.NetworkLoop;
import org.xenolith.devices.net.PcapFile;
import org.xenolith.devices.net.PortSettings;
import org.xenolith.devices.net.VirtualSwitch;
import org.xenolith.devices.net.tunnel.TapPort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The kernel of this machine as a guest: a TAP device on the switch whose other end is in a network
 * namespace of its own. The kernel leaves checksums and segmentation to us and takes both from us.
 */
final class TapGuest {
    // struct pcap_hdr_s and pcaprec_hdr_s
    private static final int FILE_HEADER_BYTES = 24, RECORD_HEADER_BYTES = 16;
    private static final int CAPTURED_LENGTH = 8;

    private final String namespace;
    private final String device;
    private final TapPort tap;
    private final Path capture;
    private final PcapFile pcap;

    /**
     * @param capture pcap file of what passes
     */
    TapGuest(NetworkLoop network, VirtualSwitch ports, Path capture)
            throws IOException, InterruptedException {
        this.capture = capture;
        pcap = PcapFile.create(capture, PcapFile.LargeFrames.WHOLE);
        long pid = ProcessHandle.current().pid();
        namespace = "xenolith" + pid;
        device = "xn" + pid;
        PortSettings settings = PortSettings.PLAIN.withCapture(pcap);
        tap = TapPort.open(network, ports, "kernel", device, settings);
        try {
            command("ip", "netns", "add", namespace);
            command("ip", "link", "set", device, "netns", namespace);
            inside("ip", "link", "set", "lo", "up");
            inside("ip", "link", "set", device, "up");
            inside("ip", "addr", "add", "10.0.2.15/24", "dev", device);
            inside("ip", "route", "add", "default", "via", "10.0.2.2");
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** The largest frame that the NAT sent, or that the kernel sent, in bytes. */
    int largest(boolean sentByNat) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(capture));
        int largest = 0;
        int at = FILE_HEADER_BYTES;
        while (at + RECORD_HEADER_BYTES <= file.limit()) {
            int length = file.getInt(at + CAPTURED_LENGTH);
            int source = at + RECORD_HEADER_BYTES + Ethernet.SOURCE;
            long mac = (long) file.getShort(source) << 32 | file.getInt(source + 2) & 0xffffffffL;
            if ((mac == Ipv4Output.OWN_MAC) == sentByNat) {
                largest = Math.max(largest, length);
            }
            at += RECORD_HEADER_BYTES + length;
        }
        return largest;
    }

    /** Removes device and namespace, and completes the capture. */
    void close() throws IOException, InterruptedException {
        tap.close();
        pcap.close();
        if (Files.exists(Path.of("/run/netns", namespace))) {
            command("ip", "netns", "del", namespace);
        }
    }

    /** Runs a program in the guest's namespace; its output. */
    String inside(String... command) throws IOException, InterruptedException {
        return command(insideCommand(command));
    }

    /** Waits until the kernel has made an address of what the router told, and found it unique. */
    void awaitIpv6() throws IOException, InterruptedException {
        String addresses;
        do {
            addresses = inside("ip", "-6", "addr", "show", "dev", device, "scope", "global");
        } while (!addresses.contains("inet6 fd00::") || addresses.contains("tentative"));
    }

    String device() {
        return device;
    }

    Process startInside(String... command) throws IOException {
        return new ProcessBuilder(insideCommand(command)).redirectErrorStream(true).start();
    }

    private String[] insideCommand(String... command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        all.addAll(List.of(command));
        return all.toArray(String[]::new);
    }

    /**
     * @throws IOException when the program fails, with its output
     */
    static String command(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("nat", ".out");
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            boolean ended = process.waitFor(60, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            String text = Files.readString(output, StandardCharsets.ISO_8859_1);
            if (!ended || process.exitValue() != 0) {
                String how = ended ? " failed: " : " hung: ";
                throw new IOException(String.join(" ", command) + how + text);
            }
            return text;
        } finally {
            Files.delete(output);
        }
    }
}
