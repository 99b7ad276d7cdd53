package org.xenolith.core.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.PrintWriter;
import java.io.StringWriter;

final class StatusLineTest {
    private final StringWriter written = new StringWriter();

    @Test
    void terminalKeepsOneLineThatIsGoneAtTheEnd() {
        try (StatusLine status = new StatusLine(new PrintWriter(written), true)) {
            status.step("Fetching");
            status.progress(1, 4);
        }
        assertThat(written.toString())
                .isEqualTo(
                        "\r\u001b[KFetching ..."
                                + "\r\u001b[KFetching [######..................] 25 %"
                                + "\r\u001b[K");
    }

    @Test
    void fileGetsOneLinePerStepAndNoControlCharacters() {
        try (StatusLine status = new StatusLine(new PrintWriter(written), false)) {
            status.step("Fetching");
            status.progress(1, 4);
            status.step("Packing");
        }
        assertThat(written.toString()).isEqualTo("Fetching ...\nPacking ...\n");
    }

    @Test
    void barStaysWithinItsBoundsWhateverItIsTold() {
        assertThat(StatusLine.bar(9, 4)).isEqualTo("[########################] 100 %");
        assertThat(StatusLine.bar(-1, 4)).isEqualTo("[........................] 0 %");
    }
}
