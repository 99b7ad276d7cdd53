package org.xenolith.core.cli.verb;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.cli.value.TimeSpan;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.time.Duration;

/** {@code vmm timer-slack GUEST TIME}. */
@Command(
        name = "timer-slack",
        header = "Lets a guest's timers come late while nobody has anything for it.",
        description = {
            "",
            "An idle guest then wakes once in that time. It stays so when the guest reboots, and is"
                    + " so in its copies; 0 has them on time again.",
            ""
        })
final class TimerSlackCommand extends AnsweringVerb {
    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            paramLabel = "TIME",
            converter = TimeSpan.Slack.class,
            description = "By how much at most: 500ms, 4s; 10s is the most there is.")
    private Duration slack;

    TimerSlackCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("timer-slack");
        request.addProperty("milliseconds", slack.toMillis());
        JsonElement result = hosts.find(guest).ask(request);
        if (json) {
            out().println(result);
        }
    }
}
