package org.xenolith.core.abi;

/** Offsets in {@code struct vcpu_info} and its time record. public/xen.h, x86-64 ABI. */
public final class VcpuInfo {
    public static final int SIZE = 64;
    public static final int EVTCHN_UPCALL_PENDING = 0;
    public static final int EVTCHN_UPCALL_MASK = 1;
    public static final int EVTCHN_PENDING_SEL = 8;
    public static final int ARCH_CR2 = 16;
    public static final int TIME = 32;

    /** {@code struct vcpu_time_info}, relative to its start. */
    public static final class Time {
        public static final int SIZE = 32;
        public static final int VERSION = 0;
        public static final int TSC_TIMESTAMP = 8;
        public static final int SYSTEM_TIME = 16;
        public static final int TSC_TO_SYSTEM_MUL = 24;
        public static final int TSC_SHIFT = 28;
        public static final int FLAGS = 29;
        public static final int FLAG_TSC_STABLE = 1;

        private Time() {}
    }

    private VcpuInfo() {}
}
