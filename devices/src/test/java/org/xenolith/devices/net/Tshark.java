package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.block.HostTool;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What tshark says about a capture. It dissects only what a guest's network speaks: left to itself
 * it takes a stream on some ephemeral port, 34980 for one, for a protocol that is at home there and
 * calls the payload malformed. Its settings are ours too, not those of the user who runs the tests.
 */
public final class Tshark {
    /** These, and what is named below them, as tcp.options.mss. */
    private static final Set<String> SPOKEN =
            Set.of(
                    "frame",
                    "eth",
                    "ethertype",
                    "vlan",
                    "arp",
                    "ip",
                    "icmp",
                    "igmp",
                    "ipv6",
                    "icmpv6",
                    "tcp",
                    "udp",
                    "dns",
                    "dhcp",
                    "data");

    /** Its own findings: _ws.malformed and others. */
    private static final String FINDINGS = "_ws";

    private static final HostTool TSHARK = new HostTool("tshark", "tshark");
    private static final String MALFORMED = FINDINGS + ".malformed";

    private final Path capture;

    /** Folder of tshark's settings. */
    private final Path settings;

    private Tshark(Path capture) {
        this.capture = capture;
        settings = capture.resolveSibling("tshark-settings");
    }

    /**
     * Skips the test where tshark is missing.
     *
     * @param capture pcap file in a folder of the test's own
     */
    public static Tshark of(Path capture) throws IOException, InterruptedException {
        TSHARK.require();
        Tshark tshark = new Tshark(capture);
        Files.createDirectories(tshark.settings);
        List<String> known =
                tshark.run("-G", "protocols").stream().map(Tshark::filterName).toList();
        assertThat(known).as("protocols that tshark knows").containsAll(SPOKEN);
        List<String> unspoken = known.stream().filter(name -> !isSpoken(name)).toList();
        Files.write(tshark.settings.resolve("disabled_protos"), unspoken);
        return tshark;
    }

    /** The third of three columns: name, short name, name in filters. */
    private static String filterName(String line) {
        return line.substring(line.lastIndexOf('\t') + 1);
    }

    private static boolean isSpoken(String filterName) {
        int dot = filterName.indexOf('.');
        String first = dot < 0 ? filterName : filterName.substring(0, dot);
        return SPOKEN.contains(first) || first.equals(FINDINGS);
    }

    /** A line for each packet that some dissector could not read to its end. */
    public List<String> malformed() throws IOException, InterruptedException {
        return packets(MALFORMED);
    }

    /**
     * @param filter in Wireshark's language of display filters
     * @return a line for each packet that it lets pass
     */
    public List<String> packets(String filter) throws IOException, InterruptedException {
        return read("-Y", filter);
    }

    /**
     * @return for each packet the first occurrence of each field, or ""
     */
    public List<String[]> fields(String... names) throws IOException, InterruptedException {
        List<String> options =
                new ArrayList<>(List.of("-T", "fields", "-E", "separator=;", "-E", "occurrence=f"));
        for (String name : names) {
            options.addAll(List.of("-e", name));
        }
        return read(options.toArray(String[]::new)).stream()
                .map(line -> line.split(";", -1))
                .toList();
    }

    /** Reads the capture, with checksums, and with more options. */
    List<String> read(String... options) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("-n", "-r", capture.toString()));
        for (String layer : List.of("ip", "tcp", "udp")) {
            all.addAll(List.of("-o", layer + ".check_checksum:TRUE"));
        }
        all.addAll(List.of(options));
        return run(all.toArray(String[]::new));
    }

    /**
     * It has to end with status 0, which it does not do with an option, a field or a filter that it
     * does not know.
     */
    private List<String> run(String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("tshark"));
        command.addAll(List.of(options));
        Path complaints = settings.resolve("complaints");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(complaints.toFile());
        builder.environment().put("WIRESHARK_CONFIG_DIR", settings.toString());
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        assertThat(status).as("%s: %s", command, Files.readString(complaints)).isZero();
        return output.lines().toList();
    }
}
