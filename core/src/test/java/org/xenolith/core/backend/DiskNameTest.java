package org.xenolith.core.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiskNameTest {
    /** Numbers from the table in Xen's docs/man/xen-vbd-interface.7. */
    @ParameterizedTest
    @CsvSource({
        "xvda,51712",
        "xvda1,51713",
        "xvda15,51727",
        "xvdb,51728",
        "xvdp,51952",
        "xvdp15,51967",
        "xvdq,268439552",
        "xvda16,268435472",
        "xvdaa,268442112"
    })
    void numberIsThatOfXensTable(String name, int number) {
        assertThat(DiskName.parse(name).number()).isEqualTo(number);
    }

    @ParameterizedTest
    @CsvSource({"0,xvda", "1,xvdb", "25,xvdz", "26,xvdaa", "27,xvdab"})
    void disksAreNamedInOrder(int index, String name) {
        assertThat(DiskName.ofIndex(index).name()).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "xvd", "xvdA", "sda", "xvda0", "xvda256", "xvdaaa", "xvda1x"})
    void otherTextIsRefusedWithASentence(String text) {
        assertThatThrownBy(() -> DiskName.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("\n");
    }
}
