package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.ShareSpec;
import org.xenolith.core.snapshot.SnapshotException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Folders of the host as devices of a guest, which here never connects to them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ShareBootTest {
    private static final long MEMORY = 8 * BootFixture.MIB;

    @TempDir Path folder;

    private BootOptions with(ShareSpec... shares) throws IOException {
        return BootFixture.options(BootFixture.lantern(folder), null, "", MEMORY, 1, false)
                .with(new GuestDevices(List.of(), List.of(), List.of(), List.of(shares)));
    }

    private ShareSpec share(String tag) throws IOException {
        Path directory = Files.createDirectories(folder.resolve(tag));
        return new ShareSpec(tag, directory, false);
    }

    private static String read(Host host, String path) {
        return host.store().read(path).orElse("");
    }

    @Test
    void sharesStandInTheStoreAsXensToolsWriteThem() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            BootOptions options = with(share("one"), share("two"));
            Guest guest = host.create(options, new GuestConsole());
            String front = guest.tree().home() + "/device/9pfs/1";
            assertThat(read(host, front + "/tag")).isEqualTo("two");
            String back = read(host, front + "/backend");
            assertThat(back).isEqualTo("/local/domain/0/backend/9pfs/" + guest.id() + "/1");
            assertThat(read(host, back + "/path")).isEqualTo("" + folder.resolve("two"));
            assertThat(read(host, back + "/security_model")).isEqualTo("none");
            assertThat(read(host, back + "/versions")).isEqualTo("1");
            assertThat(read(host, back + "/state")).isEqualTo("2");
            assertThat(guest.configuration().devices().shares())
                    .isEqualTo(options.devices().shares());
        }
    }

    @Test
    void guestWithSharesIsNeitherSavedNorCopiedAndGoesOn() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            GuestConsole console = new GuestConsole();
            Guest guest = host.create(with(share("one")), console);
            guest.start();
            assertThat(console.awaitText("lantern> ", Duration.ofSeconds(60))).isTrue();
            assertThatThrownBy(() -> guest.save(folder.resolve("saved")))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("A guest with shared folders cannot be saved");
            assertThatThrownBy(() -> guest.fork(Duration.ofSeconds(1)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("A guest with shared folders cannot be copied");
            assertThat(guest.isPaused()).isFalse();
            assertThat(folder.resolve("saved")).doesNotExist();
        }
    }

    @Test
    void shareThatCannotBeIsOneSentenceAndNoGuest() throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            ShareSpec none = new ShareSpec("none", folder.resolve("none"), false);
            assertThatThrownBy(() -> host.create(with(none), new GuestConsole()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("Cannot share the folder " + folder.resolve("none"));
            assertThatThrownBy(() -> host.create(with(share("a"), share("a")), new GuestConsole()))
                    .isInstanceOf(BootFailed.class)
                    .hasMessage("Two shares have the tag a");
        }
    }
}
