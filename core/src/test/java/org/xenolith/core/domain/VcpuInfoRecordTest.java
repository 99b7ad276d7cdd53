package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.abi.VcpuInfo.Time;
import org.xenolith.cpu.mmu.Ram;

/** Where vcpu_info stands, and what moving it does to it. */
class VcpuInfoRecordTest {
    private static final int OFFSET = 0x340;

    private final PvGuest guest = new PvGuest(2, new PvGuest.FakeClock());
    private final VcpuInfoRecord info = guest.vcpu(1).info;
    private final long shared = guest.sharedInfo() + SharedInfo.VCPU_INFO + VcpuInfo.SIZE;
    private final long mfn = guest.memory.pages[40];
    private final long maddr = (mfn << Ram.PAGE_SHIFT) + OFFSET;
    private final long host = guest.memory.frames.frame(mfn) + OFFSET;

    @Test
    void itStandsInTheSharedPageAtItsVcpusPlace() {
        assertThat(info.host()).isEqualTo(shared);
        assertThat(info.maddr()).isZero();
        info.setUpcallMask(false);
        assertThat(Ram.getByte(shared + VcpuInfo.EVTCHN_UPCALL_MASK)).isZero();
        assertThat(guest.vcpu(0).info.upcallsMasked()).as("the sibling's").isTrue();
        Ram.putByte(shared + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
        assertThat(info.isUpcallPending()).isTrue();
    }

    @Test
    void registeredRecordIsWrittenAndTheOldPlaceNoMore() {
        info.setCr2(0x1234);
        info.setUpcallMask(false);
        info.register(maddr, host);
        assertThat(info.isRegistered()).isTrue();
        assertThat(info.maddr()).isEqualTo(maddr);
        assertThat(info.cr2()).as("moved along").isEqualTo(0x1234);
        info.setUpcallMask(true);
        info.setCr2(0x5678);
        assertThat(Ram.getByte(shared + VcpuInfo.EVTCHN_UPCALL_MASK)).isZero();
        assertThat(Ram.getLong(shared + VcpuInfo.ARCH_CR2)).isEqualTo(0x1234);
        assertThat(Ram.getLong(host + VcpuInfo.ARCH_CR2)).isEqualTo(0x5678);
    }

    @Test
    void restoredRecordIsTakenAsItIs() {
        Ram.putByte(host + VcpuInfo.EVTCHN_UPCALL_MASK, 1);
        info.setUpcallMask(false);
        info.restore(maddr, host);
        assertThat(info.upcallsMasked()).isTrue();
        assertThat(info.isUpcallPending()).as("no spurious upcall").isFalse();
    }

    @Test
    void unregisteredRecordIsBackInTheSharedPageMaskedAndWithNothingPending() {
        info.register(maddr, host);
        info.setUpcallMask(false);
        info.setCr2(0x5678);
        Ram.putInt(host + VcpuInfo.TIME + Time.TSC_TO_SYSTEM_MUL, 0);
        assertThat(info.unregister()).isEqualTo(maddr);
        assertThat(info.host()).isEqualTo(shared);
        assertThat(info.isRegistered()).isFalse();
        assertThat(info.maddr()).isZero();
        assertThat(info.upcallsMasked()).isTrue();
        assertThat(info.isUpcallPending()).isFalse();
        assertThat(Ram.getLong(shared + VcpuInfo.EVTCHN_PENDING_SEL)).isZero();
        assertThat(info.cr2()).as("the rest came along").isEqualTo(0x5678);
        assertThat(Ram.getInt(shared + VcpuInfo.TIME + Time.TSC_TO_SYSTEM_MUL))
                .as("the time is there")
                .isNotZero();
        assertThat(info.unregister()).as("nothing was registered").isZero();
    }
}
