package org.xenolith.core.cli;

import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.cli.value.TraceTopicName;
import org.xenolith.core.lab.Lab;
import org.xenolith.core.lab.LabBench;
import org.xenolith.core.lab.LabResult;
import org.xenolith.core.lab.Labs;
import org.xenolith.core.trace.TraceTopic;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;

/** {@code vmm lab}: labs that grade themselves. */
@Command(
        name = "lab",
        header = "Lists the labs, starts one, or checks what you wrote for it.",
        description = {
            "",
            "docs/labs/README.md is where to begin. 'start' writes the file that you are to"
                    + " complete; 'check' builds it, runs it in cases that you have not seen, and"
                    + " says what it finds.",
            ""
        },
        customSynopsis = {
            "vmm lab list",
            "vmm lab start N [DIR]",
            "vmm lab check N [DIR] [--trace=TOPIC]"
        },
        optionListHeading = "%nOptions:%n",
        footer = {"", "Exit status: 0 done, or the check was passed; 1 it was not; 2 wrong usage."})
final class LabCommand implements Callable<Integer> {
    private static final int LINE = 76;
    private static final String INDENT = "        ";

    @Spec private CommandSpec spec;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "VERB",
            defaultValue = "list",
            description = "list, start or check. Default: list.")
    private String verb;

    @Parameters(index = "1", arity = "0..1", paramLabel = "N", description = "The lab's number.")
    private Integer number;

    @Parameters(
            index = "2",
            arity = "0..1",
            paramLabel = "DIR",
            description = "Where your file is. Default: labN.")
    private Path folder;

    @Option(
            names = "--trace",
            paramLabel = "TOPIC",
            split = ",",
            converter = TraceTopicName.class,
            description =
                    "Writes to standard error what passes between your guest and the hypervisor, as"
                            + " 'vmm boot --trace' does.")
    private Set<TraceTopic> trace = EnumSet.noneOf(TraceTopic.class);

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    @Override
    public Integer call() throws IOException {
        switch (verb) {
            case "list" -> list();
            case "start" -> start();
            case "check" -> {
                return check();
            }
            default -> throw usage("'" + verb + "' is none of list, start and check.");
        }
        return ExitStatus.OK;
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private void list() {
        for (Lab lab : Labs.all()) {
            out().println("%4d  %s".formatted(lab.number(), lab.title()));
        }
    }

    private void start() throws IOException {
        Lab lab = lab();
        Path file = Labs.start(lab, folderOf(lab));
        out().println("lab %d: %s".formatted(lab.number(), lab.title()));
        out().println("Complete " + file + ", then: vmm lab check " + words(lab));
    }

    private Integer check() throws IOException {
        Lab lab = lab();
        out().println("lab %d: %s".formatted(lab.number(), lab.title()));
        LabResult result;
        try (LabBench bench = new LabBench(trace)) {
            result = lab.check(folderOf(lab), bench);
        }
        for (String name : result.passed()) {
            out().println("  ok    " + name);
        }
        if (result.isPassed()) {
            out().println("Passed.");
            return ExitStatus.OK;
        }
        LabResult.Failure failure = result.failure().orElseThrow();
        out().println("  FAIL  " + failure.name());
        out().print(wrapped(failure.explanation()));
        return ExitStatus.FAILED;
    }

    /** What the user has to type again. */
    private String words(Lab lab) {
        return lab.number() + (folder == null ? "" : " " + folder);
    }

    private Path folderOf(Lab lab) {
        return folder == null ? lab.usualFolder() : folder;
    }

    private Lab lab() {
        if (number == null) {
            throw usage("Which lab? 'vmm lab list' lists them.");
        }
        return Labs.number(number)
                .orElseThrow(
                        () ->
                                usage(
                                        "There is no lab "
                                                + number
                                                + "; there are 1 to "
                                                + Labs.all().size()
                                                + "."));
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(spec.commandLine(), sentence);
    }

    /** Lines of at most {@link #LINE} characters; line breaks of the text stay. */
    private static String wrapped(String text) {
        StringBuilder wrapped = new StringBuilder();
        for (String paragraph : text.lines().toList()) {
            int column = 0;
            for (String word : paragraph.split(" ")) {
                if (column > 0 && column + 1 + word.length() > LINE - INDENT.length()) {
                    wrapped.append(System.lineSeparator());
                    column = 0;
                }
                wrapped.append(column == 0 ? INDENT : " ").append(word);
                column += (column == 0 ? 0 : 1) + word.length();
            }
            wrapped.append(System.lineSeparator());
        }
        return wrapped.toString();
    }
}
