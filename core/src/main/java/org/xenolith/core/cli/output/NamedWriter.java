package org.xenolith.core.cli.output;

import org.xenolith.core.machine.FileSentence;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;

/** A file whose name stands in what it says when it cannot be written: Java's own has it not. */
public final class NamedWriter extends FilterWriter {
    private final Path file;

    /**
     * @param file as its sentences name it
     * @param out to that file
     */
    public NamedWriter(Path file, Writer out) {
        super(out);
        this.file = file;
    }

    @Override
    public void write(int character) throws IOException {
        named(() -> out.write(character));
    }

    @Override
    public void write(char[] chars, int offset, int length) throws IOException {
        named(() -> out.write(chars, offset, length));
    }

    @Override
    public void write(String text, int offset, int length) throws IOException {
        named(() -> out.write(text, offset, length));
    }

    @Override
    public void flush() throws IOException {
        named(out::flush);
    }

    @Override
    public void close() throws IOException {
        named(out::close);
    }

    private interface Attempt {
        void make() throws IOException;
    }

    private void named(Attempt attempt) throws IOException {
        try {
            attempt.make();
        } catch (IOException e) {
            throw new IOException(file + ": " + FileSentence.reason(e), e);
        }
    }
}
