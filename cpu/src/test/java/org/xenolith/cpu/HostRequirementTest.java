package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

class HostRequirementTest {
    @Test
    void whatIsMissingFailsOnABuildServerAndSkipsElsewhere() {
        assertThatThrownBy(() -> HostRequirement.missing("anvil", true))
                .isInstanceOf(AssertionError.class)
                .hasMessage("CI needs anvil");
        assertThatThrownBy(() -> HostRequirement.missing("anvil", false))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("anvil");
    }
}
