package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.xenolith.core.cli.output.NamedWriter;
import org.xenolith.core.cli.value.TimeSpan;
import org.xenolith.core.cli.value.TraceTopicName;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.fleet.StopSignals;
import org.xenolith.core.machine.TraceOutput;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** {@code vmm trace GUEST}: what {@code vmm boot --trace} writes, of a guest that runs. */
@Command(
        name = "trace",
        header = "Shows what a running guest does, until Ctrl-C.",
        description = {
            "",
            "The guest's vCPUs wait for nobody who watches: what comes faster than it is read is"
                + " lost, and the trace says how much and where. Afterwards the guest runs as fast"
                + " as before. docs/watching.md explains topics and lines.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  vmm trace web hypercall,fault --count 100",
            "  vmm trace web --function 'xen_*' --for 5s",
            "  vmm trace web schedule,hypercall --for 2s -o web.json"
        })
final class TraceCommand extends AnsweringVerb {
    /** Behind the trace, before how it ended. */
    private static final char END_MARK = '\0';

    @Parameters(index = "0", paramLabel = "GUEST", description = "Name or id.")
    private String guest;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = TraceTopicName.LABEL,
            split = ",",
            description =
                    "hypercall, fault, event, mmu, grant, ring, page, xenstore, schedule,"
                            + " instruction. Several are separated by commas. Default: all but"
                            + " instructions.")
    private List<String> topics = List.of();

    @Option(
            names = "--function",
            paramLabel = "NAME",
            description =
                    "Only what this function of the guest's kernel causes; * and ? stand for"
                            + " anything: 'xen_*'.")
    private String function = "";

    @Option(
            names = "--for",
            paramLabel = "TIME",
            converter = TimeSpan.class,
            description = "Ends after 60s, 2m or 500ms.")
    private Duration time;

    @Option(names = "--count", paramLabel = "N", description = "Ends after so many events.")
    private Integer count;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description =
                    "Where the trace goes: FILE.json becomes a timeline for Perfetto, any other"
                            + " name text. Default: standard output, with --json as a timeline.")
    private Path output;

    TraceCommand(ControlFolder folder) {
        super(folder);
    }

    @Override
    void check() {
        topics.forEach(this::requireTopic);
        if (time != null && !time.isPositive()) {
            throw usage("--for is a time above 0");
        }
        if (count != null && count < 1) {
            throw usage("--count is a number above 0, not " + count);
        }
        if (output != null && TraceOutput.isFlightRecording(output)) {
            throw usage(
                    "Only 'vmm boot --trace-file' makes recordings: write FILE.json, or a text");
        }
    }

    /** Here, since Picocli takes an optional argument that no converter takes for one too many. */
    private void requireTopic(String name) {
        try {
            TraceTopicName.parse(name);
        } catch (TypeConversionException e) {
            ArgSpec argument = spec.positionalParameters().getLast();
            throw new ParameterException(spec.commandLine(), e.getMessage(), argument, name);
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        RunningHosts.Found found = hosts.find(guest);
        found.ask(request());
        Stop stop = new Stop(found.client());
        try (StopSignals _ = StopSignals.onEach(stop)) {
            JsonObject end =
                    output == null ? copy(found.client(), out()) : copy(found.client(), output);
            if (end != null) {
                spec.commandLine().getErr().println(summary(found.name(), end));
            }
        } catch (IOException e) {
            if (!stop.isInAHurry()) {
                throw e;
            }
        }
    }

    private JsonObject request() {
        JsonObject request = RunningHosts.request("trace");
        if (!topics.isEmpty()) {
            JsonArray labels = new JsonArray();
            topics.forEach(topic -> labels.add(TraceTopicName.parse(topic).label()));
            request.add("topics", labels);
        }
        if (!function.isEmpty()) {
            request.addProperty("function", function);
        }
        if (time != null) {
            request.addProperty("milliseconds", time.toMillis());
        }
        if (count != null) {
            request.addProperty("count", count);
        }
        boolean timeline = json || output != null && TraceOutput.isTimeline(output);
        request.addProperty("format", timeline ? "timeline" : "text");
        return request;
    }

    /** What is under way still comes, and makes a file whole; who is in a hurry asks again. */
    private static final class Stop implements Runnable {
        private final ControlClient client;
        private final AtomicInteger asked = new AtomicInteger();

        Stop(ControlClient client) {
            this.client = client;
        }

        boolean isInAHurry() {
            return asked.get() > 1;
        }

        @Override
        public void run() {
            try {
                if (asked.getAndIncrement() == 0) {
                    client.endInput();
                } else {
                    client.close();
                }
            } catch (IOException gone) {
                // Then it ends without being asked.
            }
        }
    }

    private static JsonObject copy(ControlClient client, Path file) throws IOException {
        try (Writer to = new NamedWriter(file, TraceOutput.writer(file))) {
            return copy(client, to);
        }
    }

    /**
     * Copies a trace to its end.
     *
     * @return how it ended; null when nobody reads on
     * @throws IOException when it breaks off
     */
    private static JsonObject copy(ControlClient client, Writer to) throws IOException {
        Reader from = new InputStreamReader(client.output(), StandardCharsets.UTF_8);
        StringBuilder end = new StringBuilder();
        char[] chars = new char[16 << 10];
        for (int length = from.read(chars); length >= 0; length = from.read(chars)) {
            int shown = end.isEmpty() ? indexOfEnd(chars, length) : 0;
            to.write(chars, 0, shown);
            to.flush();
            end.append(chars, shown, length - shown);
            if (to instanceof PrintWriter screen && screen.checkError()) {
                return null;
            }
        }
        if (end.isEmpty() || end.charAt(end.length() - 1) != '\n') {
            throw new IOException("vmm process " + client.pid() + " ended while it was watched");
        }
        return JsonParser.parseString(end.substring(1)).getAsJsonObject();
    }

    private static int indexOfEnd(char[] chars, int length) {
        int at = 0;
        while (at < length && chars[at] != END_MARK) {
            at++;
        }
        return at;
    }

    private static String summary(String name, JsonObject end) {
        long events = end.get("events").getAsLong();
        long lost = end.get("lost").getAsLong();
        String noun = events == 1 ? "event" : "events";
        StringBuilder text = new StringBuilder("%d %s of %s".formatted(events, noun, name));
        if (lost > 0) {
            text.append(", %d more lost: they came faster than they were read".formatted(lost));
        }
        return switch (end.get("ended_by").getAsString()) {
            case "guest" -> text.append("; it has ended.").toString();
            case "host" -> text.append("; its vmm ends.").toString();
            default -> text.append('.').toString();
        };
    }
}
