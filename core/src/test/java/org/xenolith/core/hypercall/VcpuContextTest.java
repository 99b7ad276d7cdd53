package org.xenolith.core.hypercall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.mm.TestDomain.TABLE;
import static org.xenolith.core.mm.TestDomain.entry;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.VcpuGuestContext;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.cpu.mmu.Ram;

/** Roots of a new vCPU with more tables than are validated in one go. */
class VcpuContextTest {
    private static final long CONTEXT = 0x10000;
    private static final int TABLES = 150;

    private final PvGuest guest = new PvGuest(2, new PvGuest.FakeClock());
    private final TestDomain memory = guest.memory;
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final VirtualCpu sibling = guest.vcpu(1);
    private final long root = largeRoot();
    private final long userRoot = largeRoot();

    private long largeRoot() {
        long l4 = memory.page();
        long l3 = memory.page();
        long l2 = memory.page();
        memory.set(l4, 0, entry(l3, TABLE));
        memory.set(l3, 0, entry(l2, TABLE));
        for (int i = 0; i < TABLES; i++) {
            memory.set(l2, i, entry(memory.page(), TABLE));
        }
        return l4;
    }

    @BeforeEach
    void putContext() {
        sibling.initialised = false;
        vcpu.mmu().copyTo(CONTEXT, new byte[VcpuGuestContext.SIZE], 0, VcpuGuestContext.SIZE);
        vcpu.mmu().write64(CONTEXT + VcpuGuestContext.CTRLREG + 24, root << Ram.PAGE_SHIFT);
        vcpu.mmu().write64(CONTEXT + VcpuGuestContext.CTRLREG + 8, userRoot << Ram.PAGE_SHIFT);
        vcpu.cpu().kick();
    }

    /** Result, and how often the hypercall was made. */
    private long[] initialise() {
        return guest.callCounting(vcpu, Hypercall.VCPU_OP, 0, 1, CONTEXT);
    }

    private void assertUses(int expected) {
        assertThat(memory.frames.typeCount(root)).isEqualTo(expected);
        assertThat(memory.frames.typeCount(userRoot)).isEqualTo(expected);
    }

    @Test
    void vcpuWhoseRootsHaveManyTablesIsInitialisedInPieces() {
        long[] outcome = initialise();
        assertThat(outcome[0]).isZero();
        assertThat(outcome[1]).isGreaterThan(4);
        assertThat(sibling.initialised).isTrue();
        assertThat(sibling.basePtr()).isEqualTo(root);
        assertThat(sibling.userBasePtr()).isEqualTo(userRoot);
        assertUses(1);
    }

    @Test
    void badUserRootLeavesTheKernelsAsItWas() {
        memory.set(userRoot, 1, entry(memory.l1, TABLE));
        assertThat(initialise()[0]).isEqualTo(-EINVAL);
        assertThat(sibling.initialised).isFalse();
        // The next change lets go of what this turn had no time for.
        guest.call(vcpu, Hypercall.MMU_UPDATE, 0, 0, 0, TestDomain.DOM_ID);
        assertUses(0);
    }
}
