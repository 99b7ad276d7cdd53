package org.xenolith.core.machine;

import jdk.jfr.FlightRecorder;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.trace.BackgroundSink;
import org.xenolith.core.trace.ClosedAtExit;
import org.xenolith.core.trace.FlightSink;
import org.xenolith.core.trace.TextSink;
import org.xenolith.core.trace.TimelineSink;
import org.xenolith.core.trace.TraceFilter;
import org.xenolith.core.trace.TraceSink;
import org.xenolith.core.trace.Tracer;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Where a trace goes: what its file's name says. */
public final class TraceOutput {
    private static final String TIMELINE = ".json";
    private static final String FLIGHT_RECORDING = ".jfr";

    private TraceOutput() {}

    /** Whether a file of this name gets a timeline instead of text. */
    public static boolean isTimeline(Path file) {
        return file.toString().endsWith(TIMELINE);
    }

    /** Whether a file of this name is a recording of this JVM. */
    public static boolean isFlightRecording(Path file) {
        return file.toString().endsWith(FLIGHT_RECORDING);
    }

    /**
     * Opens a file for text or a timeline; what it held is gone.
     *
     * @throws IOException if the file cannot be written
     */
    public static Writer writer(Path file) throws IOException {
        try {
            return Files.newBufferedWriter(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            Path folder = file.toAbsolutePath().getParent();
            throw new IOException("%s: there is no folder %s".formatted(file, folder), e);
        }
    }

    /**
     * A tracer for a guest.
     *
     * @return null when nothing is to be traced
     * @throws IOException if the file cannot be written
     */
    static Tracer open(BootOptions options, Symbols symbols) throws IOException {
        if (options.trace().isEmpty()) {
            return null;
        }
        Path file = options.traceFile().orElse(null);
        List<TraceSink> sinks = new ArrayList<>();
        if (file != null && isFlightRecording(file)) {
            sinks.add(FlightSink.into(file));
        } else {
            sinks.add(ClosedAtExit.of(new BackgroundSink(sink(file))));
            if (FlightRecorder.isInitialized()) {
                sinks.add(FlightSink.intoRunningRecordings());
            }
        }
        TraceFilter filter = TraceFilter.of(options.trace(), options.traceFunction());
        return new Tracer(filter, symbols, sinks);
    }

    private static TraceSink sink(Path file) throws IOException {
        if (file == null) {
            return new TextSink(System.err);
        }
        Writer writer = writer(file);
        return isTimeline(file) ? new TimelineSink(writer) : new TextSink(writer);
    }
}
