package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine;

import java.nio.file.Path;
import java.util.List;

final class CommandsTest {
    private static final List<String> NAMES = Commands.NAMES;

    @TempDir private Path folder;

    @ParameterizedTest
    @FieldSource("NAMES")
    void commandIsFoundAloneByEachNameThatItGoesBy(String name) {
        CommandLine alone = alone(name);

        assertThat(alone.getSubcommands()).containsKey(name);
        assertThat(alone.getSubcommands().keySet())
                .allSatisfy(
                        other ->
                                assertThat(usage(alone(other), other))
                                        .isEqualTo(usage(alone, name)));
    }

    @Test
    void whatIsNoCommandIsNotMade() {
        assertThat(commands().make("--help")).isNull();
        assertThat(commands().make("bootx")).isNull();
    }

    private CommandLine alone(String name) {
        return new CommandLine(new VmmCommand()).addSubcommand(commands().make(name));
    }

    private static String usage(CommandLine line, String name) {
        return line.getSubcommands().get(name).getUsageMessage();
    }

    private Commands commands() {
        ControlFolder sockets = ControlFolder.in(folder);
        return new Commands(new Services(null, null, null, null, null, sockets, false), List.of());
    }
}
