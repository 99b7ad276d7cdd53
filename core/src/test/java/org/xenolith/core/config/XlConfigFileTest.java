package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.config.GuestConfig.Action;

import java.nio.file.Path;
import java.util.SplittableRandom;

class XlConfigFileTest {
    private static final String TYPICAL =
            """
            # a guest of a Xen host
            name = "web1"
            type = 'pv'
            kernel = "/boot/vmlinuz"   # Debian's
            ramdisk = "/boot/initrd.img"
            extra = "quiet cryptomgr.notests"
            root = "/dev/xvda1"
            memory = 96
            maxmem = 0x100
            vcpus = 2
            cpus = "all"
            disk = [ 'phy:/dev/vg/web1,xvda1,w',
                     "format=qcow2, vdev=xvdb, access=ro, target=/data.qcow2" ]
            vif = [ 'mac=00:16:3e:00:00:01,bridge=xenbr0' ]
            on_crash = 'restart'
            vnc = 1
            """;

    @Test
    void fileOfAXenHostIsReadAsItIs() throws ConfigException {
        XlConfigFile.Result result = XlConfigFile.parse("web1.cfg", TYPICAL);
        GuestConfig guest = result.guest();
        assertThat(guest.name()).isEqualTo("web1");
        assertThat(guest.kernel()).contains(Path.of("/boot/vmlinuz"));
        assertThat(guest.commandLine()).isEqualTo("root=/dev/xvda1 quiet cryptomgr.notests");
        assertThat(guest.memoryBytes()).isEqualTo(96L << 20);
        assertThat(guest.maxMemoryBytes()).isEqualTo(256L << 20);
        assertThat(guest.vcpus()).isEqualTo(2);
        assertThat(guest.disks()).hasSize(2);
        assertThat(guest.disks().get(1).readOnly()).isTrue();
        assertThat(guest.networks()).containsExactly("nat,mac=00:16:3e:00:00:01");
        assertThat(guest.onCrash()).isEqualTo(Action.RESTART);
        assertThat(guest.onPoweroff()).isEqualTo(Action.DESTROY);
    }

    @Test
    void keysWithoutMeaningHereAreWarnedOfWithTheirLines() throws ConfigException {
        assertThat(XlConfigFile.parse("web1.cfg", TYPICAL).warnings())
                .containsExactly(
                        "web1.cfg:11: 'cpus' has no meaning for a PV guest here",
                        "web1.cfg:16: 'vnc' has no meaning for a PV guest here",
                        "web1.cfg:14: 'bridge=xenbr0' of a vif has no effect here");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "name = \"a | f:1: a text has no closing \"",
                "memory = 5\\nname = '7' | f:2: '7' is no name",
                "name = 'a'\\nmemory = many | f:2: 'many' is no number that fits here",
                "name = 'a'\\nvcpus = 0 | f:2: vcpus is a number from 1 to 32",
                "name = 'a'\\nvcpus = 33 | f:2: vcpus is a number from 1 to 32",
                "name = 'a'\\n\\ndisk = [ 'x,,,,,' ] | f:3: disk",
                "name = 'a'\\ntype = 'hvm' | f:2: only PV guests run here",
                "name = 'a' memory = 3 | f:1: 'm' follows the value",
                "name 'a' | f:1: a '=' is missing",
                "memory = 5 | f: the guest has no name",
                "x = [[[[[[[[[[1]]]]]]]]]] | f:1: lists are nested too deeply",
                "name = 'a'\\non_crash = 'dance' | f:2: on_crash is destroy, restart or preserve",
                "name = | f:1: a value is missing"
            })
    void mistakesAreToldWithTheirLine(String text, String message) {
        assertThatThrownBy(() -> XlConfigFile.parse("f", text.replace("\\n", "\n")))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void nulInATextIsAMistakeOfTheFileAndNoInternalError() {
        assertThatThrownBy(() -> XlConfigFile.parse("f", "name = 'a'\nkernel = 'k\0x'"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("f:2: a text has a NUL character inside");
        assertThatThrownBy(() -> XlConfigFile.parse("f", "name = 'a'\ndisk = ['d\0,raw']"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("f:2: a text has a NUL character inside");
    }

    @Test
    void foldersOfTheHostAreReadAsXlWritesThem() throws ConfigException {
        String text =
                """
                name = "web1"
                p9 = [ "tag=site,path=/srv/site,security_model=none" ]
                """;
        XlConfigFile.Result result = XlConfigFile.parse("web1.cfg", text);
        assertThat(result.guest().shares())
                .containsExactly(new ShareSpec("site", Path.of("/srv/site"), false));
        assertThat(result.warnings()).isEmpty();
    }

    @Test
    void plusEqualsAppends() throws ConfigException {
        String text = "name='a'\nextra = 'one'\nextra += ' two'\ndisk=['a']\ndisk += ['b']";
        GuestConfig guest = XlConfigFile.parse("f", text).guest();
        assertThat(guest.commandLine()).isEqualTo("one two");
        assertThat(guest.disks()).hasSize(2);
    }

    @Test
    void randomTextIsAGuestOrOneSentence() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        String alphabet = "name=memory[]\"' \n#,;1x+";
        for (int run = 0; run < 20_000; run++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(40); i > 0; i--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                XlConfigFile.parse("f", text.toString());
            } catch (ConfigException e) {
                assertThat(e.getMessage()).as("seed %d: %s", seed, text).startsWith("f:");
            }
        }
    }
}
