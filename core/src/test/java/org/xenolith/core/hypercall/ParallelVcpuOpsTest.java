package org.xenolith.core.hypercall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.VcpuGuestContext;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.parallel.HostThreads;
import org.xenolith.cpu.mmu.Ram;

/** vcpu_op by two siblings at the same time, each on a host thread of its own. */
class ParallelVcpuOpsTest {
    private static final int VCPUOP_INITIALISE = 0;
    private static final int VCPUOP_REGISTER_VCPU_INFO = 10;
    private static final long[] CONTEXTS = {0x10000, 0x14000};
    private static final int FIRST_ROOT = 50;
    private static final int ROUNDS = 200;

    private final PvGuest guest = new PvGuest(4, new PvGuest.FakeClock());

    /** A page that was writable until now as the new vCPU's root: its siblings must be asked. */
    private void prepare(int caller) {
        guest.vcpu(2 + caller).initialised = false;
        long at = CONTEXTS[caller];
        guest.memory
                .vcpu
                .mmu()
                .copyTo(at, new byte[VcpuGuestContext.SIZE], 0, VcpuGuestContext.SIZE);
        long root = guest.memory.pages[FIRST_ROOT + caller];
        guest.memory.vcpu.mmu().write64(at + VcpuGuestContext.CTRLREG + 24, root << Ram.PAGE_SHIFT);
        guest.vcpu(caller).vcpuTlb().enter();
    }

    private long initialise(int caller, int target) {
        long result =
                guest.call(
                        guest.vcpu(caller),
                        Hypercall.VCPU_OP,
                        VCPUOP_INITIALISE,
                        target,
                        CONTEXTS[caller]);
        guest.vcpu(caller).vcpuTlb().leave();
        return result;
    }

    @Test
    void siblingsThatEachInitialiseAVcpuDoNotWaitForEachOtherForEver() {
        prepare(0);
        prepare(1);
        for (int i = 0; i < 2; i++) {
            assertThat(guest.memory.update(guest.memory.l1, FIRST_ROOT + i, 0)).isZero();
        }
        HostThreads.together(
                () -> assertThat(initialise(0, 2)).isZero(),
                () -> assertThat(initialise(1, 3)).isZero());
        assertThat(guest.vcpu(2).initialised).isTrue();
        assertThat(guest.vcpu(3).initialised).isTrue();
    }

    @Test
    void vcpuThatTwoSiblingsInitialiseIsInitialisedOnce() {
        guest.memory.update(guest.memory.l1, FIRST_ROOT, 0);
        long root = guest.memory.pages[FIRST_ROOT];
        for (int round = 1; round <= ROUNDS; round++) {
            prepare(0);
            prepare(1);
            long at = CONTEXTS[1] + VcpuGuestContext.CTRLREG + 24;
            guest.memory.vcpu.mmu().write64(at, root << Ram.PAGE_SHIFT);
            long[] results = new long[2];
            HostThreads.together(
                    () -> results[0] = initialise(0, 2), () -> results[1] = initialise(1, 2));
            assertThat(results).containsExactlyInAnyOrder(0, -EEXIST);
            assertThat(guest.memory.frames.type(root)).isEqualTo(FrameType.L4_TABLE);
            assertThat(guest.memory.frames.typeCount(root)).as("uses as a root").isEqualTo(round);
        }
    }

    private long registerInfo(int caller, int target, long mfn) {
        long at = 0x18000 + 0x1000L * caller;
        guest.memory.vcpu.mmu().write64(at, mfn);
        guest.memory.vcpu.mmu().write32(at + 8, 0);
        return guest.call(
                guest.vcpu(caller), Hypercall.VCPU_OP, VCPUOP_REGISTER_VCPU_INFO, target, at);
    }

    @Test
    void recordOfAVcpuThatIsUpIsMovedByItselfAlone() {
        guest.scheduler.online(guest.vcpu(2));
        assertThat(registerInfo(0, 2, guest.memory.pages[30])).isEqualTo(-EINVAL);
        assertThat(guest.memory.frames.typeCount(guest.memory.pages[30])).isEqualTo(1);
        assertThat(registerInfo(2, 2, guest.memory.pages[30])).isZero();
    }

    @Test
    void recordOfAVcpuThatIsToldToGoDownMovesBeforeItIs() {
        guest.scheduler.online(guest.vcpu(2));
        guest.vcpu(2).state = VirtualCpu.State.RUNNING;
        guest.scheduler.offline(guest.vcpu(2));
        assertThat(registerInfo(0, 2, guest.memory.pages[30])).isZero();
    }

    @Test
    void recordThatTwoSiblingsRegisterPinsOneFrame() {
        guest.scheduler.offline(guest.vcpu(3));
        for (int round = 0; round < ROUNDS; round++) {
            long[] results = new long[2];
            HostThreads.together(
                    () -> results[0] = registerInfo(0, 3, guest.memory.pages[30]),
                    () -> results[1] = registerInfo(1, 3, guest.memory.pages[31]));
            assertThat(results).containsExactlyInAnyOrder(0, -EINVAL);
            int uses =
                    guest.memory.frames.typeCount(guest.memory.pages[30])
                            + guest.memory.frames.typeCount(guest.memory.pages[31]);
            assertThat(uses).as("two mappings and one pin").isEqualTo(3);
            long mfn = guest.vcpu(3).forgetRegistrations() >>> Ram.PAGE_SHIFT;
            guest.domain.pageTypes().release(mfn, TlbShootdown.NONE);
        }
    }
}
