package org.xenolith.devices.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Native;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.libc.HostCallFailed;

import java.io.BufferedReader;
import java.io.File;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

final class RawModeTest {
    @Test
    void rawModePassesKeysOnUnseenAndCloseUndoesIt() {
        try (PseudoTerminal terminal = new PseudoTerminal()) {
            Termios before = terminal.settings();
            assertThat(before.echoes()).isTrue();

            RawMode mode = RawMode.enter(terminal.descriptor());
            assertThat(terminal.settings().echoes()).isFalse();
            assertThat(terminal.settings().turnsKeysIntoSignals()).isFalse();

            mode.close();
            assertThat(terminal.settings()).isEqualTo(before);
        }
    }

    @Test
    void closingTwiceLeavesLaterSettingsAlone() {
        try (PseudoTerminal terminal = new PseudoTerminal()) {
            RawMode first = RawMode.enter(terminal.descriptor());
            first.close();
            RawMode second = RawMode.enter(terminal.descriptor());
            first.close();
            assertThat(terminal.settings().echoes()).isFalse();
            second.close();
        }
    }

    @Test
    void somethingElseThanTerminalIsRefusedWithTheHostsReason() {
        assertThat(RawMode.isTerminal(9999)).isFalse();
        assertThatThrownBy(() -> RawMode.enter(9999))
                .isInstanceOf(HostCallFailed.class)
                .hasMessage("Cannot read the terminal's settings: Bad file descriptor (errno 9)");
    }

    /**
     * The ways out of a process, each in a JVM of its own whose input is a terminal. More output
     * than a pipe holds is still waiting when it goes.
     */
    @ParameterizedTest
    @CsvSource({"return,0", "exit,3", "throw,1", "TERM,143", "INT,130", "HUP,129"})
    void everyWayOutOfTheProcessRestoresTheTerminalAndLosesNoOutput(String wayOut, int status)
            throws Exception {
        try (PseudoTerminal terminal = new PseudoTerminal()) {
            Termios before = terminal.settings();
            Process process = start(terminal.path(), wayOut);
            try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                assertThat(out.readLine()).isEqualTo("raw");
                assertThat(terminal.settings().echoes()).isFalse();
                if (Character.isUpperCase(wayOut.charAt(0))) {
                    kill(wayOut, process.pid());
                } else {
                    terminal.type((byte) 'x');
                }
                assertThat(out.readLine()).isEqualTo(Child.OUTPUT);
                assertThat(out.readLine()).isEqualTo("last words");
            }
            assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(status);
            assertThat(terminal.settings()).isEqualTo(before);
        }
    }

    @Test
    void closedSessionWaitsForNoMoreKeys() throws Exception {
        try (PseudoTerminal terminal = new PseudoTerminal()) {
            Process process = start(terminal.path(), "close");
            try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                assertThat(out.readLine()).isEqualTo("raw");
                terminal.type((byte) 'x');
                assertThat(out.lines().toList()).endsWith("nobody reads");
            }
            assertThat(terminal.settings().echoes()).isTrue();
        }
    }

    private static Process start(Path terminal, String wayOut) throws Exception {
        List<String> command =
                List.of(
                        // A build in the background may have passed on these signals as ignored.
                        "env",
                        "--default-signal=HUP,INT,TERM",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classPathOf(Child.class, TerminalSession.class, Native.class),
                        Child.class.getName(),
                        wayOut);
        return new ProcessBuilder(command)
                .redirectInput(terminal.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static String classPathOf(Class<?>... classes) throws URISyntaxException {
        StringJoiner path = new StringJoiner(File.pathSeparator);
        for (Class<?> type : classes) {
            URI source = type.getProtectionDomain().getCodeSource().getLocation().toURI();
            path.add(Path.of(source).toString());
        }
        return path.toString();
    }

    private static void kill(String signal, long pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor())
                .isZero();
    }

    /** Whether the thread that reads keys is still there, a while after it should have gone. */
    private static boolean reads() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("console-in")) {
                thread.join(TimeUnit.SECONDS.toMillis(10));
                return thread.isAlive();
            }
        }
        return false;
    }

    /** Enters raw mode, says so, and goes the way out it is told once a key arrives. */
    static final class Child {
        static final String OUTPUT = "x".repeat(300_000);

        private Child() {}

        public static void main(String[] arguments) throws Exception {
            TerminalSession session = TerminalSession.open();
            CountDownLatch key = new CountDownLatch(1);
            session.start(
                    new InputListener() {
                        @Override
                        public void typed(byte[] bytes, int length) {
                            key.countDown();
                        }

                        @Override
                        public void endOfInput() {}

                        @Override
                        public void leave() {}
                    });
            byte[] words = ("raw\n" + OUTPUT + "\nlast words\n").getBytes(StandardCharsets.UTF_8);
            session.write(words, 0, words.length);
            key.await();
            switch (arguments[0]) {
                case "close" -> {
                    session.close();
                    System.out.println(reads() ? "somebody reads" : "nobody reads");
                }
                case "exit" -> System.exit(3);
                case "throw" -> throw new IllegalStateException("crash");
                default -> {
                    return;
                }
            }
        }
    }
}
