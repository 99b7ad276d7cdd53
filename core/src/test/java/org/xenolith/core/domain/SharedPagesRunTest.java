package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.mm.FrameSharing;
import org.xenolith.core.mm.PageDigest;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

/** Instructions whose first store to a page finds it shared with another one. */
class SharedPagesRunTest {
    private static final int PAGE = 0x30;
    private static final long AT = (long) PAGE * Ram.PAGE_SIZE;
    private static final int HLT = 0xf4; // without a handler, which ends the guest

    private final PvGuest guest = new PvGuest(1, GuestClock.virtual());
    private final VirtualCpu vcpu = guest.vcpu(0);

    private void share(int page, int likeIt) {
        long[] mfns = {guest.memory.pages[page], guest.memory.pages[likeIt]};
        long digest = PageDigest.of(guest.memory.frames.frame(mfns[0]));
        new FrameSharing(guest.memory.frames).share(mfns, new long[] {digest, digest});
        assertThat(guest.memory.frames.isShared(mfns[0])).isTrue();
        assertThat(guest.memory.frames.isShared(mfns[1])).isTrue();
    }

    private int read(long vaddr) {
        return vcpu.mmu().read8(vaddr) & 0xff;
    }

    @Test
    void aCopyOntoItsOwnSourceRepeatsTheFirstByte() {
        for (int i = 0; i < 64; i++) {
            guest.put(AT + i, 'A' + i);
            guest.put(AT + Ram.PAGE_SIZE + i, 'A' + i);
        }
        share(PAGE, PAGE + 1);
        // mov esi, AT; mov edi, AT + 1; mov ecx, 16; rep movsb; hlt
        guest.put(PvGuest.CODE, 0xbe, 0, 0, 3, 0, 0xbf, 1, 0, 3, 0, 0xb9, 16, 0, 0, 0);
        guest.put(PvGuest.CODE + 15, 0xf3, 0xa4, HLT);

        guest.runner.run(vcpu, 1000);

        for (int i = 0; i <= 16; i++) {
            assertThat(read(AT + i)).as("byte %d", i).isEqualTo('A');
            assertThat(read(AT + Ram.PAGE_SIZE + i))
                    .as("byte %d of its like", i)
                    .isEqualTo('A' + i);
        }
        assertThat(read(AT + 17)).isEqualTo('A' + 17);
    }

    @Test
    void anInstructionThatChangesTheNextOneRunsWhatItWrote() {
        int page = (int) (PvGuest.CODE >>> Ram.PAGE_SHIFT);
        for (long code : new long[] {PvGuest.CODE, PvGuest.CODE + Ram.PAGE_SIZE}) {
            // mov byte [rip + 1], 0x22; mov eax, 0x11; hlt
            guest.put(code, 0xc6, 0x05, 1, 0, 0, 0, 0x22, 0xb8, 0x11, 0, 0, 0, HLT);
        }
        share(page, page + 1);

        guest.runner.run(vcpu, 1000);

        assertThat(vcpu.cpu().r[Cpu.RAX]).isEqualTo(0x22);
        assertThat(read(PvGuest.CODE + Ram.PAGE_SIZE + 8)).isEqualTo(0x11);
    }
}
