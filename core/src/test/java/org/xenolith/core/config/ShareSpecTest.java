package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;

class ShareSpecTest {
    private static ShareSpec share(String tag, String folder, boolean readOnly) {
        return new ShareSpec(tag, Path.of(folder), readOnly);
    }

    @Test
    void tagAndFolderAreWrittenWithAnEqualsSign() throws ConfigException {
        assertThat(ShareSpec.parse("site=./site")).isEqualTo(share("site", "./site", false));
        assertThat(ShareSpec.parse("s=/srv/x,ro")).isEqualTo(share("s", "/srv/x", true));
        assertThat(ShareSpec.parse("s=/srv/x,rw")).isEqualTo(share("s", "/srv/x", false));
        assertThat(ShareSpec.parse("s=/a=b,c")).isEqualTo(share("s", "/a=b,c", false));
        assertThat(ShareSpec.parse("s=/srv/x,ro").toString()).isEqualTo("s=/srv/x,ro");
    }

    @Test
    void xlWritesTheSameByKeys() throws ConfigException {
        assertThat(ShareSpec.parseXl("tag=share, path=/srv/x, security_model=none"))
                .isEqualTo(share("share", "/srv/x", false));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "site|the share 'site': write TAG=DIR or TAG=DIR,ro",
                "=/srv|the tag has 1 to 31 letters",
                "a/b=/srv|the tag has 1 to 31 letters",
                "a123456789b123456789c123456789d1=/srv|the tag has 1 to 31 letters",
                "site=|it names no folder",
                "site=,ro|it names no folder"
            })
    void whatIsNoShareIsRefusedWithASentence(String text, String why) {
        assertThatThrownBy(() -> ShareSpec.parse(text))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "path=/srv,security_model=none|the tag has",
                "tag=a|it names no folder",
                "tag=a,path=/srv,security_model=mapped|its security_model is 'none'",
                "tag=a,path=/srv,max-space=1|there is no 'max-space' in it"
            })
    void whatXlCannotHaveHereIsRefusedWithASentence(String text, String why) {
        assertThatThrownBy(() -> ShareSpec.parseXl(text))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(why);
    }
}
