package org.xenolith.core.cli;

import org.xenolith.core.cli.value.TraceTopicName;
import org.xenolith.core.explain.Spelling;

import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.util.List;
import java.util.stream.Stream;

/** What somebody may have meant by an option, a command or a topic that there is not. */
final class Suggestions {
    private Suggestions() {}

    /** Empty when nothing is near. */
    static List<String> of(ParameterException wrong) {
        if (isTopic(wrong.getArgSpec()) && wrong.getValue() != null) {
            return TraceTopicName.near(wrong.getValue());
        }
        if (!(wrong instanceof UnmatchedArgumentException unmatched)
                || unmatched.getUnmatched().isEmpty()) {
            return List.of();
        }
        String written = unmatched.getUnmatched().getFirst();
        String name = written.replaceFirst("=.*", "");
        return Spelling.nearest(name, known(wrong.getCommandLine(), name).toList());
    }

    private static boolean isTopic(ArgSpec argument) {
        return argument != null && TraceTopicName.LABEL.equals(argument.paramLabel());
    }

    private static Stream<String> known(CommandLine command, String name) {
        CommandSpec spec = command.getCommandSpec();
        return name.startsWith("-")
                ? spec.options().stream().flatMap(option -> Stream.of(option.names()))
                : spec.subcommands().keySet().stream();
    }
}
