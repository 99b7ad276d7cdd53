package org.xenolith.core.cli;

import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.explain.Entry;
import org.xenolith.core.explain.Kind;
import org.xenolith.core.explain.Reference;
import org.xenolith.core.explain.ReferencePage;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vmm explain NAME}: what a name of Xen's interface means. */
@Command(
        name = "explain",
        header = "Explains a name of Xen's interface to guests.",
        description = {
            "",
            "NAME is a hypercall, one of its operations, an error number, an event, a field of"
                + " start_info or of the shared page, or a path in xenstore. Without NAME it lists"
                + " what there is.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  vmm explain mmu_update",
            "  vmm explain SCHEDOP_block",
            "  vmm explain -EBUSY",
            "  vmm explain /local/domain/1/memory/target"
        },
        optionListHeading = "%nOptions:%n")
final class ExplainCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "What to explain, in any case.")
    private String name;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    /** The command; {@code -EBUSY} is a name here, no option. */
    static CommandLine command() {
        return new CommandLine(new ExplainCommand()).setUnmatchedOptionsArePositionalParams(true);
    }

    @Override
    public Integer call() {
        Reference reference = Reference.load();
        PrintWriter out = spec.commandLine().getOut();
        if (name == null) {
            list(reference, out);
            return ExitStatus.OK;
        }
        List<Entry> found = reference.find(name);
        if (found.isEmpty()) {
            spec.commandLine().getErr().println("vmm: " + unknown(reference));
            return ExitStatus.FAILED;
        }
        for (int i = 0; i < found.size(); i++) {
            out.print(i == 0 ? "" : System.lineSeparator());
            out.print(ReferencePage.plain(found.get(i)));
        }
        out.flush();
        return ExitStatus.OK;
    }

    private String unknown(Reference reference) {
        List<String> near = reference.suggestions(name);
        String hint =
                near.isEmpty()
                        ? "'vmm explain' lists what there is."
                        : "Did you mean " + String.join(", ", near) + "?";
        return "Nothing here is called '" + name + "'. " + hint;
    }

    private static void list(Reference reference, PrintWriter out) {
        for (Kind kind : Kind.values()) {
            out.println(kind.title() + ":");
            reference.of(kind).forEach(entry -> out.println("  " + entry.name()));
        }
    }
}
