package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.devices.net.Tshark;

import java.io.IOException;
import java.nio.file.Path;

/**
 * What tshark says about the packets of a capture, checksums included.
 *
 * @param segments TCP segments
 * @param payloadBytes of all of them, those sent again included
 * @param malformed packets that some dissector could not read to the end
 * @param badSums packets whose IPv4 or TCP checksum is wrong
 * @param retransmissions segments that were sent before
 */
record CapturedTcp(
        long segments, long payloadBytes, long malformed, long badSums, long retransmissions) {
    /**
     * What a machine that stands still for a while may cost: with a thousand connections that wait
     * for an echo each sends a segment again, one in seventeen. A storm would be most of them.
     */
    private static final long SEGMENTS_PER_RETRANSMISSION = 5;

    private static final String[] FIELDS = {
        "tcp.len",
        "_ws.malformed",
        "ip.checksum.status",
        "tcp.checksum.status",
        "tcp.analysis.retransmission"
    };

    private static final int LENGTH = 0, MALFORMED = 1, IP_SUM = 2, TCP_SUM = 3, AGAIN = 4;
    private static final String BAD = "0";

    static CapturedTcp read(Path capture) throws IOException, InterruptedException {
        CapturedTcp sum = new CapturedTcp(0, 0, 0, 0, 0);
        for (String[] packet : Tshark.of(capture).fields(FIELDS)) {
            sum = sum.plus(packet);
        }
        return sum;
    }

    private CapturedTcp plus(String[] packet) {
        boolean isTcp = !packet[LENGTH].isEmpty();
        boolean badSum = packet[IP_SUM].equals(BAD) || packet[TCP_SUM].equals(BAD);
        return new CapturedTcp(
                segments + (isTcp ? 1 : 0),
                payloadBytes + (isTcp ? Long.parseLong(packet[LENGTH]) : 0),
                malformed + (packet[MALFORMED].isEmpty() ? 0 : 1),
                badSums + (badSum ? 1 : 0),
                retransmissions + (packet[AGAIN].isEmpty() ? 0 : 1));
    }

    /**
     * @param bytes that the connections carried
     */
    CapturedTcp isWellFormed(long bytes) {
        assertThat(malformed).as("malformed packets in %s", this).isZero();
        assertThat(badSums).as("wrong checksums in %s", this).isZero();
        assertThat(payloadBytes).as("payload in %s", this).isGreaterThanOrEqualTo(bytes);
        return this;
    }

    CapturedTcp hasNoRetransmissionStorm() {
        assertThat(retransmissions * SEGMENTS_PER_RETRANSMISSION)
                .as("retransmissions in %s", this)
                .isLessThanOrEqualTo(segments);
        return this;
    }
}
