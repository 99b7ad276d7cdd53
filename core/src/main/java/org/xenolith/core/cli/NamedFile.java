package org.xenolith.core.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

import java.nio.file.Files;
import java.nio.file.Path;

/** Files that a command line names. */
final class NamedFile {
    private NamedFile() {}

    /**
     * Returns a file that is there and may be read.
     *
     * @param what what it is to be, for the sentence that says why it is not
     * @throws ParameterException if it cannot be that
     */
    static Path existing(CommandSpec command, String what, Path file) {
        if (Files.isDirectory(file)) {
            throw usage(command, "The " + what + " " + file + " is a directory.");
        }
        if (!Files.exists(file)) {
            throw usage(command, "The " + what + " " + file + " does not exist.");
        }
        if (!Files.isReadable(file)) {
            throw usage(command, "The " + what + " " + file + " may not be read by you.");
        }
        return file;
    }

    /** The end of a wrong command line. */
    static ParameterException usage(CommandSpec command, String sentence) {
        return new ParameterException(command.commandLine(), sentence);
    }
}
