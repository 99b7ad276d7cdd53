package org.xenolith.core.cli.output;

import org.xenolith.devices.terminal.TerminalSession;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.util.Optional;

/**
 * Standard output that remembers whether it took what was written: a {@link PrintWriter} over it
 * does not say. Who read the first lines and left ({@code vmm explain | head}) has what he wanted.
 */
public final class StandardOutput extends FilterOutputStream {
    /** EPIPE, as Java words it. */
    private static final String READER_LEFT = "Broken pipe";

    private IOException failure;

    public StandardOutput(OutputStream out) {
        super(out);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /**
     * The exit status of a command that has ended and flushed what it said.
     *
     * @param status that it would have
     * @param err told when it would be a lie
     */
    public int statusAfter(int status, PrintWriter err) {
        return statusAfter(Optional.ofNullable(failure), status, err);
    }

    /** The same for what a guest said, when its console is closed. */
    public static int statusAfter(TerminalSession console, int status, PrintWriter err) {
        return statusAfter(console.failure(), status, err);
    }

    private static int statusAfter(Optional<IOException> failure, int status, PrintWriter err) {
        if (failure.isEmpty() || READER_LEFT.equals(failure.get().getMessage())) {
            return status;
        }
        err.println("vmm: standard output could not be written: " + failure.get().getMessage());
        return status == ExitStatus.OK ? ExitStatus.FAILED : status;
    }
}
