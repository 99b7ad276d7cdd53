package org.xenolith.core.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;

final class StandardOutputTest {
    private final StringWriter err = new StringWriter();

    /** As /dev/full, or a pipe whose reader has left. */
    private static OutputStream failing(String why) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(why);
            }
        };
    }

    private int status(OutputStream out, int status) {
        StandardOutput output = new StandardOutput(out);
        PrintWriter writer = new PrintWriter(output, true);
        writer.println("Xenolith");
        writer.flush();
        return output.statusAfter(status, new PrintWriter(err, true));
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "2, 2"})
    void commandThatCouldNotSayWhatItHadToSayHasFailed(int status, int told) {
        assertThat(status(failing("No space left on device"), status)).isEqualTo(told);
        assertThat(err.toString())
                .isEqualTo("vmm: standard output could not be written: No space left on device\n");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1"})
    void readerThatHasReadEnoughIsNoFailure(int status, int told) {
        assertThat(status(failing("Broken pipe"), status)).isEqualTo(told);
        assertThat(status(OutputStream.nullOutputStream(), status)).isEqualTo(told);
        assertThat(err.toString()).isEmpty();
    }
}
