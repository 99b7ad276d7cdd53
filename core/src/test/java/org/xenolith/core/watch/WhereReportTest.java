package org.xenolith.core.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;

final class WhereReportTest {
    /** Behind a call with a displacement, and behind one through a register. */
    private static final long AFTER_CALL = PvGuest.CODE + 0x105;

    private static final long AFTER_INDIRECT_CALL = PvGuest.CODE + 0x202;
    private static final long NO_RETURN = PvGuest.CODE + 0x300;
    private static final long STACK = PvGuest.KERNEL_STACK - 0x100;

    private static final Symbols SYMBOLS =
            Symbols.of(
                    List.of(
                            new ElfImage.Symbol("start", PvGuest.CODE, 0x100),
                            new ElfImage.Symbol("outer", PvGuest.CODE + 0x100, 0x100),
                            new ElfImage.Symbol("inner", PvGuest.CODE + 0x200, 0x100)));

    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());
    private final VirtualCpu vcpu = guest.vcpu(0);

    private JsonObject where(Symbols symbols, int number) {
        return WhereReport.of(guest.domain, symbols, Map.of(7, "console"), false)
                .getAsJsonArray("vcpus")
                .get(number)
                .getAsJsonObject();
    }

    /** Two return addresses in frames, what looks like one, and what does not. */
    private void putStack() {
        guest.put(AFTER_CALL - 5, 0xe8, 0, 0, 0, 0);
        guest.put(AFTER_INDIRECT_CALL - 2, 0xff, 0xd0);
        vcpu.cpu().rip = PvGuest.CODE + 0x212;
        vcpu.cpu().r[Cpu.RSP] = STACK;
        vcpu.cpu().r[Cpu.RBP] = STACK + 16;
        long[] words = {
            NO_RETURN,
            AFTER_CALL, // left from an earlier call
            STACK + 32, // the saved RBP
            AFTER_INDIRECT_CALL,
            STACK, // leads back: the end of the chain
            AFTER_CALL,
            -1L
        };
        for (int i = 0; i < words.length; i++) {
            vcpu.mmu().write64(STACK + 8L * i, words[i]);
        }
    }

    @Test
    void chainOfFramesTellsWhichReturnAddressesAreCertain() {
        putStack();
        JsonObject where = where(SYMBOLS, 0);
        assertThat(where.get("rip").getAsString()).isEqualTo("0x8212");
        assertThat(where.get("function").getAsString()).isEqualTo("inner+0x12");
        assertThat(where.getAsJsonArray("calls").toString())
                .isEqualTo(
                        """
                        [{"return_address":"0x8105","function":"outer+0x5","certain":false},\
                        {"return_address":"0x8202","function":"inner+0x2","certain":true},\
                        {"return_address":"0x8105","function":"outer+0x5","certain":true}]\
                        """);
    }

    @Test
    void kernelWithoutSymbolsShowsAddresses() {
        putStack();
        JsonObject where = where(Symbols.NONE, 0);
        assertThat(where.has("function")).isFalse();
        assertThat(where.getAsJsonArray("calls")).hasSize(3);
        assertThat(where.getAsJsonArray("calls").toString()).doesNotContain("function");
    }

    @Test
    void processHasNoCallersInTheKernel() {
        vcpu.mode.enterUser();
        vcpu.cpu().r[Cpu.RSP] = PvGuest.USER_STACK - 64;
        JsonObject where = where(SYMBOLS, 0);
        assertThat(where.get("mode").getAsString()).isEqualTo("user");
        assertThat(where.has("calls")).isFalse();
        assertThat(where.has("function")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                0,
                -8,
                -1,
                PvGuest.UNMAPPED,
                PvGuest.NON_CANONICAL,
                Long.MAX_VALUE,
                PvGuest.KERNEL_STACK - 3
            })
    void stackPointerMayBeAnything(long rsp) {
        vcpu.cpu().r[Cpu.RSP] = rsp;
        for (long rbp : new long[] {0, -1, rsp, rsp + 8, Long.MIN_VALUE, Long.MAX_VALUE}) {
            vcpu.cpu().r[Cpu.RBP] = rbp;
            assertThat(where(SYMBOLS, 0).has("calls")).isTrue();
        }
        assertThat(guest.domain.hasEnded()).isFalse();
    }

    @Test
    void stackOfNothingButReturnAddressesComesToAnEnd() {
        guest.put(AFTER_CALL - 5, 0xe8, 0, 0, 0, 0);
        long bottom = PvGuest.KERNEL_STACK - 0x1000;
        for (long at = bottom; at < PvGuest.KERNEL_STACK; at += 8) {
            vcpu.mmu().write64(at, AFTER_CALL);
        }
        vcpu.cpu().r[Cpu.RSP] = bottom;
        assertThat(where(SYMBOLS, 0).getAsJsonArray("calls")).hasSize(32);
    }

    @Test
    void randomStacksAndTablesAreNoMoreThanAReport() {
        Random random = new Random(1);
        for (int round = 0; round < 200; round++) {
            long rsp = PvGuest.KERNEL_STACK - 0x1000;
            for (long at = rsp; at < PvGuest.KERNEL_STACK; at += 8) {
                vcpu.mmu().write64(at, random.nextLong() >>> random.nextInt(64));
            }
            vcpu.cpu().r[Cpu.RSP] = rsp + random.nextInt(0x1000);
            vcpu.cpu().r[Cpu.RBP] = rsp + random.nextInt(0x1000);
            vcpu.cpu().rip = random.nextLong();
            assertThat(where(SYMBOLS, 0).getAsJsonArray("calls").size()).isLessThanOrEqualTo(32);
        }
    }

    @Test
    void lookLeavesNothingBehind() {
        putStack();
        long page = PvGuest.KERNEL_STACK - 0x3000;
        vcpu.cpu().r[Cpu.RSP] = page;
        byte[] before = guest.page(guest.memory.l1);
        long walks = vcpu.mmu().walks();
        where(SYMBOLS, 0);
        assertThat(guest.page(guest.memory.l1)).as("accessed bits").isEqualTo(before);
        assertThat(vcpu.mmu().walks()).as("nothing for the TLB").isEqualTo(walks);
    }

    @Test
    void vcpuThatWaitsTellsForWhat() {
        vcpu.waits.forUpcall();
        vcpu.state = VirtualCpu.State.BLOCKED;
        JsonObject waits = where(SYMBOLS, 0).getAsJsonObject("waits_for");
        assertThat(waits.get("upcalls_masked").getAsBoolean()).isTrue();
        assertThat(waits.has("nanoseconds_left")).isFalse();
        vcpu.timers.setOneShot(vcpu.systemTime() + 5000);
        waits = where(SYMBOLS, 0).getAsJsonObject("waits_for");
        assertThat(waits.get("nanoseconds_left").getAsLong()).isEqualTo(5000);
        assertThat(waits.has("slack_nanoseconds")).isFalse();
        guest.domain.setTimerSlack(Duration.ofMillis(3));
        waits = where(SYMBOLS, 0).getAsJsonObject("waits_for");
        assertThat(waits.get("slack_nanoseconds").getAsLong()).isEqualTo(3_000_000);

        int ipi = guest.domain.events().bindIpi(1);
        VirtualCpu sibling = guest.vcpu(1);
        sibling.waits.forPorts(new int[] {ipi, 7, 4000}, 1);
        sibling.state = VirtualCpu.State.POLLING;
        JsonObject polls = where(SYMBOLS, 1);
        assertThat(polls.get("state").getAsString()).isEqualTo("polling");
        assertThat(polls.getAsJsonObject("waits_for").getAsJsonArray("ports").toString())
                .isEqualTo(
                        """
                        [{"port":%d,"use":"ipi"},{"port":7,"use":"console"},\
                        {"port":4000,"use":"free"}]\
                        """
                                .formatted(ipi));
    }

    @Test
    void vcpuThatHasNotStoppedAnewForWhatItWaitsForIsNotRunning() {
        vcpu.waits.forUpcall();
        vcpu.state = VirtualCpu.State.RUNNABLE; // as after a restore
        assertThat(where(SYMBOLS, 0).get("state").getAsString()).isEqualTo("blocked");
        assertThat(where(SYMBOLS, 0).has("waits_for")).isTrue();
        vcpu.nmiPending = true;
        assertThat(where(SYMBOLS, 0).get("state").getAsString()).isEqualTo("running");
        assertThat(where(SYMBOLS, 0).has("waits_for")).isFalse();

        VirtualCpu sibling = guest.vcpu(1);
        sibling.waits.forPorts(new int[] {7}, sibling.systemTime() + 5000);
        sibling.state = VirtualCpu.State.RUNNABLE;
        JsonObject polls = where(SYMBOLS, 1);
        assertThat(polls.get("state").getAsString()).isEqualTo("polling");
        assertThat(polls.getAsJsonObject("waits_for").get("nanoseconds_left").getAsLong())
                .isEqualTo(5000);
    }

    @Test
    void vcpuThatWasNeverUpHasNoPlace() {
        guest.vcpu(1).initialised = false;
        assertThat(where(SYMBOLS, 1).keySet()).containsExactly("vcpu", "state");
    }
}
