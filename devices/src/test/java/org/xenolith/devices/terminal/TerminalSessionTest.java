package org.xenolith.devices.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

final class TerminalSessionTest {
    private final Recorder recorder = new Recorder();

    @Test
    void pipedBytesArriveInOrderAndTheEndIsPassedOn() throws Exception {
        try (TerminalSession session = TerminalSession.on(input("poweroff\n"), sink())) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("typed poweroff\n");
            assertThat(recorder.next()).isEqualTo("end");
        }
    }

    @Test
    void emptyInputEndsAtOnceAndOutputGoesOn() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TerminalSession session = TerminalSession.on(InputStream.nullInputStream(), out)) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("end");
            session.write("still here".getBytes(US_ASCII), 0, 10);
        }
        assertThat(out.toString(US_ASCII)).isEqualTo("still here");
    }

    @Test
    void guestThatIsBootedAgainLearnsThatTheInputHasEnded() throws Exception {
        Recorder second = new Recorder();
        try (TerminalSession session = TerminalSession.on(input("x"), sink())) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("typed x");
            assertThat(recorder.next()).isEqualTo("end");
            session.start(second);
            assertThat(second.next()).isEqualTo("end");
        }
    }

    /** A second Ctrl-D would be for whatever the guest runs by then. */
    @Test
    void inputThatEndsJustAsTheGuestIsBootedAgainEndsOnce() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        Recorder second = new Recorder();
        try (TerminalSession session = TerminalSession.on(endingAfter(mayEnd), brokenPipe())) {
            session.start(recorder);
            session.write(new byte[] {'#'}, 0, 1);
            assertThat(recorder.next()).isEqualTo("leave");
            session.start(
                    new InputListener() {
                        @Override
                        public void typed(byte[] bytes, int length) {}

                        @Override
                        public void endOfInput() {
                            second.endOfInput();
                        }

                        /** It is told first, in the middle of its start, that nobody reads it. */
                        @Override
                        public void leave() {
                            mayEnd.countDown();
                            while (second.events.isEmpty()) {
                                Thread.onSpinWait();
                            }
                        }
                    });
        }
        assertThat(second.events).containsExactly("end");
        assertThat(recorder.events).isEmpty();
    }

    /** Has nothing until it has ended. */
    private static InputStream endingAfter(CountDownLatch end) {
        return new InputStream() {
            @Override
            public int read() {
                try {
                    end.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return -1;
            }
        };
    }

    private static OutputStream brokenPipe() {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
    }

    @Test
    void escapeKeyLeavesAfterTheKeysBeforeItAndHidesTheRest() throws Exception {
        try (TerminalSession session = TerminalSession.onKeys(input("ls\r\u001dxyz"), sink())) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("typed ls\r");
            assertThat(recorder.next()).isEqualTo("leave");
        }
        assertThat(recorder.events).isEmpty();
    }

    @Test
    void escapeByteInPipeIsOrdinaryData() throws Exception {
        try (TerminalSession session = TerminalSession.on(input("a\u001db"), sink())) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("typed a\u001db");
            assertThat(recorder.next()).isEqualTo("end");
        }
    }

    @Test
    void terminalThatHangsUpEndsTheInput() throws Exception {
        InputStream hungUp =
                new InputStream() {
                    @Override
                    public int read() throws IOException {
                        throw new IOException("Input/output error");
                    }
                };
        try (TerminalSession session = TerminalSession.onKeys(hungUp, sink())) {
            session.start(recorder);
            assertThat(recorder.next()).isEqualTo("end");
        }
    }

    @Test
    void closeWritesEverythingThatIsWaiting() {
        byte[] output = new byte[3 * TerminalOutput.CAPACITY + 17];
        new Random(1).nextBytes(output);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TerminalSession session = TerminalSession.on(InputStream.nullInputStream(), out)) {
            for (int at = 0; at < output.length; at += 1000) {
                session.write(output, at, Math.min(1000, output.length - at));
            }
        }
        assertThat(Arrays.equals(out.toByteArray(), output)).isTrue();
    }

    @Test
    void readerThatLagsBehindLeavesNoRoomAndIsWaitedForByNobody() throws Exception {
        CountDownLatch reads = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        OutputStream stuck =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        begun.countDown();
                        try {
                            reads.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                    }
                };
        CountDownLatch again = new CountDownLatch(2);
        try (TerminalSession session = TerminalSession.on(InputStream.nullInputStream(), stuck)) {
            // Once the writer stands there it takes nothing more, however late it came.
            session.write(new byte[1], 0, 1);
            assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
            int written = 0;
            while (session.room() > 0) {
                session.whenRoom(() -> assertThat(session.room()).isPositive());
                session.write(new byte[2048], 0, 2048);
                written += 2048;
            }
            assertThat(written).isBetween(TerminalOutput.ROOM, TerminalOutput.CAPACITY);
            session.whenRoom(again::countDown);
            session.whenRoom(again::countDown);
            assertThat(again.getCount()).isEqualTo(2);
            reads.countDown();
            assertThat(again.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void outputIsWrittenWithoutWaitingForMore() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        OutputStream out =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        seen.countDown();
                    }
                };
        try (TerminalSession session = TerminalSession.on(InputStream.nullInputStream(), out)) {
            session.write(new byte[] {'#'}, 0, 1);
            assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void outputThatNobodyReadsAnyMoreLeavesTheGuest() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (TerminalSession session = TerminalSession.on(endingAfter(never), brokenPipe())) {
            session.start(recorder);
            session.write(new byte[] {'#'}, 0, 1);
            assertThat(recorder.next()).isEqualTo("leave");
            session.write(new byte[2 * TerminalOutput.CAPACITY], 0, 2 * TerminalOutput.CAPACITY);
            assertThat(session.failure())
                    .get()
                    .extracting(IOException::getMessage)
                    .isEqualTo("Broken pipe");
        } finally {
            never.countDown();
        }
    }

    private static InputStream input(String text) {
        return new ByteArrayInputStream(text.getBytes(US_ASCII));
    }

    private static OutputStream sink() {
        return OutputStream.nullOutputStream();
    }

    /** Writes down what the console told, one line each. */
    private static final class Recorder implements InputListener {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        String next() throws InterruptedException {
            return events.poll(10, TimeUnit.SECONDS);
        }

        @Override
        public void typed(byte[] bytes, int length) {
            events.add("typed " + new String(bytes, 0, length, US_ASCII));
        }

        @Override
        public void endOfInput() {
            events.add("end");
        }

        @Override
        public void leave() {
            events.add("leave");
        }
    }
}
