package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;

/** What a sync of a host's file promises when the host's disk fails. */
class HostFileTest {
    private static final int NO_DESCRIPTOR = -1;

    private final SyncedChannel channel = new SyncedChannel();
    private final HostFile file = new HostFile("a disk", NO_DESCRIPTOR, channel);

    @Test
    void everySyncIsOneOfTheHosts() throws IOException {
        file.sync();
        assertThat(channel.syncs).isEqualTo(1);
        file.sync();
        assertThat(channel.syncs).isEqualTo(2);
    }

    /** Linux drops the pages that it could not write, and then reports success. */
    @Test
    void afterOneSyncThatFailedNoneSucceeds() {
        channel.failure = new IOException("Input/output error");
        assertThatThrownBy(file::sync).hasMessage("Input/output error");
        channel.failure = null;
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(file::sync)
                    .isInstanceOf(IOException.class)
                    .hasMessage("a disk could not be written to stable storage: Input/output error")
                    .cause()
                    .hasMessage("Input/output error");
        }
        assertThat(channel.syncs).as("the host is not asked again").isEqualTo(1);
    }
}
