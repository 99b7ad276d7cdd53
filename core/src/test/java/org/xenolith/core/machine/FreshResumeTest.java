package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.domain.DomainSuspend;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.event.Virq;
import org.xenolith.core.mm.ForkedFrames;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.SavedFrames;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.snapshot.Description;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

/** What a guest that suspended itself finds when it goes on as a new domain. */
class FreshResumeTest {
    private final PvGuest guest = new PvGuest(2, new PvGuest.FakeClock());
    private final VirtualCpu vcpu = guest.vcpu(1);
    private final FreshResume resume =
            new FreshResume(guest.domain, new Description.Rings(0x10007, 1, 0x10008, 2));

    @Test
    void registrationsTimersAndEventChannelsAreGone() {
        long mfn = guest.memory.pages[40];
        int references = guest.memory.frames.references(mfn);
        long host = guest.domain.pin(mfn, vcpu.tlb());
        vcpu.info.register(mfn << Ram.PAGE_SHIFT, host);
        vcpu.info.setUpcallMask(false);
        vcpu.timers.setOneShot(5);
        vcpu.runstate.register(0x5000);
        int port = guest.domain.events().bindVirq(Virq.TIMER, 1);
        guest.domain.events().raiseVirq(Virq.TIMER, 1);

        resume.forgetEverything();

        long shared = guest.sharedInfo();
        assertThat(vcpu.vcpuInfo()).isEqualTo(shared + SharedInfo.VCPU_INFO + VcpuInfo.SIZE);
        assertThat(vcpu.info.isRegistered()).isFalse();
        assertThat(vcpu.info.upcallsMasked()).isTrue();
        assertThat(vcpu.info.isUpcallPending()).isFalse();
        assertThat(vcpu.nextDeadline()).isEqualTo(VirtualCpu.NEVER);
        assertThat(vcpu.runstate.area()).isZero();
        assertThat(guest.memory.frames.references(mfn)).isEqualTo(references);
        assertThat(guest.domain.events().status(port).kind()).isZero();
        assertThat(guest.domain.events().isPending(port)).isFalse();
        assertThat(Ram.getLong(shared + SharedInfo.EVTCHN_MASK)).isEqualTo(-1);
    }

    @Test
    void startInfoTellsTheNewPlacesAndTheSuspendReturnsZero() {
        long mfn = guest.memory.pages[9];
        vcpu.cpu().r[Cpu.RAX] = 1;
        assertThat(resume.answer(new DomainSuspend.Suspension(1, mfn))).isTrue();
        long page = guest.memory.frames.frame(mfn);
        assertThat(Ram.getLong(page + StartInfo.STORE_MFN)).isEqualTo(0x10007);
        assertThat(Ram.getInt(page + StartInfo.STORE_EVTCHN)).isEqualTo(1);
        assertThat(Ram.getLong(page + StartInfo.CONSOLE_MFN)).isEqualTo(0x10008);
        assertThat(Ram.getInt(page + StartInfo.CONSOLE_EVTCHN)).isEqualTo(2);
        assertThat(Ram.getLong(page + StartInfo.NR_PAGES))
                .isEqualTo(guest.memory.frames.reservation().currentPages());
        assertThat(vcpu.cpu().r[Cpu.RAX]).isZero();
    }

    @Test
    void vcpuThatKnewASharedPageReadsTheNewStartInfo() throws Exception {
        FrameTable frames = guest.memory.frames;
        long vaddr = 9L << Ram.PAGE_SHIFT;
        vcpu.mmu().write64(vaddr, 77);
        FrameTable copy =
                TestMemory.freshFrames(frames.pool(), frames.reservation().maximumPages());
        SavedFrames.of(frames).restoreInto(copy);
        new ForkedFrames(frames, 1).fill(copy);
        vcpu.mmu().mailbox().drain();
        vcpu.mmu().read64(vaddr);

        resume.answer(new DomainSuspend.Suspension(1, guest.memory.pages[9]));

        assertThat(vcpu.mmu().read64(vaddr + StartInfo.STORE_MFN)).isEqualTo(0x10007);
        assertThat(Ram.getLong(copy.frame(guest.memory.pages[9]))).isEqualTo(77);
    }

    @Test
    void pageTableIsNoStartInfo() {
        byte[] before = guest.page(guest.memory.l1);
        assertThat(resume.answer(new DomainSuspend.Suspension(0, guest.memory.l1))).isFalse();
        assertThat(resume.answer(new DomainSuspend.Suspension(0, 1L << 50))).isFalse();
        assertThat(guest.page(guest.memory.l1)).isEqualTo(before);
    }
}
