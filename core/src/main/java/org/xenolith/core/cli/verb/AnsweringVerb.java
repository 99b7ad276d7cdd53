package org.xenolith.core.cli.verb;

import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the verbs have in common that end with an answer: all but the console. */
@Command
abstract class AnsweringVerb extends GuestVerb {
    @Option(names = "--json", description = "Answers with JSON, one object or list on one line.")
    boolean json;

    AnsweringVerb(ControlFolder folder) {
        super(folder);
    }
}
