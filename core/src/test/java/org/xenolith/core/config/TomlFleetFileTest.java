package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.GuestConfig.Fork;
import org.xenolith.devices.net.nat.Subnet;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

class TomlFleetFileTest {
    private static final String FLEET =
            """
            memory-limit = "384M"
            proxy = "127.0.0.1:8080"

            [defaults]
            image = "lamp"
            memory = "96M..160M"
            disk = "lamp.img,overlay=%n.qcow2"

            [guest.web1]
            forward = ["8081:80", "2222:22"]
            on-crash = "restart"
            timer-slack = "4s"

            [guest.plain]
            image = "lantern"
            memory = 8
            disk = []
            network = ["tap:tap0", "nat"]
            vcpus = 2

            [guest.worker]
            count = 3
            """;

    @Test
    void valueOfAWrongTypeIsNamedInEnglish() {
        assertThatThrownBy(() -> TomlFleetFile.parse("fleet.toml", "guest = 5\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("'guest' is an integer");
    }

    @Test
    void guestsTakeFromTheDefaultsWhatTheyDoNotSay() throws ConfigException {
        FleetConfig fleet = TomlFleetFile.parse("fleet.toml", FLEET);
        assertThat(fleet.memoryLimitBytes()).hasValue(384L << 20);
        assertThat(fleet.proxy()).contains("127.0.0.1:8080");
        assertThat(fleet.guests())
                .extracting(GuestConfig::name)
                .containsExactly("web1", "plain", "worker1", "worker2", "worker3");
        GuestConfig web = fleet.guests().getFirst();
        assertThat(web.image()).contains("lamp");
        assertThat(web.memoryBytes()).isEqualTo(96L << 20);
        assertThat(web.maxMemoryBytes()).isEqualTo(160L << 20);
        assertThat(web.disks().getFirst().overlay()).contains(Path.of("web1.qcow2"));
        assertThat(web.forwards()).containsExactly("8081:80", "2222:22");
        assertThat(web.networks()).containsExactly("nat");
        assertThat(web.onCrash()).isEqualTo(Action.RESTART);
        assertThat(web.timerSlack()).isEqualTo(Duration.ofSeconds(4));
        GuestConfig plain = fleet.guests().get(1);
        assertThat(plain.image()).contains("lantern");
        assertThat(plain.memoryBytes()).isEqualTo(8L << 20);
        assertThat(plain.disks()).isEmpty();
        assertThat(plain.networks()).containsExactly("tap:tap0", "nat");
        assertThat(plain.vcpus()).isEqualTo(2);
        assertThat(plain.timerSlack()).isZero();
    }

    @Test
    void foldersOfTheHostAreEachGuestsOwnIfTheyNameIt() throws ConfigException {
        String text =
                """
                [defaults]
                share = ["site=./site,ro", "data=/srv/%n"]
                [guest.web]
                count = 2
                [guest.other]
                share = []
                """;
        FleetConfig fleet = TomlFleetFile.parse("fleet.toml", text);
        assertThat(fleet.guests().get(1).shares())
                .containsExactly(
                        new ShareSpec("site", Path.of("./site"), true),
                        new ShareSpec("data", Path.of("/srv/web2"), false));
        assertThat(fleet.guests().get(2).shares()).isEmpty();
    }

    @Test
    void guestWithAFolderOfTheHostIsNotToBeCopied() {
        String text =
                """
                [guest.web]
                count = 2
                share = "site=./site"
                fork-when = "ready"
                """;
        assertThatThrownBy(() -> TomlFleetFile.parse("fleet.toml", text))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("fleet.toml:4: a guest with a share cannot be copied");
    }

    @Test
    void guestsShareMemoryOnlyIfTheFileSaysSo() throws ConfigException {
        String guests = "[guest.web]\nimage = 'debian'\n";

        assertThat(TomlFleetFile.parse("a.toml", guests).sharesMemory()).isFalse();
        assertThat(TomlFleetFile.parse("a.toml", "share-memory = true\n" + guests).sharesMemory())
                .isTrue();
        assertThatThrownBy(() -> TomlFleetFile.parse("a.toml", "share-memory = 'yes'\n" + guests))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("a.toml:1")
                .hasMessageContaining("share-memory is true or false");
    }

    @Test
    void listsWithinListsWithoutEndAreRefusedWithASentence() {
        String deep = "network = " + "[".repeat(20_000) + "]".repeat(20_000) + "\n[guest.web]\n";
        assertThatThrownBy(() -> TomlFleetFile.parse("a.toml", deep))
                .isInstanceOf(ConfigException.class)
                .hasMessage("a.toml: it has too many brackets within one another");
    }

    @Test
    void networkOfTheNatIsChosenAtTheTop() throws ConfigException {
        String guests = "[guest.web]\nnetwork = 'none'\n";

        assertThat(TomlFleetFile.parse("a.toml", guests).network()).isEmpty();
        assertThat(TomlFleetFile.parse("a.toml", "network = '10.64.0.0/16'\n" + guests).network())
                .contains(Subnet.parse("10.64.0.0/16"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'nat'|network at the top is the addresses of guests on 'nat'",
                "['10.64.0.0/16']|network at the top is the addresses of guests on 'nat'",
                "10|network at the top is the addresses of guests on 'nat'",
                "'10.64.0.0'|network at the top is the addresses of guests on 'nat'",
                "'10.64.0.0/8'|network '10.64.0.0/8' has to have a number from 16 to 29",
                "'10.64.0.1/16'|network '10.64.0.1/16' is an address in the network 10.64.0.0/16",
                "'fd00::/64'|network 'fd00::/64' is of IPv6",
                "'127.0.0.0/16'|network '127.0.0.0/16' is loopback, multicast or reserved"
            },
            quoteCharacter = '`')
    void addressesThatGuestsCannotHaveAreRefusedWithTheKeyAndTheLine(String value, String why) {
        String text = "\nnetwork = " + value + "\n[guest.web]\n";

        assertThatThrownBy(() -> TomlFleetFile.parse("a.toml", text))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("a.toml:2: " + why);
    }

    @Test
    void copiesOfAGuestHaveADiskEach() throws ConfigException {
        FleetConfig fleet = TomlFleetFile.parse("fleet.toml", FLEET);
        assertThat(fleet.guests().subList(2, 5))
                .extracting(guest -> guest.disks().getFirst().overlay().orElseThrow().toString())
                .containsExactly("worker1.qcow2", "worker2.qcow2", "worker3.qcow2");
    }

    @Test
    void countOfTheDefaultsIsThatOfEachGuestThatSaysNone() throws ConfigException {
        String text =
                """
                [defaults]
                count = 2
                [guest.a]
                [guest.b]
                count = 1
                """;
        assertThat(TomlFleetFile.parse("f", text).guests())
                .extracting(GuestConfig::name)
                .containsExactly("a1", "a2", "b1");
    }

    @Test
    void examplesAreFleets() throws Exception {
        Path examples = Path.of("../examples");
        List<Path> files;
        try (Stream<Path> all = Files.list(examples)) {
            files = all.filter(file -> file.toString().endsWith(".toml")).toList();
        }
        assertThat(files).hasSizeGreaterThan(3);
        for (Path file : files) {
            assertThat(TomlFleetFile.parse("" + file, Files.readString(file)).guests())
                    .as("%s", file)
                    .isNotEmpty();
        }
    }

    @Test
    void guestsAfterTheFirstAreItsCopies() throws ConfigException {
        String text =
                """
                [defaults]
                fork-when = "READY"
                [guest.web]
                count = 3
                [guest.alone]
                """;
        assertThat(TomlFleetFile.parse("f", text).guests())
                .extracting(GuestConfig::fork)
                .containsExactly(
                        Optional.empty(),
                        Optional.of(new Fork("web1", "READY")),
                        Optional.of(new Fork("web1", "READY")),
                        Optional.empty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'[guest.a]\\n"
                    + "fork-when = \"READY\"' | f:2: fork-when is a text in one line, for a guest"
                    + " with",
                "'[guest.a]\\n"
                        + "count = 2\\n"
                        + "fork-when = \" \"' | f:3: fork-when is a text in one line",
                "'[guest.a]\\n"
                        + "count = 2\\n"
                        + "fork-when = \"a\\u000ab\"' | f:3: fork-when is a text in one line",
                "'' | f: there is no guest in it",
                "'[guest.a]\\ndisc = \"x\"' | f:2: there is no key 'disc' here",
                "'[guest.a]\\nmemory = \"lots\"' | f:2: 'lots' is no amount of memory",
                "'[guest.a]\\nmemory = \"9M..8M\"' | f:2: '9M..8M': the smaller amount comes first",
                "'[guest.a]\\ndisk = \"x,vhd\"' | f:2: disk 'x,vhd': the format vhd",
                "'[guest.a]\\nvcpus = 0' | f:2: vcpus is a number from 1 to 32",
                "'[guest.a]\\ntimer-slack = \"long\"' | f:2: timer-slack is a time such as 500ms",
                "'[guest.a]\\ntimer-slack = \"11s\"' | f:2: timer-slack is a time such as 500ms",
                "'[guest.a]\\non-crash = \"sing\"' | f:2: on-crash is destroy, restart or preserve",
                "'guest = 5' | f: ",
                "'proxy = \"8080\"\n[guest.a]' | f:1: proxy is written as 127.0.0.1:8080",
                "'proxy = \"a:70000\"\n[guest.a]' | f:1: proxy is written as 127.0.0.1:8080",
                "'[guest.a]\nnetwork = []\nforward = \"80:80\"' | f:3: a has no network 'nat'",
                "'[guest.a]\nnetwork = \"none\"\nforward = \"80:80\"' | f:3: a has no network",
                "'[guest.a]\\nforward = \"80\"' | f:2: '80' is not [ADDRESS:]HOSTPORT:GUESTPORT",
                "'[guest.a]\\n"
                    + "count = 2\\n"
                    + "forward = \"8081:80\"' | f:3: the host's port 127.0.0.1:8081/tcp leads to"
                    + " a1, and cannot lead to a2 too",
                "'[defaults]\\nforward = \"8081:80\"\\n[guest.a]\\n[guest.b]\\n"
                        + "forward = \"127.0.0.1:8081:81/tcp\"' | f:5: the host's port",
                "'[guest]\\na = 5' | f:2: write a guest as [guest.a]",
                "'[guest.\"a b\"]' | f: 'a b' is no name",
                "'[guest.5]' | f: '5' is no name",
                "'[guest.a]\\ncount = 2\\n[guest.a1]' | f: two guests are called a1",
                "'[guest.a]\\nkernel = \"k\\u0000\"' | f:2: a text has a NUL character inside",
                "'[guest.a]\\ndisk = [\"d\\u0000\"]' | f:2: a text has a NUL character inside",
                "'[guest.a' | f:1: "
            })
    void mistakesAreToldWithTheirLine(String text, String message) {
        assertThatThrownBy(() -> TomlFleetFile.parse("f", text.replace("\\n", "\n")))
                .isInstanceOf(ConfigException.class)
                .message()
                .startsWith(message == null ? "f" : message.strip())
                .doesNotContain("\n");
    }
}
