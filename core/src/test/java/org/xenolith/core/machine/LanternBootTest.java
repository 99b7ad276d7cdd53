package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.cpu.translate.Tier;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Our own guest from its entry point to its shutdown. */
class LanternBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    private BootOptions options(String commandLine) {
        return BootFixture.options(
                BootFixture.lantern(folder), null, commandLine, 8 * BootFixture.MIB, 1, false);
    }

    @Test
    void bootsInEightMebibytesAndPowersOff() throws IOException {
        Outcome outcome = new VmmMachine().boot(options("run=mem;time;poweroff"), console);
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text())
                .contains("2048 pages of 4 KiB; Xen counts 2048")
                .contains("lantern: power off");
    }

    @Test
    void typedCommandsReachTheShell() throws Exception {
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<Outcome> run = threads.submit(() -> new VmmMachine().boot(options(""), console));
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            console.type("echo through the ring\n");
            assertThat(console.awaitText("\nthrough the ring", PATIENCE)).isTrue();
            console.type("poweroff\n");
            assertThat(run.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    @Test
    void xenstoreAnswersOverItsRing() throws IOException {
        new VmmMachine().boot(options("run=xenstore;poweroff"), console);
        assertThat(console.text()).contains("name").contains("memory");
    }

    @Test
    void timerEventsArriveWhileTheGuestIsBusy() throws IOException {
        new VmmMachine().boot(options("run=spin 50;sleep 20;events;poweroff"), console);
        assertThat(console.text()).contains("lantern: power off");
    }

    @Test
    void crashEndsInAReportWithRegistersAndHypercalls() throws IOException {
        Outcome outcome = new VmmMachine().boot(options("run=crash ud"), console);
        assertThat(outcome.ending()).isInstanceOf(Outcome.Crashed.class);
        String report = ((Outcome.Crashed) outcome.ending()).report();
        assertThat(report)
                .contains("reason crash")
                .contains("rip ")
                .contains("instruction: ")
                .contains("sched_op");
    }

    @Test
    void rebootIsToldApartFromPowerOff() throws IOException {
        Outcome outcome = new VmmMachine().boot(options("run=reboot"), console);
        assertThat(outcome.ending()).isInstanceOf(Outcome.Rebooted.class);
    }

    @Test
    void twoBootsInVirtualTimeEndAlike() throws IOException {
        assertThat(virtualRun(Tier.INTERP).statistics())
                .isEqualTo(virtualRun(Tier.INTERP).statistics())
                .contains("ram ");
    }

    @Test
    void aTranslatedBootEndsAsAnInterpretedOne() throws IOException {
        Outcome translated = virtualRun(Tier.JIT);
        assertThat(TierRuns.end(translated)).isEqualTo(TierRuns.end(virtualRun(Tier.INTERP)));
        assertThat(translated.statistics()).contains("units translated ", ", failed 0,");
    }

    @Test
    void lockStepFindsNoDifferenceInABoot() throws IOException {
        Outcome verified = virtualRun(Tier.VERIFY);
        assertThat(TierRuns.end(verified)).isEqualTo(TierRuns.end(virtualRun(Tier.INTERP)));
        assertThat(TierRuns.compared(verified)).isPositive();
    }

    @Test
    void watchedBootEndsAsOneThatNobodyWatches() throws IOException {
        Path trace = folder.resolve("trace");
        Set<TraceTopic> topics = EnumSet.complementOf(EnumSet.of(TraceTopic.INSTRUCTION));
        Outcome watched =
                virtualRun(virtual().toBuilder().trace(topics, Optional.of(trace)).build());
        assertThat(TierRuns.end(watched)).isEqualTo(TierRuns.end(virtualRun(Tier.INTERP)));
        assertThat(trace)
                .content()
                .contains(" k console_io(CONSOLEIO_write, count=")
                .contains(" k set_trap_table(table=0x")
                .contains(
                        " k event_channel_op(EVTCHNOP_bind_virq, virq=VIRQ_TIMER, vcpu=0, port=3)")
                .contains(" k sched_op(SCHEDOP_shutdown, reason=0) = 0 in ")
                .contains(" upcall rip=0x")
                .contains(" k requests pushed device=console ring=output count=")
                .contains(" k requests pushed device=xenstore ring=requests count=")
                .contains(" k responses pushed device=xenstore ring=responses count=")
                .containsPattern("= 0 in print\\+0x")
                // Each watch fires once when it is set: that is no change.
                .doesNotContain(" xenstore changed path=/\n");
    }

    private BootOptions virtual() {
        return BootFixture.options(
                BootFixture.lantern(folder),
                null,
                "run=mem;spin 20;sleep 30;hypercall 100;poweroff",
                8 * BootFixture.MIB,
                1,
                true);
    }

    private Outcome virtualRun(Tier tier) throws IOException {
        return virtualRun(virtual().withTier(tier));
    }

    private static Outcome virtualRun(BootOptions options) throws IOException {
        Outcome outcome = new VmmMachine().boot(options, new GuestConsole());
        assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        return outcome;
    }

    @Test
    void tenDomainsRunAtOnceAndOneCrashLeavesTheOthersAlone() throws Exception {
        List<Callable<Outcome>> boots = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            String commands = i == 4 ? "run=spin 20;crash pf" : "run=spin 100;mem;poweroff";
            BootOptions options = options(commands);
            boots.add(() -> new VmmMachine().boot(options, new GuestConsole()));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(boots.size())) {
            List<Future<Outcome>> outcomes = threads.invokeAll(boots);
            for (int i = 0; i < outcomes.size(); i++) {
                assertThat(outcomes.get(i).get().ending())
                        .as("domain %d", i)
                        .isInstanceOf(i == 4 ? Outcome.Crashed.class : Outcome.PoweredOff.class);
            }
        }
    }

    @Test
    void tooLittleMemoryIsOneSentence() {
        BootOptions options =
                BootFixture.options(BootFixture.lantern(folder), null, "", 512 << 10, 1, false);
        assertThatThrownBy(() -> new VmmMachine().boot(options, console))
                .isInstanceOf(BootFailed.class)
                .message()
                .isNotEmpty()
                .doesNotContain("\n");
    }

    @Test
    void anInitrdLargerThanMemoryIsOneSentence() throws IOException {
        Path initrd = Files.write(folder.resolve("big"), new byte[9 << 20]);
        BootOptions options =
                BootFixture.options(
                        BootFixture.lantern(folder), initrd, "", 8 * BootFixture.MIB, 1, false);
        assertThatThrownBy(() -> new VmmMachine().boot(options, console))
                .isInstanceOf(BootFailed.class)
                .message()
                .doesNotContain("\n");
    }
}
