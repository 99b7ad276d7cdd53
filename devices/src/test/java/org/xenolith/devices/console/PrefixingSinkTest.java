package org.xenolith.devices.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

class PrefixingSinkTest {
    private final List<String> writes = new ArrayList<>();
    private final ConsoleSink terminal =
            (bytes, offset, length) ->
                    writes.add(new String(bytes, offset, length, StandardCharsets.UTF_8));

    @Test
    void everyLineGetsThePrefixAndGoesOnInOnePiece() {
        PrefixingSink sink = new PrefixingSink("a| ", terminal);
        print(sink, "one\ntw");
        print(sink, "o\n");
        assertThat(writes).containsExactly("a| one\n", "a| two\n");
    }

    @Test
    void aPromptComesWithAFlushAndIsNotPrefixedTwice() {
        PrefixingSink sink = new PrefixingSink("a| ", terminal);
        print(sink, "# ");
        assertThat(writes).isEmpty();
        sink.flush();
        print(sink, "ls\n");
        assertThat(writes).containsExactly("a| # ", "ls\n");
    }

    @Test
    void anEndlessLineIsNotHeldForEver() {
        PrefixingSink sink = new PrefixingSink("", terminal);
        print(sink, "x".repeat(3 * PrefixingSink.MAX_HELD));
        assertThat(writes).hasSize(3);
    }

    @Test
    void coloursAreTakenBackBehindThePrefix() {
        print(PrefixingSink.coloured("web", 1, terminal), "hi\n");
        assertThat(writes).containsExactly("\u001b[33mweb| \u001b[0mhi\n");
    }

    @Test
    void whatAGuestSwitchesOnHidesNothingOfWhatComesNext() {
        PrefixingSink sink = PrefixingSink.coloured("web", 1, terminal);
        print(sink, "\u001b[8mhidden\nplain\n");
        print(sink, "\u001b[31mred");
        sink.flush();
        print(sink, "\u001b[8m");
        sink.finish();
        String name = "\u001b[33mweb| \u001b[0m";
        assertThat(writes)
                .containsExactly(
                        name + "\u001b[8mhidden\u001b[0m\n",
                        name + "plain\n",
                        name + "\u001b[31mred\u001b[0m",
                        "\u001b[8m\u001b[0m\n");
    }

    @Test
    void twoSinksInARowBothHearEverything() {
        ConsoleLog log = new ConsoleLog();
        print(terminal.and(log), "both");
        assertThat(writes).containsExactly("both");
        assertThat(log.text()).isEqualTo("both");
    }

    private static void print(ConsoleSink sink, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        sink.write(bytes, 0, bytes.length);
    }
}
