package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

final class FleetFilesTest {
    private final List<String> warnings = new ArrayList<>();

    @TempDir private Path folder;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private FleetConfig read(Path... files) throws Exception {
        return FleetFiles.read(List.of(files), warnings::add);
    }

    @Test
    void filesOfBothKindsMakeOneFleetInTheirOrder() throws Exception {
        FleetConfig fleet =
                read(
                        file("old.cfg", "name = 'db'\nkernel = 'vmlinuz'\nbios = 'seabios'\n"),
                        file("new.toml", "memory-limit = '1G'\n[guest.web]\nimage = 'debian'\n"));
        assertThat(fleet.guests()).extracting(GuestConfig::name).containsExactly("db", "web");
        assertThat(fleet.memoryLimitBytes()).hasValue(1L << 30);
        assertThat(warnings).singleElement().asString().contains("old.cfg:3").contains("bios");
    }

    @Test
    void aFleetSharesMemoryIfOneOfItsFilesSaysSo() throws Exception {
        Path sharing = file("a.toml", "share-memory = true\n[guest.a]\nimage = 'debian'\n");
        Path other = file("b.toml", "[guest.b]\nimage = 'debian'\n");

        assertThat(read(sharing, other).sharesMemory()).isTrue();
        assertThat(read(other).sharesMemory()).isFalse();
    }

    @Test
    void contentTellsWhatTheNameDoesNot() throws Exception {
        assertThat(read(file("a", "# mine\n[guest.web]\nimage = 'debian'\n")).guests())
                .singleElement()
                .extracting(GuestConfig::name)
                .isEqualTo("web");
        assertThat(read(file("b", "name = 'db'\ndisk = [ 'a.img,xvda' ]\n")).guests())
                .singleElement()
                .extracting(GuestConfig::name)
                .isEqualTo("db");
    }

    @Test
    void emptyFileIsNoGuestWithoutAName() throws Exception {
        Path empty = file("empty", "\n");
        assertThatThrownBy(() -> read(empty))
                .isInstanceOf(ConfigException.class)
                .hasMessage(empty + ": it is empty");
    }

    @Test
    void guestsOfOneNameInTwoFilesAreRefused() throws Exception {
        Path one = file("one.cfg", "name = 'web'\nkernel = 'k'\n");
        Path two = file("two.toml", "[guest.web]\nimage = 'debian'\n");
        assertThatThrownBy(() -> read(one, two))
                .isInstanceOf(ConfigException.class)
                .hasMessage("%s: a guest of %s is called web already".formatted(two, one));
    }

    @Test
    void directoryIsNamedAsOne() {
        assertThatThrownBy(() -> read(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessage(folder + ": it is a directory, not a fleet or a guest");
    }

    @Test
    void networkOfOneFileIsThatOfAllAndIsSetOnce() throws Exception {
        Path one = file("one.toml", "network = '10.64.0.0/16'\n[guest.a]\n");
        Path two = file("two.toml", "network = '10.65.0.0/16'\n[guest.b]\n");
        Path none = file("none.toml", "[guest.c]\n");
        assertThat(read(one, none).network()).contains(Subnet.parse("10.64.0.0/16"));
        assertThatThrownBy(() -> read(one, two))
                .isInstanceOf(ConfigException.class)
                .hasMessage(two + ": another file sets network already");
    }

    @Test
    void onlyOneFileMaySetTheLimit() throws Exception {
        Path one = file("one.toml", "memory-limit = '1G'\n[guest.a]\n");
        Path two = file("two.toml", "memory-limit = '2G'\n[guest.b]\n");
        assertThatThrownBy(() -> read(one, two))
                .isInstanceOf(ConfigException.class)
                .hasMessage(two + ": another file sets memory-limit already");
    }

    @Test
    void portOfTheHostThatGuestsOfTwoFilesWantIsRefused() throws Exception {
        Path one = file("one.toml", "[guest.a]\nforward = '8081:80'\n");
        Path two = file("two.toml", "[guest.b]\nforward = ['0:80', '8081:81']\n");
        assertThatThrownBy(() -> read(one, two))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(two + ": the host's port 127.0.0.1:8081/tcp leads to a,");
    }
}
