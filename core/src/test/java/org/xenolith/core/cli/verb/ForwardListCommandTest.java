package org.xenolith.core.cli.verb;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.net.nat.ListeningPort;

final class ForwardListCommandTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 8080, tcp, 127.0.0.1:8080/tcp leads to port 80",
        "::1, 53, udp, [::1]:53/udp leads to port 80"
    })
    void portIsShownAsItIsTakenBack(String address, int port, String protocol, String shown) {
        JsonObject forward = new JsonObject();
        forward.addProperty("protocol", protocol);
        forward.addProperty("host_address", address);
        forward.addProperty("host_port", port);
        forward.addProperty("guest_port", 80);
        String line = ForwardListCommand.line(forward);
        assertThat(line).isEqualTo(shown);
        ListeningPort read = ListeningPort.parse(line.substring(0, line.indexOf(' ')));
        assertThat(read.address()).isEqualTo(address);
    }
}
