package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.xenstore.Xenstore;

final class StoreVerbsTest {
    @ParameterizedTest
    @CsvSource({"xenstore-read", "xenstore-write", "xenstore-ls"})
    void whatIsNoPathIsToldInASentenceWithoutTheProtocolsWords(String verb) {
        JsonObject request = new JsonObject();
        request.addProperty("path", "/a//\u001bb");
        request.addProperty("value", "x");
        assertThatThrownBy(() -> WatchVerbs.perform(new Xenstore(), verb, request))
                .isInstanceOf(ControlException.class)
                .hasMessage(
                        "'/a//\\x1bb' is no path of xenstore: / and names of letters, digits, '-',"
                                + " '_' and '@'.");
    }
}
