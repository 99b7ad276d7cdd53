package org.xenolith.core.trace;

import jdk.jfr.Recording;

import org.xenolith.core.abi.Operation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Hands events to the JVM's Flight Recorder, on the thread on which they happen, so that they stand
 * beside the JVM's own: collections of garbage, compilations, threads.
 */
public final class FlightSink implements TraceSink {
    /** Null when somebody else records. */
    private final Recording recording;

    private FlightSink(Recording recording) {
        this.recording = recording;
    }

    /** For a recording that the user has started. */
    public static FlightSink intoRunningRecordings() {
        return new FlightSink(null);
    }

    /** Records into a file until the sink is closed, or a signal ends the process. */
    public static FlightSink into(Path file) throws IOException {
        Recording recording = new Recording();
        try {
            recording.setDestination(file);
        } catch (IOException e) {
            recording.close(); // the JVM keeps what is not closed
            throw e;
        }
        recording.setDumpOnExit(true);
        recording.enable(FlightEvent.OfHypercall.class).withThreshold(Duration.ZERO);
        recording.enable(FlightEvent.OfOther.class).withThreshold(Duration.ZERO);
        recording.start();
        return new FlightSink(recording);
    }

    @Override
    public void accept(Happening happening) {
        if (happening.event() instanceof TraceEvent.Hypercalled call) {
            FlightEvent.OfHypercall event = new FlightEvent.OfHypercall();
            if (event.shouldCommit()) {
                Operation operation = TraceFields.operationOf(call);
                event.hypercall = TraceFields.title(call);
                event.operation = operation == null ? null : operation.name();
                event.result = TraceFields.result(call.result());
                event.cost = call.nanos();
                commit(event, happening);
            }
        } else {
            FlightEvent.OfOther event = new FlightEvent.OfOther();
            if (event.shouldCommit()) {
                event.topic = happening.event().topic().label();
                event.text = TraceText.of(happening.event());
                commit(event, happening);
            }
        }
    }

    private static void commit(FlightEvent event, Happening happening) {
        event.domain = happening.domId();
        event.vcpu = happening.vcpu();
        event.kernel = happening.kernel();
        event.guestTime = happening.nanos();
        event.function = happening.function();
        event.commit();
    }

    @Override
    public void close() {
        if (recording != null) {
            recording.stop();
            recording.close();
        }
    }
}
