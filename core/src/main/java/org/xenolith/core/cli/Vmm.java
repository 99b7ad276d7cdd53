package org.xenolith.core.cli;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.TierUnfit;
import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.cli.output.StandardOutput;
import org.xenolith.core.cli.value.WholeNumber;
import org.xenolith.core.machine.FileSentence;
import org.xenolith.devices.console.Escaped;
import org.xenolith.devices.libc.HostCallFailed;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Entry point of the {@code vmm} command. */
public final class Vmm {
    private final Services services;
    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean debug;

    /**
     * @param debug whether errors show where they come from
     */
    Vmm(Services services, PrintWriter out, PrintWriter err, boolean debug) {
        this.services = services;
        this.out = out;
        this.err = err;
        this.debug = debug;
    }

    public static void main(String[] arguments) {
        StandardOutput output = new StandardOutput(new FileOutputStream(FileDescriptor.out));
        PrintWriter out = new PrintWriter(output, true, charset("stdout.encoding"));
        PrintWriter err = new PrintWriter(System.err, true, charset("stderr.encoding"));
        boolean debug = "1".equals(System.getenv("XENOLITH_DEBUG"));
        int status = new Vmm(Wiring.services(), out, err, debug).run(arguments);
        out.flush();
        int told = output.statusAfter(status, err);
        err.flush();
        System.exit(told);
    }

    private static Charset charset(String property) {
        return Charset.forName(System.getProperty(property, "UTF-8"), StandardCharsets.UTF_8);
    }

    /** Runs one command line and returns its exit status. */
    int run(String... arguments) {
        // Everything after -- belongs to the kernel, whatever it looks like.
        int end = Arrays.asList(arguments).indexOf("--");
        String[] own = end < 0 ? arguments : Arrays.copyOf(arguments, end);
        List<String> kernelArguments =
                end < 0 ? List.of() : List.of(arguments).subList(end + 1, arguments.length);

        CommandLine line = commandLine(new Commands(services, kernelArguments), own);
        CommandLine named = own.length == 0 ? null : line.getSubcommands().get(own[0]);
        String[] translated =
                ForeignSpellings.translate(named == null ? null : named.getCommandSpec(), own);
        return line.setOut(out)
                .setErr(err)
                .setOverwrittenOptionsAllowed(true)
                .setUsageHelpAutoWidth(true)
                .registerConverter(int.class, WholeNumber::parse)
                .registerConverter(Integer.class, WholeNumber::parse)
                .setParameterExceptionHandler((wrong, _) -> wrongUsage(wrong))
                .setExecutionExceptionHandler((failure, command, _) -> failed(failure, command))
                .execute(translated);
    }

    /** Whoever names a command gets it alone: describing all of them takes a tenth of a second. */
    private static CommandLine commandLine(Commands commands, String... arguments) {
        CommandLine line = new CommandLine(new VmmCommand());
        Object named = arguments.length == 0 ? null : commands.make(arguments[0]);
        if (named != null && !(named instanceof HelpCommand)) {
            return line.addSubcommand(named);
        }
        for (String name : Commands.NAMES) {
            line.addSubcommand(commands.make(name));
        }
        return line;
    }

    private int wrongUsage(ParameterException wrong) {
        showOrigin(wrong);
        CommandLine command = wrong.getCommandLine();
        tell(sentence(wrong));
        List<String> near = Suggestions.of(wrong);
        if (!near.isEmpty()) {
            err.println("Did you mean " + String.join(" or ", near) + "?");
        }
        return tellOfHelp(command);
    }

    /** Picocli's own, but for a command that there is not: it counts arguments. */
    private static String sentence(ParameterException wrong) {
        boolean wantsCommand =
                !wrong.getCommandLine().getSubcommands().isEmpty()
                        && wrong instanceof UnmatchedArgumentException unmatched
                        && !unmatched.isUnknownOption();
        return wantsCommand
                ? Commands.thereIsNo(((UnmatchedArgumentException) wrong).getUnmatched().getFirst())
                : wrong.getMessage();
    }

    private int tellOfHelp(CommandLine command) {
        err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return ExitStatus.USAGE;
    }

    private int failed(Exception failure, CommandLine command) {
        showOrigin(failure);
        switch (failure) {
            // These carry a sentence made for the user.
            case IOException e -> tell(FileSentence.of(e));
            case TierUnfit e -> {
                tell(e.getMessage());
                return tellOfHelp(command);
            }
            case BootFailed e -> tell(e.getMessage());
            case HostCallFailed e -> tell(e.getMessage());
            default ->
                    tell(
                            "internal error: "
                                    + failure
                                    + "; XENOLITH_DEBUG=1 shows where it comes from.");
        }
        return ExitStatus.FAILED;
    }

    /** It may hold what somebody wrote into a file that was handed on. */
    private void tell(String sentence) {
        err.println("vmm: " + Escaped.sentence(String.valueOf(sentence)));
    }

    private void showOrigin(Exception e) {
        if (debug) {
            e.printStackTrace(err);
        }
    }
}
