package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;

/** {@code vmm save GUEST FILE}. */
@Command(
        name = "save",
        header = "Writes a guest to a file and ends it; 'vmm restore' lets it go on.",
        description = {
            "",
            "The file holds memory, processors, what the guest is connected to and what it boots"
                + " when it reboots later; its disks stay where they are, and must not be changed"
                + " before it goes on. Connections to the outside end.",
            ""
        })
final class SaveCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(index = "1", paramLabel = "FILE", description = "What to write.")
    private Path file;

    @Option(names = "-c", description = "Leaves the guest as it was: running, or paused.")
    private boolean leaveRunning;

    @Option(names = "-p", description = "Leaves the guest paused.")
    private boolean leavePaused;

    SaveCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        if (leaveRunning && leavePaused) {
            throw usage("-c and -p exclude each other: the guest is left in one state");
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("save");
        // Relative to where this command runs, not to where the guest does.
        request.addProperty("file", file.toAbsolutePath().normalize().toString());
        if (leavePaused || leaveRunning) {
            request.addProperty("leave", leavePaused ? "paused" : "running");
        }
        JsonElement result = hosts.find(guest).ask(request);
        if (json) {
            out().println(result);
        }
    }
}
