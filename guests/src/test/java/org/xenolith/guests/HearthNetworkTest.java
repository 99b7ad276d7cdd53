package org.xenolith.guests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Hearth's network protocols, compiled for this machine and joined to themselves by a bad cable:
 * {@code src/test/guest/hearth/cable.c}. Each case is a process, under gcc's sanitizers.
 */
class HearthNetworkTest {
    private static final List<String> PROTOCOLS =
            List.of("ether.c", "ip.c", "tcp.c", "dhcp.c", "socket.c");

    @TempDir Path folder;

    @TestFactory
    Stream<DynamicTest> protocols() throws Exception {
        HostedBuild build = new HostedBuild(folder);
        HostNeeds.require(build.isPossible(), "gcc with its sanitizers");
        Path stack = build.library("stack-a.so", PROTOCOLS);
        Path copy = Files.copy(stack, folder.resolve("stack-b.so"));
        Path cable = build.program("cable", "cable.c");
        List<String> cases = build.run(cable, "list").output().lines().toList();
        assertThat(cases).hasSizeGreaterThan(20);
        return cases.stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> holds(build, cable, copy, name)));
    }

    private void holds(HostedBuild build, Path cable, Path copy, String name) throws Exception {
        HostedBuild.Result result =
                build.run(cable, folder.resolve("stack-a.so").toString(), copy.toString(), name);
        assertThat(result.status()).as(result.output()).isZero();
    }
}
