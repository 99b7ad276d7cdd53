package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpFactoryTest {
    @Test
    void everyMnemonicOfTheTablesHasAnOperation() {
        assertThat(OpFactory.unboundMnemonics()).isEmpty();
    }
}
