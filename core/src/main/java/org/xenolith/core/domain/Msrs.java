package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;

/**
 * Model-specific registers as Xen shows them to a PV guest. What is not here is #GP(0): Linux
 * probes dozens of them and recovers. SDM vol. 4; AMD APM vol. 2, appendix A.
 */
final class Msrs {
    private static final int TSC = 0x10;
    private static final int PLATFORM_ID = 0x17;
    private static final int APIC_BASE = 0x1b;
    private static final int MICROCODE = 0x8b;
    private static final int MISC_ENABLE = 0x1a0;
    private static final int PAT = 0x277;
    private static final int EFER = 0xc000_0080;
    private static final int FS_BASE = 0xc000_0100;
    private static final int GS_BASE = 0xc000_0101;
    private static final int KERNEL_GS_BASE = 0xc000_0102;
    private static final int TSC_AUX = 0xc000_0103;

    private static final long APIC_ENABLED_AT = 0xfee0_0800L;
    private static final long APIC_BSP = 1 << 8;

    /** Fast strings; branch trace, PEBS and xTPR messages are unavailable. */
    private static final long MISC_ENABLE_VALUE = 1 | 1 << 11 | 1 << 12 | 1 << 23;

    /** Xen's memory types: WB WT UC- UC WC WP UC UC. */
    private static final long PAT_VALUE = 0x0000_0501_0007_0406L;

    /** SCE, LME, LMA, NXE. */
    private static final long EFER_VALUE = 1 | 1 << 8 | 1 << 10 | 1 << 11;

    private Msrs() {}

    static long read(VirtualCpu vcpu, int index) {
        Cpu cpu = vcpu.cpu();
        // RDTSCP reads TSC_AUX in user mode too; everything else is the kernel's.
        if (index != TSC_AUX) {
            vcpu.mode.requireKernel();
        }
        return switch (index) {
            case TSC -> vcpu.systemTime();
            case APIC_BASE -> APIC_ENABLED_AT | (vcpu.vcpuId() == 0 ? APIC_BSP : 0);
            case PLATFORM_ID, MICROCODE -> 0;
            case MISC_ENABLE -> MISC_ENABLE_VALUE;
            case PAT -> PAT_VALUE;
            case EFER -> EFER_VALUE;
            case FS_BASE -> cpu.r[Cpu.FS_BASE];
            case GS_BASE -> cpu.r[Cpu.GS_BASE];
            case KERNEL_GS_BASE -> vcpu.mode.inactiveGsBase();
            case TSC_AUX -> vcpu.vcpuId();
            default -> throw GuestFault.of(Vector.GENERAL_PROTECTION);
        };
    }

    static void write(VirtualCpu vcpu, int index, long value) {
        vcpu.mode.requireKernel();
        Cpu cpu = vcpu.cpu();
        switch (index) {
            case FS_BASE -> cpu.r[Cpu.FS_BASE] = canonical(value);
            case GS_BASE -> cpu.r[Cpu.GS_BASE] = canonical(value);
            case KERNEL_GS_BASE -> vcpu.mode.setInactiveGsBase(canonical(value));
            case EFER -> {
                if (value != EFER_VALUE) {
                    throw GuestFault.of(Vector.GENERAL_PROTECTION);
                }
            }
            case TSC, APIC_BASE, MICROCODE, MISC_ENABLE, PAT, TSC_AUX -> {}
            default -> throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    private static long canonical(long value) {
        if (!Mmu.isCanonical(value)) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
        return value;
    }
}
