package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.EPERM;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.cpu.mmu.Ram;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Hypercall xen_version. public/version.h, {@code XENVER_*}; public/features.h. */
final class XenVersion {
    /** Xen 4.17. */
    private static final int VERSION = 4 << 16 | 17;

    private static final int XENVER_VERSION = 0;
    private static final int XENVER_EXTRAVERSION = 1;
    private static final int XENVER_COMPILE_INFO = 2;
    private static final int XENVER_CAPABILITIES = 3;
    private static final int XENVER_CHANGESET = 4;
    private static final int XENVER_PLATFORM_PARAMETERS = 5;
    private static final int XENVER_GET_FEATURES = 6;
    private static final int XENVER_PAGESIZE = 7;
    private static final int XENVER_GUEST_HANDLE = 8;
    private static final int XENVER_COMMANDLINE = 9;
    private static final int XENVER_BUILD_ID = 10;

    /**
     * mmu_pt_update_preserve_ad, highmem_assist, gnttab_map_avail_bits, memory_op_vnode_supported,
     * direct mapped.
     */
    private static final int FEATURES = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 13 | 1 << 17;

    long handle(VirtualCpu vcpu, int command, long argument) {
        return switch (command) {
            case XENVER_VERSION -> VERSION;
            case XENVER_EXTRAVERSION -> string(vcpu, argument, ".xenolith", 16);
            case XENVER_COMPILE_INFO -> {
                string(vcpu, argument, "javac", 64);
                string(vcpu, argument + 64, "xenolith", 16);
                string(vcpu, argument + 80, "", 32);
                yield string(vcpu, argument + 112, "", 32);
            }
            case XENVER_CAPABILITIES -> string(vcpu, argument, "xen-3.0-x86_64 ", 1024);
            case XENVER_CHANGESET -> string(vcpu, argument, "unavailable", 64);
            case XENVER_PLATFORM_PARAMETERS -> {
                vcpu.mmu().write64(argument, AddressSpace.HYPERVISOR_VIRT_START);
                yield 0;
            }
            case XENVER_GET_FEATURES -> features(vcpu, argument);
            case XENVER_PAGESIZE -> Ram.PAGE_SIZE;
            case XENVER_GUEST_HANDLE -> {
                byte[] handle = vcpu.domain().handle();
                vcpu.mmu().copyTo(argument, handle, 0, handle.length);
                yield 0;
            }
            case XENVER_COMMANDLINE, XENVER_BUILD_ID -> -EPERM;
            default -> -ENOSYS;
        };
    }

    private static long features(VirtualCpu vcpu, long argument) {
        if (vcpu.mmu().read32(argument) != 0) {
            return -EINVAL;
        }
        vcpu.mmu().write32(argument + 4, FEATURES);
        return 0;
    }

    private static long string(VirtualCpu vcpu, long at, String text, int size) {
        byte[] bytes = Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), size);
        vcpu.mmu().copyTo(at, bytes, 0, size);
        return 0;
    }
}
