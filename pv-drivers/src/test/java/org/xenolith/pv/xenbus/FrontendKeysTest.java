package org.xenolith.pv.xenbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.host.FakeStore;

class FrontendKeysTest {
    private final FakeStore store = new FakeStore();
    private final FrontendKeys keys = new FrontendKeys(store, "/device");

    @Test
    void numbersAreUnsignedAndOf32Bits() throws FrontendRefused {
        store.write("/device/ring-ref", "4294967295");
        assertThat(keys.number("ring-ref")).isEqualTo(-1);
        store.write("/device/queue-1/ring-ref", "8");
        assertThat(keys.in("queue-1").number("ring-ref")).isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "-1", "+1", " 1", "1x", "0x10", "4294967296", "99999999999999999999"})
    void whatIsNoNumberIsRefused(String value) {
        store.write("/device/ring-ref", value);
        assertThatThrownBy(() -> keys.number("ring-ref"))
                .isInstanceOf(FrontendRefused.class)
                .hasMessage("the key ring-ref is no number");
    }

    @Test
    void missingKeyIsNamed() {
        assertThatThrownBy(() -> keys.number("event-channel")).hasMessage("no key event-channel");
    }

    @Test
    void boundsHoldAndTheDefaultStandsForAMissingKey() throws FrontendRefused {
        assertThat(keys.number("order", 0, 4, 0)).isZero();
        store.write("/device/order", "5");
        assertThatThrownBy(() -> keys.number("order", 0, 4, 0))
                .hasMessage("order is 5, not 0 to 4");
        store.write("/device/order", "4294967295");
        assertThatThrownBy(() -> keys.number("order", 0, 4, 0))
                .hasMessage("order is 4294967295, not 0 to 4");
    }

    @Test
    void flagIsOnUnlessItIsZeroOrMissing() {
        assertThat(keys.flag("feature")).isFalse();
        store.write("/device/feature", "0");
        assertThat(keys.flag("feature")).isFalse();
        store.write("/device/feature", "1");
        assertThat(keys.flag("feature")).isTrue();
    }
}
