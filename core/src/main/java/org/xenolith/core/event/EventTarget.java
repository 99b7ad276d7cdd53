package org.xenolith.core.event;

/** A vCPU as event delivery sees it. */
public interface EventTarget {
    /**
     * Where the vCPU's {@code vcpu_info} is.
     *
     * @return host address, pinned
     */
    long vcpuInfo();

    /** An event became pending and unmasked: if the vCPU is blocked it shall run. */
    void wakeForUpcall();

    /** A port became pending, masked or not: whoever polls it shall run. */
    void wakeIfPolling(int port);
}
