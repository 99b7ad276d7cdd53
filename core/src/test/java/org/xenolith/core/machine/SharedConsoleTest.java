package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
final class SharedConsoleTest {
    private final SharedConsole console = new SharedConsole(new GuestConsole());
    private final StringBuffer seen = new StringBuffer();
    private final AtomicInteger sentAway = new AtomicInteger();

    private void print(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        console.write(bytes, 0, bytes.length);
    }

    private void see(byte[] bytes, int offset, int length) {
        seen.append(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
    }

    /** Attaches, and has something happen on another thread while the past is shown. */
    private void attachWhile(Runnable happening) throws InterruptedException {
        Thread other = new Thread(happening);
        console.attach(
                (bytes, offset, length) -> {
                    if (other.getState() == Thread.State.NEW) {
                        other.start();
                        while (other.isAlive() && other.getState() != Thread.State.BLOCKED) {
                            Thread.onSpinWait();
                        }
                    }
                    see(bytes, offset, length);
                },
                sentAway::incrementAndGet);
        other.join();
    }

    @Test
    void viewerSeesThePastAndWhatIsPrintedNow() {
        print("early ");
        console.attach(this::see, sentAway::incrementAndGet).close();
        print("unseen ");
        console.attach(this::see, sentAway::incrementAndGet);
        print("late");
        assertThat(seen).hasToString("early early unseen late");
    }

    @Test
    void viewerLosesNothingOfWhatIsPrintedWhileItAttaches() throws InterruptedException {
        print("early ");
        attachWhile(() -> print("meanwhile "));
        print("late");
        assertThat(seen).hasToString("early meanwhile late");
    }

    @Test
    void viewerThatAttachesWhileTheGuestEndsIsSentAwayOnce() throws InterruptedException {
        attachWhile(console::end);
        assertThat(sentAway).hasValue(1);
    }

    @Test
    void viewerThatAttachesAfterTheGuestsEndSeesThePastAndIsSentAway() {
        print("last words");
        console.end();
        console.attach(this::see, sentAway::incrementAndGet);
        assertThat(seen).hasToString("last words");
        assertThat(sentAway).hasValue(1);
    }
}
