package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.config.FleetConfig;

import java.time.Duration;
import java.util.Optional;

class FleetTest {
    @ParameterizedTest
    @CsvSource({"'', 241, 10.0.2.0/24, 240", "network = '10.64.0.0/29', 4, 10.64.0.0/29, 3"})
    void moreGuestsThanTheNetworkHasAddressesForAreRefusedBeforeAnyStarts(
            String network, int count, String name, int addresses) {
        FleetConfig config =
                RunningFleet.toml(network + "\n[guest.web]\nimage = 'a'\ncount = " + count);

        assertThatThrownBy(() -> fleet(config))
                .isInstanceOf(BootFailed.class)
                .hasMessageStartingWith(
                        "the guests have %d interfaces on 'nat', whose network %s has %d addresses"
                                .formatted(count, name, addresses));
    }

    private static Fleet fleet(FleetConfig config) {
        return new Fleet(
                config,
                new GuestPlan(_ -> Optional.empty()),
                FleetConsoles.silent(),
                _ -> {},
                _ -> Duration.ZERO);
    }
}
