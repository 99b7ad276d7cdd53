package org.xenolith.core.event;

import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.event.EventChannels.DeliveryListener;
import org.xenolith.cpu.mmu.Ram;

import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Makes ports pending and tells vCPUs, in the two-level layout. Xen's common/event_2l.c.
 *
 * <p>Called with or without the lock of the {@link EventChannels} that it is part of, {@link #end}
 * with it only. What the guest changes as well is updated atomically. The monitor of a {@link
 * Channel} makes one step of "the channel stands at its port" and the port's pending bit; nothing
 * else is locked inside it.
 */
final class Delivery {
    private final PortTable ports;
    private final PortBits bits;
    private final List<EventTarget> vcpus = new CopyOnWriteArrayList<>();

    /** Null while nobody listens. */
    private volatile DeliveryListener listener;

    /** For statistics: vCPUs may lose one to each other. */
    private long delivered;

    Delivery(PortTable ports, PortBits bits) {
        this.ports = ports;
        this.bits = bits;
    }

    /** Adds the next vCPU. */
    void add(EventTarget vcpu) {
        vcpus.add(vcpu);
    }

    int vcpus() {
        return vcpus.size();
    }

    /** Sets who hears of deliveries, null for nobody. */
    void onDelivery(DeliveryListener listener) {
        this.listener = listener;
    }

    long delivered() {
        return delivered;
    }

    /**
     * Makes a port pending and tells its vCPU unless the port is masked; nothing happens when the
     * port is another channel's by now, or none's.
     */
    void deliver(int port, Channel channel) {
        synchronized (channel) {
            // Were it closed in between, the bit would stay for the next channel of that number,
            // which then would never be delivered: it is pending already.
            if (!ports.holds(port, channel) || bits.setPending(port)) {
                return;
            }
        }
        delivered++;
        boolean masked = bits.isMasked(port);
        DeliveryListener hears = listener;
        if (hears != null) {
            hears.delivered(port, channel.vcpu(), masked);
        }
        if (!masked) {
            notifyVcpu(channel.vcpu(), port);
        }
        for (EventTarget vcpu : vcpus) {
            vcpu.wakeIfPolling(port);
        }
    }

    private void notifyVcpu(int vcpu, int port) {
        EventTarget target = vcpus.get(vcpu);
        long info = target.vcpuInfo();
        long selector = PortBits.selector(port);
        long before = Ram.getAndBitwiseOrLong(info + VcpuInfo.EVTCHN_PENDING_SEL, selector);
        if ((before & selector) == 0) {
            Ram.putByte(info + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
            VarHandle.fullFence();
            target.wakeForUpcall();
        }
    }

    /** Clears a port's mask bit and tells its vCPU what was pending behind it. */
    void unmask(int port, Channel channel) {
        boolean wasMasked = bits.clearMask(port);
        if (wasMasked && bits.isPending(port)) {
            notifyVcpu(channel.vcpu(), port);
        }
    }

    /** Takes a channel from its port, and what is pending with it. */
    void end(int port, Channel channel) {
        synchronized (channel) {
            ports.remove(port, channel);
            bits.clearPending(port);
        }
    }
}
