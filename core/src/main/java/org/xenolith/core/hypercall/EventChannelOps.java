package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.event.ChannelStatus;
import org.xenolith.core.event.EventChannels;
import org.xenolith.cpu.mmu.Mmu;

/**
 * Hypercall event_channel_op. public/event_channel.h, {@code EVTCHNOP_*}. FIFO channels are not
 * offered: guests fall back to the two-level layout.
 */
final class EventChannelOps {
    private static final int BIND_INTERDOMAIN = 0;
    private static final int BIND_VIRQ = 1;
    private static final int CLOSE = 3;
    private static final int SEND = 4;
    private static final int STATUS = 5;
    private static final int ALLOC_UNBOUND = 6;
    private static final int BIND_IPI = 7;
    private static final int BIND_VCPU = 8;
    private static final int UNMASK = 9;
    private static final int RESET = 10;

    private final Domain domain;
    private final EventChannels events;

    EventChannelOps(Domain domain) {
        this.domain = domain;
        this.events = domain.events();
    }

    long handle(VirtualCpu vcpu, int command, long argument) {
        Mmu mmu = vcpu.mmu();
        return switch (command) {
            case BIND_INTERDOMAIN -> {
                int remote = domainOf(mmu.read16(argument));
                mmu.checkWritable(argument + 8);
                yield stored(
                        mmu,
                        argument + 8,
                        events.bindInterdomain(remote, mmu.read32(argument + 4)));
            }
            case BIND_VIRQ -> {
                mmu.checkWritable(argument + 8);
                yield stored(
                        mmu,
                        argument + 8,
                        events.bindVirq(mmu.read32(argument), mmu.read32(argument + 4)));
            }
            case CLOSE -> events.close(mmu.read32(argument));
            case SEND -> {
                int result = events.send(mmu.read32(argument));
                // A backend has looked at its ring, which a sibling may have filled meanwhile.
                vcpu.tookLong();
                yield result;
            }
            case STATUS -> status(mmu, argument);
            case ALLOC_UNBOUND -> allocateUnbound(mmu, argument);
            case BIND_IPI -> {
                mmu.checkWritable(argument + 4);
                yield stored(mmu, argument + 4, events.bindIpi(mmu.read32(argument)));
            }
            case BIND_VCPU -> events.bindVcpu(mmu.read32(argument), mmu.read32(argument + 4));
            case UNMASK -> events.unmask(mmu.read32(argument));
            case RESET -> domainOf(mmu.read16(argument)) == domain.id() ? events.reset() : -ESRCH;
            default -> -ENOSYS;
        };
    }

    private int domainOf(int named) {
        return named == DomId.SELF ? domain.id() : named;
    }

    private static long stored(Mmu mmu, long at, int port) {
        if (port < 0) {
            return port;
        }
        mmu.write32(at, port);
        return 0;
    }

    private long allocateUnbound(Mmu mmu, long argument) {
        if (domainOf(mmu.read16(argument)) != domain.id()) {
            return -ESRCH;
        }
        mmu.checkWritable(argument + 4);
        int remote = domainOf(mmu.read16(argument + 2));
        return stored(mmu, argument + 4, events.allocateUnbound(remote));
    }

    private long status(Mmu mmu, long argument) {
        if (domainOf(mmu.read16(argument)) != domain.id()) {
            return -ESRCH;
        }
        ChannelStatus status = events.status(mmu.read32(argument + 4));
        if (status == null) {
            return -EINVAL;
        }
        mmu.write32(argument + 8, status.kind());
        mmu.write32(argument + 12, status.vcpu());
        mmu.write32(argument + 16, status.first());
        mmu.write32(argument + 20, status.second());
        return 0;
    }
}
