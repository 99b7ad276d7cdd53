package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class DomainTest {
    /** The end of one of them would take the other's record out of xenstore. */
    @Test
    void domainsWhoseNamesAndNumbersReadAlikeHaveUuidsOfTheirOwn() {
        assertThat(Domain.uuidOf(11, "worker1"))
                .isEqualTo(Domain.uuidOf(11, "worker1"))
                .isNotEqualTo(Domain.uuidOf(111, "worker"));
        assertThat(Domain.uuidOf(1, "1/a")).isNotEqualTo(Domain.uuidOf(11, "/a"));
    }
}
