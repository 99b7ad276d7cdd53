package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.xenolith.core.boot.EndedWithLosses;
import org.xenolith.core.boot.LastingCopies;
import org.xenolith.core.boot.Outcome;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;

/** What the user hears when a guest ends or starts again, and what the exit status is. */
final class BootEndTest extends FakeVmm {
    @Test
    void crashShowsItsReportAndFails() {
        endings.add(new Outcome.Crashed("guest crashed: #PF at 0x10\nrax 0\n\n"));

        assertThat(vmm("boot")).isEqualTo(1);

        assertThat(err.toString()).isEqualTo("guest crashed: #PF at 0x10\nrax 0\n");
        assertThat(console.toString(US_ASCII)).isEqualTo("hello\n");
    }

    @Test
    void guestThatTakesTooLongFailsWithSentence() {
        endings.add(new Outcome.TimedOut());

        assertThat(vmm("boot", "--timeout", "1500ms")).isEqualTo(1);

        assertThat(err.toString())
                .isEqualTo("vmm: the guest was stopped: it did not power off within 1500 ms.\n");
    }

    private static OutputStream failing(String why) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(why);
            }
        };
    }

    @Test
    void bootIntoAFullDiskIsNoSuccess() {
        terminal = failing("No space left on device");
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("vmm: standard output could not be written: No space left on device\n");
        endings.add(new Outcome.PoweredOff(7));
        assertThat(vmm("boot")).isEqualTo(7);
    }

    @Test
    void guestWhoseReaderHasSeenEnoughIsNoFailure() {
        terminal = failing("Broken pipe");
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void leavingIsNoFailure() {
        endings.add(new Outcome.Left());

        assertThat(vmm("boot")).isZero();
    }

    @Test
    void everyFurtherStartIsTold() {
        endings.add(new Outcome.Rebooted());
        endings.add(new Outcome.PoweredOff());
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString()).isEqualTo("The guest reboots.\n");

        err.getBuffer().setLength(0);
        delay = Duration.ofSeconds(2);
        endings.add(new Outcome.Crashed("It crashed.\nrip 0\n"));
        endings.add(new Outcome.PoweredOff());
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString())
                .isEqualTo("It crashed.\nrip 0\nThe guest is started again in 2 s.\n");
    }

    @Test
    void reportOfACrashIsNotShownAgainWhenTheRestartIsCalledOff() {
        Outcome crash = new Outcome(new Outcome.Crashed("It crashed.\nrip 0\n"), "");
        machine =
                (_, _, restarts) -> {
                    restarts.startsAgain(crash.ending(), Duration.ofSeconds(2));
                    return crash;
                };
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo(
                        "It crashed.\nrip 0\nThe guest is started again in 2 s.\n"
                                + "vmm: the guest is not started again.\n");
    }

    /** In virtual time it may be the same, to the letter. */
    @Test
    void secondCrashIsShownTooThoughItIsLikeTheFirst() {
        endings.add(new Outcome.Crashed("It crashed.\n"));
        endings.add(new Outcome.Crashed("It crashed.\n"));
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("It crashed.\nThe guest is started again.\nIt crashed.\n");
    }

    /** One copy, which ends as it likes once somebody waits for it. */
    private void leaveACopy(Outcome.Ending itsEnd) {
        machine =
                (_, _, restarts) -> {
                    Outcome first = new Outcome(new Outcome.PoweredOff(), "7 instructions");
                    restarts.copiesGoOn(
                            first,
                            new LastingCopies() {
                                @Override
                                public List<String> names() {
                                    return List.of("try1");
                                }

                                @Override
                                public void await() {
                                    restarts.copyStartsAgain(
                                            "try1", new Outcome.Rebooted(), Duration.ZERO);
                                    restarts.copyEnded("try1", itsEnd);
                                }

                                @Override
                                public void shutdown() {}
                            });
                    return first;
                };
    }

    @Test
    void guestThatLeavesCopiesIsToldOfOnceAndThenTheyAre() {
        leaveACopy(new Outcome.PoweredOff());
        assertThat(vmm("boot", "--stats")).isZero();
        assertThat(err.toString())
                .isEqualTo(
                        "7 instructions\n"
                                + "vmm: copies of the guest go on: try1; Ctrl-C powers them off.\n"
                                + "vmm: try1 rebooted and is started again.\n"
                                + "vmm: try1 powered off.\n");
    }

    @Test
    void copyThatCrashesIsNoSuccess() {
        leaveACopy(new Outcome.Crashed("It crashed.\nrip 0\n"));
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .endsWith("vmm: try1 crashed (It crashed).\nIt crashed.\nrip 0\n");
    }

    @Test
    void codeThatAGuestLatchedIsTheExitStatus() {
        endings.add(new Outcome.PoweredOff(77));
        assertThat(vmm("boot")).isEqualTo(77);
    }

    @Test
    void traceThatFailsDoesNotCostTheStatistics() {
        Outcome outcome = new Outcome(new Outcome.PoweredOff(), "7 instructions\n");
        machine =
                (_, _, _) -> {
                    throw new EndedWithLosses("The trace is not whole: full", outcome);
                };
        restorer = (_, _, _, _) -> machine.boot(null, null, null);
        for (String[] command : new String[][] {{"boot", "--stats"}, {"restore", "saved"}}) {
            err.getBuffer().setLength(0);
            assertThat(vmm(command)).isEqualTo(1);
            assertThat(err.toString())
                    .isEqualTo("7 instructions\nvmm: The trace is not whole: full\n");
        }
    }
}
