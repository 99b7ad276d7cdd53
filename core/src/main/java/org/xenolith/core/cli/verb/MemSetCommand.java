package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.cli.value.MemoryRangeOption;
import org.xenolith.core.config.MemoryRange;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm mem-set GUEST SIZE}. */
@Command(
        name = "mem-set",
        header = "Moves a guest's balloon: it gives memory back, or gets it again.",
        description = {"", "The guest's own kernel does it, and needs a moment.", ""})
final class MemSetCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "SIZE",
            converter = MemoryRangeOption.class,
            description = "128M, 1G, or a number of MiB.")
    private MemoryRange size;

    MemSetCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("mem-set");
        request.addProperty("kib", size.maxBytes() >> 10);
        JsonElement result = hosts.find(guest).ask(request);
        if (json) {
            out().println(result);
        }
    }
}
