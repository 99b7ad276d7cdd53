package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.devices.console.ConsoleLog;

import java.nio.charset.StandardCharsets;

final class FleetConsolesTest {
    private final ConsoleLog terminal = new ConsoleLog();
    private final FleetConfig fleet =
            RunningFleet.toml("[guest.a]\nimage = 'x'\n[guest.long]\nimage = 'x'\n");

    private static void print(FleetConsoles.Line line, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        line.write(bytes, 0, bytes.length);
    }

    @Test
    void linesOfTwoGuestsStandWholeInOneColumn() {
        FleetConsoles consoles = FleetConsoles.on(terminal, false, fleet.guests());
        FleetConsoles.Line a = consoles.line("a", 0);
        FleetConsoles.Line b = consoles.line("long", 1);
        print(a, "first ");
        print(b, "other\n");
        print(a, "line\n");
        assertThat(terminal.text()).isEqualTo("long | other\na    | first line\n");
    }

    @Test
    void lineThatADeadGuestLeftIsEndedForIt() {
        FleetConsoles.Line a = FleetConsoles.on(terminal, false, fleet.guests()).line("a", 0);
        print(a, "login: ");
        a.finish();
        a.finish();
        print(a, "again\n");
        assertThat(terminal.text()).isEqualTo("a    | login: \na    | again\n");
    }

    @Test
    void namesHaveColoursOnATerminal() {
        FleetConsoles consoles = FleetConsoles.on(terminal, true, fleet.guests());
        print(consoles.line("a", 0), "x\n");
        print(consoles.line("long", 1), "y\n");
        assertThat(terminal.text())
                .isEqualTo("\u001b[32ma    | \u001b[0mx\n\u001b[33mlong | \u001b[0my\n");
    }

    @Test
    void silentConsolesShowNothing() {
        print(FleetConsoles.silent().line("a", 0), "x\n");
        assertThat(terminal.text()).isEmpty();
    }
}
