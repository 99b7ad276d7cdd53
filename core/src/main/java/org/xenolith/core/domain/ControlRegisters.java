package org.xenolith.core.domain;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Ram;

/**
 * Control registers as a PV guest sees them: mostly fixed. Of CR0 it owns TS, of CR4 the bits
 * below; other changes are dropped silently, as Xen does. SDM vol. 3A, 2.5.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class ControlRegisters {
    /** PG, AM, WP, NE, ET, MP, PE. */
    private static final long CR0_FIXED = 0x8005_0033L;

    private static final long CR0_TS = 1 << 3;

    /** PAE, MCE, OSFXSR, OSXMMEXCPT. */
    private static final long CR4_FIXED = 0x660;

    private static final long CR4_TSD = 1 << 2;
    private static final long CR4_DE = 1 << 3;
    private static final long CR4_FSGSBASE = 1 << 16;
    private static final long CR4_GUEST = CR4_TSD | CR4_DE | CR4_FSGSBASE;

    private final VirtualCpu vcpu;
    private long cr4Guest;

    ControlRegisters(VirtualCpu vcpu) {
        this.vcpu = vcpu;
    }

    long read(int number) {
        vcpu.mode.requireKernel();
        return switch (number) {
            case 0 -> CR0_FIXED | (vcpu.cpu().taskSwitched ? CR0_TS : 0);
            case 2 -> vcpu.info.cr2();
            case 3 -> vcpu.basePtr() << Ram.PAGE_SHIFT;
            case 4 -> CR4_FIXED | cr4Guest;
            default -> throw GuestFault.of(Vector.GENERAL_PROTECTION);
        };
    }

    void write(int number, long value) {
        vcpu.mode.requireKernel();
        switch (number) {
            case 0 -> vcpu.cpu().taskSwitched = (value & CR0_TS) != 0;
            case 2 -> vcpu.info.setCr2(value);
            case 4 -> setGuestCr4(value);
            // A base-pointer load is a hypercall; Xen's own emulation of MOV to CR3 is not offered.
            default -> throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /** CR4 bits that the guest set, to be saved with the vCPU. */
    public long guestCr4() {
        return cr4Guest;
    }

    public void setGuestCr4(long bits) {
        cr4Guest = bits & CR4_GUEST;
        vcpu.cpu().fsgsbaseEnabled = (bits & CR4_FSGSBASE) != 0;
    }

    /** Whether CR4.TSD keeps RDTSC from processes. */
    boolean deniesTimeStamp() {
        return (cr4Guest & CR4_TSD) != 0;
    }
}
