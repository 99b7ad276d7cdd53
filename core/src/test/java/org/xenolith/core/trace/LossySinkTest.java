package org.xenolith.core.trace;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.Test;
import org.xenolith.core.image.Symbols;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

final class LossySinkTest {
    private final List<String> shown = new ArrayList<>();

    /** Writes down numbers of events, and of lost ones in brackets. */
    private final TraceSink reader =
            new TraceSink() {
                @Override
                public void accept(Happening happening) {
                    shown.add("" + happening.nanos());
                }

                @Override
                public void lost(long events, Happening next) {
                    shown.add("(" + events + ")");
                }
            };

    private static Happening at(long nanos) {
        return new Happening(nanos, 7, 0, true, Symbols.NONE, new TraceEvent.Scheduled());
    }

    private static LossySink unlimited() {
        return new LossySink(LossySink.UNLIMITED, () -> {});
    }

    @Test
    void readerWhoKeepsUpLosesNothing() {
        LossySink sink = unlimited();
        for (int i = 0; i < 3 * LossySink.MOST_KEPT; i++) {
            sink.accept(at(i));
            if (i % 1000 == 0) {
                while (sink.drainTo(reader, 256) > 0) {
                    // All that there is.
                }
            }
        }
        while (sink.drainTo(reader, 256) > 0) {
            // The rest.
        }
        assertThat(shown)
                .hasSize(3 * LossySink.MOST_KEPT)
                .last()
                .isEqualTo("" + (shown.size() - 1));
        assertThat(sink.lost()).isZero();
    }

    @Test
    void readerWhoSleepsHoldsUpNobodyAndIsToldWhereHowMuchIsMissing() {
        LossySink sink = unlimited();
        for (int i = 0; i < LossySink.MOST_KEPT + 5; i++) {
            sink.accept(at(i));
        }
        assertThat(sink.drainTo(reader, 2)).isEqualTo(2);
        sink.accept(at(100_000));
        sink.accept(at(100_001));
        sink.accept(at(100_002));
        while (sink.drainTo(reader, 256) > 0) {
            // All that there is.
        }
        int kept = LossySink.MOST_KEPT;
        assertThat(shown.subList(kept - 1, shown.size()))
                .containsExactly("" + (kept - 1), "(5)", "100000", "100001");
        assertThat(sink.accepted()).isEqualTo(kept + 2L);
        assertThat(sink.lost()).isEqualTo(6);
    }

    @Test
    void traceOfACountEndsWithTheLastOfThem() {
        AtomicInteger ends = new AtomicInteger();
        LossySink sink = new LossySink(3, ends::incrementAndGet);
        for (int i = 0; i < 10; i++) {
            sink.accept(at(i));
            assertThat(ends).hasValue(i < 2 ? 0 : 1);
        }
        assertThat(sink.drainTo(reader, 256)).isEqualTo(3);
        assertThat(sink.lost()).as("those behind are not wanted").isZero();
    }

    @Test
    void whatWasKeptBeforeTheEndIsStillShown() {
        LossySink sink = unlimited();
        sink.accept(at(1));
        sink.close();
        sink.accept(at(2));
        sink.drainTo(reader, 256);
        assertThat(shown).containsExactly("1");
    }

    @Test
    void lossIsALineAndAPointOfATimeline() {
        StringBuilder text = new StringBuilder();
        TextSink lines = new TextSink(text);
        lines.lost(12, at(1_500_000_000));
        assertThat(text.toString()).isEqualTo("[    1.500000] d7 - 12 events lost here\n");

        StringBuilder json = new StringBuilder();
        TimelineSink timeline = new TimelineSink(json);
        timeline.lost(12, at(1500));
        timeline.accept(at(1500));
        timeline.close();
        JsonObject lost =
                JsonParser.parseString(json.toString())
                        .getAsJsonObject()
                        .getAsJsonArray("traceEvents")
                        .asList()
                        .stream()
                        .map(event -> event.getAsJsonObject())
                        .filter(event -> event.get("name").getAsString().equals("events lost"))
                        .findFirst()
                        .orElseThrow();
        assertThat(lost.getAsJsonObject("args").get("events").getAsInt()).isEqualTo(12);
        assertThat(lost.get("ph").getAsString()).isEqualTo("i");
    }
}
