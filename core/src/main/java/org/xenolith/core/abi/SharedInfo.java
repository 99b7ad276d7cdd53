package org.xenolith.core.abi;

/**
 * Offsets in the page shared with the guest: {@code struct shared_info}, public/xen.h, x86-64 ABI.
 */
public final class SharedInfo {
    public static final int SIZE = 3136;

    /** vCPUs that have their {@code vcpu_info} in this page. */
    public static final int LEGACY_MAX_VCPUS = 32;

    public static final int VCPU_INFO = 0;
    public static final int EVTCHN_PENDING = 2048;
    public static final int EVTCHN_MASK = 2560;
    public static final int EVTCHN_BYTES = 512;
    public static final int WC_VERSION = 3072;
    public static final int WC_SEC = 3076;
    public static final int WC_NSEC = 3080;
    public static final int WC_SEC_HI = 3084;
    public static final int MAX_PFN = 3088;
    public static final int PFN_TO_MFN_FRAME_LIST_LIST = 3096;
    public static final int NMI_REASON = 3104;
    public static final int P2M_CR3 = 3112;
    public static final int P2M_VADDR = 3120;
    public static final int P2M_GENERATION = 3128;

    private SharedInfo() {}
}
