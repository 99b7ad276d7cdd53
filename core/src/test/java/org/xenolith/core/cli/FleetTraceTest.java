package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.trace.TraceTopic;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

final class FleetTraceTest {
    @ParameterizedTest
    @CsvSource({"*,web1,true", "web*,web1,true", "web*,db,false", "web?,web12,false", "db,db,true"})
    void onlyGuestsOfMatchingNamesAreTraced(String domains, String name, boolean traced) {
        Set<TraceTopic> topics = EnumSet.of(TraceTopic.GRANT);
        BootOptions guest = BootOptions.of(name, Path.of("kernel"), 1 << 20).build();
        BootOptions after = UpCommand.traced(guest, topics, domains, "xen_*");
        assertThat(after.trace()).isEqualTo(traced ? topics : Set.of());
        assertThat(after.traceFunction()).isEqualTo(traced ? "xen_*" : "");
    }
}
