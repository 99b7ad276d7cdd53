package org.xenolith.devices.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

import java.io.IOException;

class HostNeedsTest {
    private static final String WHAT = "what a test of the rule makes up";

    @Test
    void whatIsThereLetsTheTestRun() {
        assertThatCode(() -> HostNeeds.require(true, WHAT)).doesNotThrowAnyException();
        assertThatCode(() -> HostNeeds.skipWithout(true, WHAT)).doesNotThrowAnyException();
    }

    @Test
    void whatIsMissingSkipsTheTestAndFailsItOnABuildServer() {
        IOException cause = new IOException("no such file");
        assertThatThrownBy(() -> HostNeeds.missing(WHAT, cause, false))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining(WHAT)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> HostNeeds.missing(WHAT, cause, true))
                .isInstanceOf(AssertionError.class)
                .hasMessage("CI needs " + WHAT + ": no such file")
                .hasCause(cause);
    }

    @Test
    void whatNoPackageBringsSkipsTheTestEverywhere() {
        assertThatThrownBy(() -> HostNeeds.skipWithout(false, WHAT))
                .isInstanceOf(TestAbortedException.class);
    }

    @Test
    void programsOfTheHostAreFound() {
        assertThat(HostNeeds.find("sh")).isPresent();
        assertThat(HostNeeds.find("no-such-program")).isEmpty();
    }
}
