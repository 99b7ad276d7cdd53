package org.xenolith.core.domain;

import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What CPUID shows a guest: a processor model without speculation (family 6, model 0x1c: Linux then
 * applies no mitigation), x86-64-v2 and the later instructions that the interpreter has (AES, SHA),
 * nothing that Xen hides from PV guests (VME, PSE, PGE, MTRR, PCID, SMEP, SMAP), no XSAVE; caches
 * of {@link CpuidCache}. SDM vol. 2, CPUID; public/arch-x86/cpuid.h.
 */
public final class CpuidPolicy {
    private static final int SIGNATURE = 0x106ca;
    private static final int CLFLUSH_8_QUADWORDS = 8 << 8;
    private static final int APIC_ID_SHIFT = 24;

    // Leaf 1.
    private static final int ECX_SSE3 = 1;
    private static final int ECX_PCLMULQDQ = 1 << 1;
    private static final int ECX_SSSE3 = 1 << 9;
    private static final int ECX_CX16 = 1 << 13;
    private static final int ECX_SSE4_1 = 1 << 19;
    private static final int ECX_SSE4_2 = 1 << 20;
    private static final int ECX_MOVBE = 1 << 22;
    private static final int ECX_POPCNT = 1 << 23;
    private static final int ECX_AES = 1 << 25;
    private static final int ECX_RDRAND = 1 << 30;
    private static final int ECX_HYPERVISOR = 1 << 31;
    private static final int EDX_FPU = 1;
    private static final int EDX_TSC = 1 << 4;
    private static final int EDX_MSR = 1 << 5;
    private static final int EDX_PAE = 1 << 6;
    private static final int EDX_CX8 = 1 << 8;
    private static final int EDX_APIC = 1 << 9;
    private static final int EDX_CMOV = 1 << 15;
    private static final int EDX_CLFSH = 1 << 19;
    private static final int EDX_MMX = 1 << 23;
    private static final int EDX_FXSR = 1 << 24;
    private static final int EDX_SSE = 1 << 25;
    private static final int EDX_SSE2 = 1 << 26;

    /** Leaf 2: it has to be read once, and what it would describe is in leaf 4. */
    private static final int EAX_ONCE_AND_LEAF_4 = 0xFF01;

    // Leaf 7.
    private static final int EBX_FSGSBASE = 1;
    private static final int EBX_ERMS = 1 << 9;
    private static final int EBX_SHA = 1 << 29;
    private static final int EDX_FSRM = 1 << 4;

    // Extended leaves.
    private static final int ECX_LAHF = 1;
    private static final int EDX_SYSCALL = 1 << 11;
    private static final int EDX_NX = 1 << 20;
    private static final int EDX_RDTSCP = 1 << 27;
    private static final int EDX_LM = 1 << 29;
    private static final int EDX_INVARIANT_TSC = 1 << 8;
    private static final int PHYSICAL_BITS = 40;
    private static final int LINEAR_BITS = 48;

    private static final int XEN_BASE = 0x4000_0000;
    private static final int XEN_VERSION_4_17 = 4 << 16 | 17;
    private static final int XEN_TSC_SAFE = 1 << 1;
    private static final int XEN_TSC_RDTSCP = 1 << 2;

    private static final int MAX_BASIC = 7;
    private static final int MAX_EXTENDED = 0x8000_0008;

    private static final int[] VENDOR = words("GenuineIntel");
    private static final int[] XEN = words("XenVMMXenVMM");
    private static final int[] BRAND = words(pad("Xenolith virtual processor", 48));

    private CpuidPolicy() {}

    private static String pad(String text, int length) {
        return text + "\0".repeat(length - text.length());
    }

    private static int[] words(String text) {
        ByteBuffer bytes =
                ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int[] words = new int[text.length() / 4];
        bytes.asIntBuffer().get(words);
        return words;
    }

    /** Executes CPUID for a vCPU. */
    public static void execute(Cpu cpu, int vcpuId) {
        int leaf = (int) cpu.r[Cpu.RAX];
        int subleaf = (int) cpu.r[Cpu.RCX];
        switch (leaf) {
            case 0 -> set(cpu, MAX_BASIC, VENDOR[0], VENDOR[2], VENDOR[1]);
            case 1 ->
                    set(
                            cpu,
                            SIGNATURE,
                            CLFLUSH_8_QUADWORDS | 2 * vcpuId << APIC_ID_SHIFT,
                            ECX_SSE3
                                    | ECX_PCLMULQDQ
                                    | ECX_SSSE3
                                    | ECX_CX16
                                    | ECX_SSE4_1
                                    | ECX_SSE4_2
                                    | ECX_MOVBE
                                    | ECX_POPCNT
                                    | ECX_AES
                                    | ECX_RDRAND
                                    | ECX_HYPERVISOR,
                            EDX_FPU | EDX_TSC | EDX_MSR | EDX_PAE | EDX_CX8 | EDX_APIC | EDX_CMOV
                                    | EDX_CLFSH | EDX_MMX | EDX_FXSR | EDX_SSE | EDX_SSE2);
            case 2 -> set(cpu, EAX_ONCE_AND_LEAF_4, 0, 0, 0);
            case 4 -> cacheLeaf(cpu, subleaf);
            case 7 ->
                    set(
                            cpu,
                            0,
                            subleaf == 0 ? EBX_FSGSBASE | EBX_ERMS | EBX_SHA : 0,
                            0,
                            subleaf == 0 ? EDX_FSRM : 0);
            case 0x8000_0000 -> set(cpu, MAX_EXTENDED, VENDOR[0], VENDOR[2], VENDOR[1]);
            case 0x8000_0001 ->
                    set(cpu, 0, 0, ECX_LAHF, EDX_SYSCALL | EDX_NX | EDX_RDTSCP | EDX_LM);
            case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> {
                int i = (leaf - 0x8000_0002) * 4;
                set(cpu, BRAND[i], BRAND[i + 1], BRAND[i + 2], BRAND[i + 3]);
            }
            case 0x8000_0006 -> set(cpu, 0, 0, CpuidCache.L2.extended(), 0);
            case 0x8000_0007 -> set(cpu, 0, 0, 0, EDX_INVARIANT_TSC);
            case 0x8000_0008 -> set(cpu, LINEAR_BITS << 8 | PHYSICAL_BITS, 0, 0, 0);
            case XEN_BASE -> set(cpu, XEN_BASE + 5, XEN[0], XEN[1], XEN[2]);
            case XEN_BASE + 1 -> set(cpu, XEN_VERSION_4_17, 0, 0, 0);
            case XEN_BASE + 2 -> set(cpu, 1, XEN_BASE, 1, 0);
            case XEN_BASE + 3 -> timeLeaf(cpu, subleaf);
            case XEN_BASE + 5 -> set(cpu, 0, PHYSICAL_BITS, 0, 0);
            default -> set(cpu, 0, 0, 0, 0);
        }
    }

    private static void cacheLeaf(Cpu cpu, int subleaf) {
        CpuidCache[] caches = CpuidCache.values();
        if (subleaf >= 0 && subleaf < caches.length) {
            CpuidCache cache = caches[subleaf];
            set(cpu, cache.kindAndLevel(), cache.waysAndLine(), cache.sets() - 1, 0);
        } else {
            set(cpu, 0, 0, 0, 0);
        }
    }

    private static void timeLeaf(Cpu cpu, int subleaf) {
        if (subleaf == 0) {
            int khz = (int) (GuestClock.TSC_HZ / 1000);
            set(cpu, XEN_TSC_SAFE | XEN_TSC_RDTSCP, 0, khz, 0);
        } else {
            set(cpu, 0, 0, 0, 0);
        }
    }

    private static void set(Cpu cpu, int eax, int ebx, int ecx, int edx) {
        cpu.r[Cpu.RAX] = Integer.toUnsignedLong(eax);
        cpu.r[Cpu.RBX] = Integer.toUnsignedLong(ebx);
        cpu.r[Cpu.RCX] = Integer.toUnsignedLong(ecx);
        cpu.r[Cpu.RDX] = Integer.toUnsignedLong(edx);
    }
}
