package org.xenolith.core.cli;

import org.xenolith.devices.console.Escaped;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** What the commands that work in this process have in common. */
@Command(optionListHeading = "%nOptions:%n")
abstract class ServiceCommand implements Callable<Integer> {
    final Services services;

    @Spec CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Shows this help.")
    private boolean help;

    ServiceCommand(Services services) {
        this.services = services;
    }

    /** Tells the user, where guests do not print. */
    final void say(String text) {
        spec.commandLine().getErr().println(Escaped.sentence(text));
    }
}
