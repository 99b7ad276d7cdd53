package org.xenolith.core.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.image.Symbols;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

final class TraceSinksTest {
    private static Happening at(long nanos, int vcpu, TraceEvent event) {
        return new Happening(nanos, 7, vcpu, true, Symbols.NONE, event);
    }

    private static final TraceEvent.Hypercalled CALL =
            new TraceEvent.Hypercalled(
                    Hypercall.SCHED_OP, 2, 0x1000, 0, 0, new long[] {3}, -22, 0x8000, 0, 1500);

    /** One of each, a guest's malicious text among them. */
    private static List<Happening> everything() {
        return List.of(
                at(1_000, 0, new TraceEvent.Scheduled()),
                at(5_000, 0, CALL),
                at(5_500, 0, TraceEvent.iret(0x8000)),
                at(6_000, 0, new TraceEvent.Faulted(14, 2, -4096, 0x8000, 0x9000)),
                at(6_100, 0, new TraceEvent.Bounced(14, 0x8000, 0xa000)),
                at(6_200, 0, new TraceEvent.Interrupted(3, 0x8001)),
                at(6_300, 0, new TraceEvent.Upcalled(0x8001)),
                at(6_400, -1, new TraceEvent.Delivered(5, 0, true)),
                at(6_500, 0, new TraceEvent.GrantUsed(9, 0x1234, true, true)),
                at(6_600, 0, new TraceEvent.RingPushed("vbd/7/51712", "ring 0", true, 3)),
                at(6_700, 0, new TraceEvent.Retyped(0x1234, 0, 4)),
                at(6_800, 0, new TraceEvent.Executed(0x8000, "nop")),
                at(6_900, -1, new TraceEvent.StoreChanged("/x/\"\u001b[2J\n")),
                at(12_345_678, 0, new TraceEvent.Descheduled("blocked", 12)));
    }

    // ---- text ----

    @Test
    void lineHasTimePlaceAndWhatHappened() {
        StringBuilder text = new StringBuilder();
        TextSink sink = new TextSink(text);
        everything().forEach(sink::accept);
        assertThat(text.toString().lines())
                .hasSize(everything().size())
                .contains(
                        "[    0.000005] d7v0 k sched_op(SCHEDOP_shutdown, reason=3) = -EINVAL",
                        "[    0.000006] d7 - event port=5 vcpu=0 masked=yes",
                        "[    0.000006] d7v0 k grant used ref=9 mfn=0x1234 access=rw",
                        "[    0.000006] d7v0 k requests pushed device=vbd/7/51712 ring=ring 0"
                                + " count=3",
                        "[    0.000006] d7v0 k page type mfn=0x1234 from=none to=L4",
                        "[    0.012345] d7v0 k stops state=blocked instructions=12");
    }

    @Test
    void textOfAGuestCannotSteerATerminal() {
        StringBuilder text = new StringBuilder();
        new TextSink(text)
                .accept(at(0, -1, new TraceEvent.StoreChanged("/x/\u001b[2J\n\u009b\\\u202e")));
        assertThat(text.toString()).endsWith("path=/x/\\x1b[2J\\x0a\\x9b\\\\\\u202e\n");
    }

    // ---- the timeline ----

    private static List<JsonObject> timeline(List<Happening> happenings) {
        StringBuilder text = new StringBuilder();
        TimelineSink sink = new TimelineSink(text);
        happenings.forEach(sink::accept);
        sink.close();
        return parsed(text);
    }

    private static List<JsonObject> parsed(StringBuilder text) {
        JsonObject file = JsonParser.parseString(text.toString()).getAsJsonObject();
        assertThat(file.keySet()).containsExactlyInAnyOrder("displayTimeUnit", "traceEvents");
        List<JsonObject> events = new ArrayList<>();
        for (JsonElement event : file.getAsJsonArray("traceEvents")) {
            events.add(event.getAsJsonObject());
        }
        return events;
    }

    /** The rules of the "Trace Event Format" for the phases that we write. */
    @Test
    void timelineKeepsToTheFormat() {
        List<JsonObject> events = timeline(everything());
        for (JsonObject event : events) {
            assertThat(event.get("name").getAsString()).as("%s", event).isNotEmpty();
            assertThat(event.get("pid").getAsInt()).isEqualTo(7);
            assertThat(event.get("tid").getAsInt()).isBetween(0, 1);
            String phase = event.get("ph").getAsString();
            assertThat(phase).isIn("B", "E", "X", "i", "M");
            Set<String> required =
                    switch (phase) {
                        case "X" -> Set.of("name", "cat", "ph", "ts", "dur", "pid", "tid", "args");
                        case "i" -> Set.of("name", "cat", "ph", "ts", "s", "pid", "tid", "args");
                        case "M" -> Set.of("name", "ph", "pid", "tid", "args");
                        default -> Set.of("name", "cat", "ph", "ts", "pid", "tid", "args");
                    };
            assertThat(event.keySet()).isEqualTo(required);
            if (!phase.equals("M")) {
                assertThat(event.getAsJsonPrimitive("ts").isNumber()).isTrue();
                assertThat(event.get("ts").getAsDouble()).isNotNegative();
                assertThat(event.get("cat").getAsString())
                        .isIn(
                                EnumSet.allOf(TraceTopic.class).stream()
                                        .map(TraceTopic::label)
                                        .toList());
            }
        }
        assertThat(events.stream().filter(e -> e.get("ph").getAsString().equals("M")))
                .extracting(e -> e.getAsJsonObject("args").get("name").getAsString())
                .containsExactly("domain 7", "host", "vCPU 0");
    }

    @Test
    void hypercallIsABarThatEndsWhenItReturned() {
        JsonObject bar =
                timeline(everything()).stream()
                        .filter(e -> e.get("name").getAsString().equals("sched_op"))
                        .findFirst()
                        .orElseThrow();
        assertThat(bar.get("ts").getAsString()).isEqualTo("3.500");
        assertThat(bar.get("dur").getAsString()).isEqualTo("1.500");
        assertThat(bar.getAsJsonObject("args").toString())
                .isEqualTo(
                        "{\"cmd\":\"SCHEDOP_shutdown\",\"reason\":3,\"result\":\"-EINVAL\","
                                + "\"mode\":\"kernel\"}");
    }

    private static List<String> bars(List<JsonObject> events) {
        return events.stream()
                .filter(event -> "BE".contains(event.get("ph").getAsString()))
                .map(
                        event ->
                                "%s %s on %s"
                                        .formatted(
                                                event.get("ph").getAsString(),
                                                event.get("ts").getAsString(),
                                                event.get("tid").getAsString()))
                .toList();
    }

    @Test
    void barWhoseEndIsLostEndsAtTheLossAndTakesNoLaterEndForItsOwn() {
        StringBuilder text = new StringBuilder();
        TimelineSink sink = new TimelineSink(text);
        sink.accept(at(1_000, 0, new TraceEvent.Scheduled()));
        sink.accept(at(2_000, 1, new TraceEvent.Scheduled()));
        sink.accept(at(3_000, 0, TraceEvent.iret(0x8000)));
        Happening next = at(9_000, 0, new TraceEvent.Descheduled("blocked", 12));
        sink.lost(3, next);
        sink.accept(next);
        sink.accept(at(10_000, 0, new TraceEvent.Scheduled()));
        sink.accept(at(11_000, 0, new TraceEvent.Descheduled("blocked", 12)));
        sink.close();
        assertThat(bars(parsed(text)))
                .containsExactly(
                        "B 1.000 on 1",
                        "B 2.000 on 2",
                        "E 3.000 on 1",
                        "E 3.000 on 2",
                        "B 10.000 on 1",
                        "E 11.000 on 1");
    }

    @Test
    void barThatBeganBeforeTheTraceOrOutlastsItIsNoHalfOfAnother() {
        List<JsonObject> events =
                timeline(
                        List.of(
                                at(1_000, 0, new TraceEvent.Descheduled("blocked", 12)),
                                at(2_000, 0, new TraceEvent.Scheduled()),
                                at(5_000, 0, TraceEvent.iret(0x8000))));
        assertThat(bars(events)).containsExactly("B 2.000 on 1", "E 5.000 on 1");
    }

    @Test
    void timelineWithoutEventsIsOneToo() {
        assertThat(timeline(List.of())).isEmpty();
    }

    // ---- the Flight Recorder ----

    @Test
    void recordingHasTheSameEvents(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("guest.jfr");
        FlightSink sink = FlightSink.into(file);
        everything().forEach(sink::accept);
        sink.close();
        List<RecordedEvent> events =
                RecordingFile.readAllEvents(file).stream()
                        .filter(e -> e.getEventType().getName().startsWith("org.xenolith."))
                        .toList();
        assertThat(events).hasSameSizeAs(everything());
        RecordedEvent call =
                events.stream()
                        .filter(e -> "SCHEDOP_shutdown".equals(text(e, "operation")))
                        .findFirst()
                        .orElseThrow();
        assertThat(call.getString("hypercall")).isEqualTo("sched_op");
        assertThat(call.getString("result")).isEqualTo("-EINVAL");
        assertThat(call.getDuration("cost").toNanos()).isEqualTo(1500);
        assertThat(events)
                .extracting(e -> text(e, "text"))
                .contains("bounced vector=#PF rip=0x8000 handler=0xa000");
    }

    @Test
    void recordingIsNotLostWhenASignalEndsTheProcess(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("guest.jfr");
        try (FlightSink _ = FlightSink.into(file)) {
            assertThat(FlightRecorder.getFlightRecorder().getRecordings())
                    .filteredOn(recording -> file.equals(recording.getDestination()))
                    .singleElement()
                    .returns(true, Recording::getDumpOnExit);
        }
    }

    @Test
    void fileThatCannotBeWrittenLeavesNoRecordingBehind(@TempDir Path folder) {
        Path file = folder.resolve("missing").resolve("guest.jfr");
        int before = FlightRecorder.getFlightRecorder().getRecordings().size();
        assertThatThrownBy(() -> FlightSink.into(file)).isInstanceOf(IOException.class);
        assertThat(FlightRecorder.getFlightRecorder().getRecordings()).hasSize(before);
    }

    private static String text(RecordedEvent event, String field) {
        return event.hasField(field) ? event.getString(field) : null;
    }

    // ---- in the background ----

    @Test
    void closedBackgroundSinkHasWrittenAllInOrder() {
        List<Happening> written = new ArrayList<>();
        BackgroundSink sink = new BackgroundSink(written::add);
        List<Happening> many = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            many.add(at(i, 0, new TraceEvent.Scheduled()));
        }
        many.forEach(sink::accept);
        sink.close();
        assertThat(written).isEqualTo(many);
    }

    @Test
    void traceOfAnInterruptedThreadHasNoGap() {
        List<Happening> written = new ArrayList<>();
        BackgroundSink sink = new BackgroundSink(written::add);
        Happening event = at(1, 0, new TraceEvent.Scheduled());
        Thread.currentThread().interrupt();
        sink.accept(event);
        sink.close();
        assertThat(Thread.interrupted()).as("whoever interrupted is heard").isTrue();
        assertThat(written).containsExactly(event);
    }

    @Test
    void threadThatIsInterruptedWhileItClosesATraceDoesNotCloseItsFileTooSoon() {
        Thread closer = Thread.currentThread();
        List<String> order = new CopyOnWriteArrayList<>();
        BackgroundSink sink =
                new BackgroundSink(
                        new TraceSink() {
                            @Override
                            public void accept(Happening happening) {
                                while (closer.getState() != Thread.State.WAITING
                                        && !order.contains("closed")) {
                                    Thread.onSpinWait();
                                }
                                order.add("written");
                            }

                            @Override
                            public void close() {
                                order.add("closed");
                            }
                        });
        sink.accept(at(1, 0, new TraceEvent.Scheduled()));
        closer.interrupt();
        sink.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(order).containsExactly("written", "closed");
    }

    @Test
    void sinkThatFailsDoesNotHoldUpTheGuest() {
        BackgroundSink sink =
                new BackgroundSink(
                        _ -> {
                            throw new IllegalStateException("the disk is full");
                        });
        for (int i = 0; i < 100_000; i++) {
            sink.accept(at(i, 0, new TraceEvent.Scheduled()));
        }
        sink.close();
        assertThat(sink.failure()).contains("the disk is full");
    }

    /** Who made it in vain is told in the end. */
    @Test
    void traceThatCouldNotBeWrittenRemembersWhyInTheWordsOfTheDisk() {
        TraceSink sink = ClosedAtExit.of(new BackgroundSink(new TextSink(new FullDisk())));
        sink.close();
        assertThat(sink.failure()).contains("no space left");
        Tracer tracer =
                new Tracer(
                        TraceFilter.of(Set.of(TraceTopic.SCHEDULE)), Symbols.NONE, List.of(sink));
        assertThat(tracer.failures()).containsExactly("no space left");
        TraceSink well = new BackgroundSink(_ -> {});
        well.close();
        assertThat(well.failure()).isEmpty();
    }

    @Test
    void sinkThatRunsOutOfMemoryDoesNotHoldUpTheGuest() {
        BackgroundSink sink =
                new BackgroundSink(
                        _ -> {
                            throw new OutOfMemoryError("no room for a kernel's symbols");
                        });
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> {
                    for (int i = 0; i < 100_000; i++) {
                        sink.accept(at(i, 0, new TraceEvent.Scheduled()));
                    }
                    sink.close();
                });
    }

    /** A file on a disk that is full. */
    private static final class FullDisk extends Writer {
        private boolean closed;

        @Override
        public void write(char[] text, int offset, int length) {}

        @Override
        public void flush() throws IOException {
            throw new IOException("no space left");
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @Test
    void traceThatCannotBeFlushedIsNoReasonNotToEndItsGuest() {
        FullDisk disk = new FullDisk();
        new BackgroundSink(new TextSink(disk)).close();
        assertThat(disk.closed).isTrue();
    }

    @Test
    void timelineThatCannotBeEndedIsClosedNevertheless() {
        boolean[] full = new boolean[1];
        boolean[] closed = new boolean[1];
        Writer disk =
                new Writer() {
                    @Override
                    public void write(char[] text, int offset, int length) throws IOException {
                        if (full[0]) {
                            throw new IOException("no space left");
                        }
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {
                        closed[0] = true;
                    }
                };
        BackgroundSink sink = new BackgroundSink(new TimelineSink(disk));
        full[0] = true;
        sink.close();
        assertThat(closed[0]).isTrue();
    }

    // ---- filters ----

    @ParameterizedTest
    @CsvSource({
        "xen_*,xen_safe_halt+0x12,true",
        "xen_*,xen_safe_halt,true",
        "xen_*,do_xen_halt,false",
        "*halt,xen_safe_halt+0x12,true",
        "xen_safe_halt,xen_safe_halt+0x1,true",
        "xen?safe*,xen_safe_halt,true",
        "xen.safe*,xen_safe_halt,false",
        "'',anything,true",
        "xen_*,'',false"
    })
    void functionIsNamedByAPattern(String glob, String function, boolean wanted) {
        TraceFilter filter = TraceFilter.of(EnumSet.of(TraceTopic.FAULT), glob);
        assertThat(filter.wantsFunction(function)).isEqualTo(wanted);
    }
}
