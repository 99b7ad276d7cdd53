package org.xenolith.core.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.Runstate;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.sched.Scheduler.Turn;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/** One vCPU's state goes through a file into another vCPU. */
class VcpuStateTest {
    private static final Turn TURN = new Turn(17, true);
    private static final long VCPU_INFO_OFFSET = 0x340;

    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());
    private final VirtualCpu saved = guest.vcpu(0);
    private final VirtualCpu fresh = guest.vcpu(1);

    private static FieldReader reader(byte[] bytes) {
        return new FieldReader(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), Section.VCPU);
    }

    private static byte[] bytes(VirtualCpu vcpu) {
        return new VcpuState(vcpu, TURN).toFields().toBytes();
    }

    private void restoreIntoTheOther() throws SnapshotException {
        new VcpuState(reader(bytes(saved))).restore(fresh);
    }

    /** No two values alike, nothing at its initial value. */
    private void fillWithOddValues() {
        Cpu cpu = saved.cpu();
        for (int i = 0; i < 16; i++) {
            cpu.r[i] = 0x1111_0000_0000_0000L * i + i;
        }
        for (int i = 0; i < cpu.xmm.length; i++) {
            cpu.xmm[i] = 0x0102_0304_0506_0708L * (i + 1);
        }
        cpu.mxcsr.load(0x7fc1);
        cpu.x87.execute(1, 0xeb, 0); // FLDPI
        cpu.x87.execute(1, 0xe8, 0); // FLD1
        cpu.setRflags(Flags.CF | Flags.ZF | Flags.DF | Flags.AC);
        cpu.rip = 0x8123;
        cpu.taskSwitched = true;
        cpu.selectors[Selectors.DS] = 0x2b;
        cpu.selectors[Selectors.GS] = 0x33;
        cpu.r[Cpu.FS_BASE] = 0x7f00_0000_1000L;
        cpu.setRetired(123_456);
        saved.control().setGuestCr4(1 << 2 | 1 << 16);
        saved.debug.set(0, 0x4000);
        saved.debug.set(7, 0x1);
        saved.ioPrivilege.setLevel(1);
        saved.setLdt(0x5000, 3);
        saved.traps.set(14, 4, 0xe033, 0x9000);
        saved.traps.set(3, 3, 0xe033, 0x9100);
        saved.entry.eventCallback = 0xa000;
        saved.entry.failsafeCallback = 0xa100;
        saved.entry.failsafeMasksEvents = true;
        saved.entry.syscallCallback = 0xa200;
        saved.entry.syscallMasksEvents = true;
        saved.nmiPending = true;
        saved.nmiMasked = true;
        saved.waits.forPorts(new int[] {3, 9}, 1_000_000);
        saved.timers.restore(2_000_000, 3_000_000, 4_000_000);
        saved.runstate.set(Runstate.BLOCKED, 55);
        saved.runstate.register(0x6000);
        saved.interruptSlice(123_999);
        saved.mode.enterUser();
    }

    @Test
    void everythingThatAVcpuIsComesThroughTheFile() throws SnapshotException {
        fillWithOddValues();
        long mfn = guest.memory.pages[40];
        long host = guest.domain.pin(mfn, saved.tlb());
        saved.info.register((mfn << Ram.PAGE_SHIFT) + VCPU_INFO_OFFSET, host + VCPU_INFO_OFFSET);
        restoreIntoTheOther();
        assertThat(bytes(fresh)).isEqualTo(bytes(saved));
        assertThat(fresh.vcpuInfo()).isEqualTo(host + VCPU_INFO_OFFSET);
        assertThat(fresh.mmu().root()).as("runs a process").isEqualTo(guest.userL4);
        assertThat(fresh.cpu().directionDown()).isTrue();
        assertThat(fresh.cpu().fsgsbaseEnabled).isTrue();
    }

    @Test
    void vcpuIn32BitCodeGoesOnInIt() throws SnapshotException {
        saved.cpu().selectors[Selectors.CS] = Selectors.FLAT_CS32;
        restoreIntoTheOther();
        assertThat(fresh.cpu().runs32BitCode()).isTrue();
    }

    @Test
    void restoredVcpuHoldsItsPageTablesAndVcpuInfo() throws SnapshotException {
        int roots = guest.memory.frames.typeCount(guest.memory.l4);
        restoreIntoTheOther();
        assertThat(guest.memory.frames.typeCount(guest.memory.l4)).isEqualTo(roots + 1);
    }

    @Test
    void rootThatIsNoPageTableIsRefused() {
        saved.newBasePtr(guest.memory.pages[5]);
        byte[] bytes = bytes(saved);
        assertThatThrownBy(() -> new VcpuState(reader(bytes)).restore(fresh))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("uses frame");
    }

    /** A guest may name any time, and be saved before it is asked whether it still waits. */
    @Test
    void vcpuThatPollsUntilATimeLongPastCanBeRestored() throws SnapshotException {
        saved.waits.forPorts(new int[] {3}, -1);
        restoreIntoTheOther();
        assertThat(fresh.waits.pollDeadline()).isZero();
    }

    @Test
    void reservedBitsOfMxcsrAreRefusedAndFaultNobody() {
        byte[] bytes = bytes(saved);
        int mxcsr = placeOf(bytes, 0x80, 0x1f, 0, 0);
        for (int reserved = 16; reserved < 32; reserved++) {
            byte[] forged = bytes.clone();
            forged[mxcsr + reserved / 8] |= (byte) (1 << reserved % 8);
            assertThatThrownBy(() -> new VcpuState(reader(forged)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("MXCSR");
        }
    }

    private void isRefused(String why) {
        isRefused(bytes(saved), why);
    }

    private static void isRefused(byte[] bytes, String why) {
        assertThatThrownBy(() -> new VcpuState(reader(bytes)))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("wrong value for " + why);
    }

    /** Who was charged so much less than all others would run alone for centuries. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -1_000_000_001, 1_000_000_001, Long.MAX_VALUE})
    void turnThatComesBeforeOrBehindEverybodyElsesForLongIsRefused(long charged) {
        isRefused(new VcpuState(saved, new Turn(charged, false)).toFields().toBytes(), "its turn");
    }

    @Test
    void vcpuThatSleepsForNothingIsRefused() {
        saved.state = VirtualCpu.State.BLOCKED;
        isRefused("what it waits for");
        saved.waits.forPorts(new int[0], 0);
        isRefused("what it waits for");
        saved.state = VirtualCpu.State.POLLING;
        saved.waits.forUpcall();
        isRefused("what it waits for");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 4096, Integer.MAX_VALUE})
    void pollOfAPortThatThereIsNotIsRefused(int port) {
        saved.waits.forPorts(new int[] {3, port}, 0);
        isRefused("the ports it polls");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 5", "999999, 0", "999999, 9223372036854775807", "-1, 5"})
    void periodThatNoTimerCanHaveIsRefused(long nanos, long deadline) {
        saved.timers.restore(0, nanos, deadline);
        isRefused("the timers");
    }

    @Test
    void instructionsThatNobodyCanHaveExecutedAreRefused() {
        saved.cpu().setRetired(VcpuState.RETIRED_LIMIT);
        isRefused("the count of instructions");
    }

    @ParameterizedTest
    @ValueSource(longs = {0x5008, PvGuest.NON_CANONICAL, 0xffff_8000_0000_0000L})
    void descriptorTableWhereNoneCanBeIsRefused(long base) {
        saved.setLdt(base, 3);
        isRefused("the LDT");
    }

    @Test
    void privilegeAboveTheHighestIsRefused() {
        saved.ioPrivilege.setLevel(4);
        isRefused("the I/O privilege level");
    }

    @Test
    void selectorsOfMoreThanSixteenBitsAreRefused() {
        saved.cpu().selectors[Selectors.DS] = 0x1_002b;
        isRefused("the selectors");
        saved.cpu().selectors[Selectors.DS] = 0x2b;
        saved.traps.set(14, 4, 0x1_e033, 0x9000);
        isRefused("the traps");
    }

    @Test
    void breakpointInTheHypervisorsPartIsRefused() {
        saved.debug.set(2, 0x7654_3210);
        byte[] bytes = bytes(saved);
        int at = placeOf(bytes, 0x10, 0x32, 0x54, 0x76);
        isRefused(withLong(bytes, at, 0xffff_8000_0000_0000L), "the debug registers");
        isRefused(withLong(bytes, at, PvGuest.NON_CANONICAL), "the debug registers");
    }

    @Test
    void timeBelowZeroInAStateIsRefused() {
        saved.runstate.restore(new Runstate.Saved(0, 5, List.of(0L, -1L, 0L, 0L)));
        isRefused("the runstate");
        saved.runstate.restore(new Runstate.Saved(0, -5, List.of(0L, 0L, 0L, 0L)));
        isRefused("the runstate");
    }

    private static byte[] withLong(byte[] bytes, int at, long value) {
        byte[] forged = bytes.clone();
        ByteBuffer.wrap(forged).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
        return forged;
    }

    /** Where some bytes stand, which are there once. */
    private static int placeOf(byte[] bytes, int... wanted) {
        int[] places =
                IntStream.range(0, bytes.length - wanted.length)
                        .filter(
                                at ->
                                        IntStream.range(0, wanted.length)
                                                .allMatch(i -> (bytes[at + i] & 0xff) == wanted[i]))
                        .toArray();
        assertThat(places).hasSize(1);
        return places[0];
    }
}
