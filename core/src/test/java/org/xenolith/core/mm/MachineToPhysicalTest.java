package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

class MachineToPhysicalTest {
    private static final int ENTRIES_PER_FRAME = Ram.PAGE_SIZE / Long.BYTES;

    private final TestDomain domain = new TestDomain();
    private final MachineToPhysical array = domain.frames.machineToPhysical();

    private long read(long mfn) {
        return domain.vcpu.mmu().read64(AddressSpace.MACH2PHYS_VIRT_START + mfn * Long.BYTES);
    }

    @Test
    void guestReadsTheNumbersThatItGave() {
        long last = FrameTable.RAM_BASE + ENTRIES_PER_FRAME - 1;
        assertThat(array.setPfn(last, 0x111)).isTrue();
        assertThat(array.setPfn(last + 1, 0x222)).isTrue();
        assertThat(read(last)).as("last entry of a frame of the array").isEqualTo(0x111);
        assertThat(read(last + 1)).as("first entry of the next").isEqualTo(0x222);
        assertThat(array.pfn(last)).isEqualTo(0x111);
        assertThat(array.pfn(last + 1)).isEqualTo(0x222);
    }

    @Test
    void framesThatAreNotTheGuestsHaveNoNumber() {
        long xenFrame = FrameTable.XEN_BASE;
        long beyond = domain.frames.limitMfn();
        for (long mfn : new long[] {0, xenFrame, FrameTable.RAM_BASE - 1, beyond, -1}) {
            assertThat(array.setPfn(mfn, 5)).as("%#x", mfn).isFalse();
            assertThat(array.pfn(mfn)).isEqualTo(AddressSpace.INVALID_M2P_ENTRY);
        }
        assertThat(read(FrameTable.RAM_BASE - 1)).isEqualTo(AddressSpace.INVALID_M2P_ENTRY);
        assertThat(read(beyond - 1)).as("never populated").isEqualTo(-1);
        assertThat(array.setPfn(beyond - 1, 5)).isTrue();
    }

    @Test
    void arrayIsBehindTheFirstSlotOfTheHypervisorOnlyAndCannotBeWritten() {
        long entry = array.hypervisorEntry(Pte.HYPERVISOR_FIRST_SLOT);
        assertThat(entry & (Pte.PRESENT | Pte.WRITABLE | Pte.USER))
                .isEqualTo(Pte.PRESENT | Pte.USER);
        assertThat(array.hypervisorEntry(Pte.HYPERVISOR_FIRST_SLOT + 1)).isZero();
        assertThat(array.hypervisorEntry(Pte.HYPERVISOR_LAST_SLOT)).isZero();
    }

    @Test
    void domainThatItsNumbersCannotHoldIsRefused() {
        long maximumPages = (FrameTable.GRANT_WINDOW_BASE - FrameTable.M2P_BASE) * 512;
        FramePool pool = TestMemory.freshPool(1 << 20);
        assertThatThrownBy(() -> new FrameTable(pool, new VcpuTlbs(pool), maximumPages))
                .isInstanceOf(FrameTable.OutOfMemory.class)
                .hasMessageContaining("number space");
    }

    @Test
    void poolThatCannotHoldTheTablesIsToldSo() {
        FramePool pool = TestMemory.freshPool(4 << Ram.PAGE_SHIFT);
        assertThatThrownBy(() -> new FrameTable(pool, new VcpuTlbs(pool), 1024))
                .isInstanceOf(FrameTable.OutOfMemory.class)
                .hasMessageContaining("memory");
        assertThat(pool.freeFrames()).as("frames that nobody has").isEqualTo(4);
    }
}
