package org.xenolith.core.event;

import static org.xenolith.core.abi.XenErrno.EAGAIN;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.abi.XenErrno.ENOSPC;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.pv.host.EventPort;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntSupplier;

/**
 * The event channels of a domain. State changes take this object's lock, those of both ends of a
 * channel both domains' locks in the order of their numbers; delivery is atomic updates of shared
 * words that the guest changes at the same time.
 *
 * <p>Methods that deliver are called by a thread that holds one of the domain's vCPUs: what comes
 * from outside is queued in the domain and applied by such a thread.
 */
public final class EventChannels {
    /** Ports of the two-level layout on x86-64: 64 words of 64 bits. */
    public static final int PORTS = 4096;

    private static final int BITS_PER_WORD = 64;
    private static final int VIRQS = 24;

    /** Virtual interrupts. public/xen.h, {@code VIRQ_*}. */
    public static final int VIRQ_TIMER = 0;

    public static final int VIRQ_DEBUG = 1;
    public static final int VIRQ_CONSOLE = 2;
    public static final int VIRQ_XENOPROF = 7;
    public static final int VIRQ_XENPMU = 13;

    /** Name of a virtual interrupt, or its number. */
    public static String virqName(int virq) {
        return switch (virq) {
            case VIRQ_TIMER -> "VIRQ_TIMER";
            case VIRQ_DEBUG -> "VIRQ_DEBUG";
            case VIRQ_CONSOLE -> "VIRQ_CONSOLE";
            case VIRQ_XENOPROF -> "VIRQ_XENOPROF";
            case VIRQ_XENPMU -> "VIRQ_XENPMU";
            default -> Integer.toString(virq);
        };
    }

    /** {@code EVTCHNSTAT_*}. */
    enum Kind {
        FREE,
        UNBOUND,
        INTERDOMAIN,
        PIRQ,
        VIRQ,
        IPI
    }

    private static final Kind[] KINDS = Kind.values();

    /** Domain 0: the VMM's own end of a channel. */
    private static final int HOST = 0;

    /** Its own lock guards its pending bit against the end of the channel. */
    private static final class Channel {
        Kind kind = Kind.FREE;
        int vcpu;
        int virq;
        int remoteDomain;
        int remotePort;

        /** The end of a channel that the VMM itself serves, run on the sender's thread. */
        Runnable backend;

        /** To a port of a guest, not to the VMM. */
        boolean isConnected() {
            return kind == Kind.INTERDOMAIN && remotePort != 0;
        }

        boolean isConnectedTo(int domain, int port) {
            return isConnected() && remoteDomain == domain && remotePort == port;
        }
    }

    /** One end of a channel between domains. */
    public record End(int domId, int port) {}

    /** Reaches another domain's channels, for interdomain ones. */
    public interface Neighbours {
        /** Null when there is no such domain. */
        EventChannels of(int domId);

        /** Queues {@link #deliverFrom} for a port in another domain. */
        void notify(End to, End from);
    }

    /** Hears of each event as it becomes pending, on the thread that delivers it. */
    @FunctionalInterface
    public interface DeliveryListener {
        void delivered(int port, int vcpu, boolean masked);
    }

    /** Null while nobody listens. */
    private volatile DeliveryListener deliveryListener;

    private final int domId;
    private final long sharedInfo;
    private final Channel[] channels = new Channel[PORTS];

    /** Port of a virtual interrupt on a vCPU, 0 for none; a global one stands with vCPU 0. */
    private final int[][] virqPorts = new int[VIRQS][SharedInfo.LEGACY_MAX_VCPUS];

    private final List<EventTarget> vcpus = new CopyOnWriteArrayList<>();
    private final Neighbours neighbours;

    /** Counts deliveries, for statistics: vCPUs may lose one to each other. */
    private long delivered;

    /**
     * @param sharedInfo host address of the shared page
     */
    public EventChannels(int domId, long sharedInfo, Neighbours neighbours) {
        this.domId = domId;
        this.sharedInfo = sharedInfo;
        this.neighbours = neighbours;
    }

    /** Adds the next vCPU. */
    public void add(EventTarget vcpu) {
        vcpus.add(vcpu);
    }

    /** Sets who hears of deliveries, null for nobody. */
    public void onDelivery(DeliveryListener listener) {
        deliveryListener = listener;
    }

    public long delivered() {
        return delivered;
    }

    // ---- binding
    // -----------------------------------------------------------------------------------------

    private Channel channel(int port) {
        return port > 0 && port < PORTS ? channels[port] : null;
    }

    private Channel inUse(int port) {
        Channel channel = channel(port);
        return channel == null || channel.kind == Kind.FREE ? null : channel;
    }

    private int allocate() {
        for (int port = 1; port < PORTS; port++) {
            if (channels[port] == null || channels[port].kind == Kind.FREE) {
                channels[port] = new Channel();
                return port;
            }
        }
        return -ENOSPC;
    }

    /**
     * A channel whose other end is the VMM: console, xenstore, a backend.
     *
     * @param backend runs on the guest's vCPU thread at each send
     */
    public synchronized int allocateForBackend(Runnable backend) {
        int port = allocate();
        if (port > 0) {
            channels[port].kind = Kind.INTERDOMAIN;
            channels[port].remoteDomain = 0;
            channels[port].backend = backend;
        }
        return port;
    }

    /** The VMM's end of a channel that the guest offered to domain 0. */
    public final class BackendPort implements EventPort {
        private final int port;
        private final Channel channel;

        private BackendPort(int port, Channel channel) {
            this.port = port;
            this.channel = channel;
        }

        @Override
        public void notifyFrontend() {
            // The guest may have closed its port, and have it for something else by now.
            deliver(port, channel);
        }

        @Override
        public void close() {
            synchronized (EventChannels.this) {
                if (channel.backend != null) {
                    channel.backend = null;
                    channel.kind = Kind.UNBOUND;
                }
            }
        }
    }

    /**
     * Binds the VMM to a port that the guest offered to domain 0.
     *
     * @param port as the guest named it, any value
     * @param backend runs on the guest's vCPU thread at each send
     * @return null when the port is none such
     */
    public synchronized BackendPort bindOffered(int port, Runnable backend) {
        Channel channel = inUse(port);
        if (channel == null || channel.kind != Kind.UNBOUND || channel.remoteDomain != HOST) {
            return null;
        }
        channel.kind = Kind.INTERDOMAIN;
        channel.remotePort = 0;
        channel.backend = backend;
        return new BackendPort(port, channel);
    }

    /** alloc_unbound. */
    public synchronized int allocateUnbound(int remoteDomain) {
        int port = allocate();
        if (port > 0) {
            channels[port].kind = Kind.UNBOUND;
            channels[port].remoteDomain = remoteDomain;
        }
        return port;
    }

    /** bind_virq; a per-vCPU virtual interrupt has one channel on each vCPU. */
    public synchronized int bindVirq(int virq, int vcpu) {
        if (virq < 0 || virq >= VIRQS) {
            return -EINVAL;
        }
        if (vcpu < 0 || vcpu >= vcpus.size()) {
            return -ENOENT;
        }
        if (!isPerVcpu(virq) && vcpu != 0) {
            return -EINVAL;
        }
        if (virqPort(virq, vcpu) > 0) {
            return -EEXIST;
        }
        int port = allocate();
        if (port > 0) {
            channels[port].kind = Kind.VIRQ;
            channels[port].virq = virq;
            channels[port].vcpu = vcpu;
            virqPorts[virq][vcpu] = port;
        }
        return port;
    }

    private static boolean isPerVcpu(int virq) {
        return virq == VIRQ_TIMER
                || virq == VIRQ_DEBUG
                || virq == VIRQ_XENOPROF
                || virq == VIRQ_XENPMU;
    }

    private int virqPort(int virq, int vcpu) {
        return virqPorts[virq][isPerVcpu(virq) ? vcpu : 0];
    }

    /** bind_ipi. */
    public synchronized int bindIpi(int vcpu) {
        if (vcpu < 0 || vcpu >= vcpus.size()) {
            return -ENOENT;
        }
        int port = allocate();
        if (port > 0) {
            channels[port].kind = Kind.IPI;
            channels[port].vcpu = vcpu;
        }
        return port;
    }

    /** bind_interdomain: to a port that the other domain offered to this one. */
    public int bindInterdomain(int remoteDomain, int remotePort) {
        EventChannels remote = peer(remoteDomain);
        if (remote == null) {
            return -ESRCH;
        }
        int port = withLocksOf(remote, () -> connect(remote, remotePort));
        if (port > 0) {
            // Xen marks the new end pending at once: the other side may have sent before.
            deliver(port);
        }
        return port;
    }

    private EventChannels peer(int remoteDomain) {
        return remoteDomain == domId ? this : neighbours.of(remoteDomain);
    }

    /** Both ends change at once, or a late change of one would meet the next channel there. */
    private int withLocksOf(EventChannels remote, IntSupplier change) {
        EventChannels first = domId <= remote.domId ? this : remote;
        EventChannels second = first == this ? remote : this;
        synchronized (first) {
            synchronized (second) {
                return change.getAsInt();
            }
        }
    }

    private int connect(EventChannels remote, int remotePort) {
        int port = allocate();
        if (port < 0) {
            return port;
        }
        Channel offered = remote.inUse(remotePort);
        if (offered == null || offered.kind != Kind.UNBOUND || offered.remoteDomain != domId) {
            return -EINVAL;
        }
        channels[port].kind = Kind.INTERDOMAIN;
        channels[port].remoteDomain = remote.domId;
        channels[port].remotePort = remotePort;
        offered.kind = Kind.INTERDOMAIN;
        offered.remotePort = port;
        return port;
    }

    /** close. */
    public int close(int port) {
        while (true) {
            Channel channel;
            EventChannels remote;
            synchronized (this) {
                channel = inUse(port);
                if (channel == null) {
                    return -EINVAL;
                }
                remote = channel.isConnected() ? peer(channel.remoteDomain) : null;
                if (remote == null) {
                    free(port, channel);
                    return 0;
                }
            }
            // The locks were let go: a sibling, or the peer, may have been faster.
            if (withLocksOf(remote, () -> disconnect(port, channel, remote)) == 0) {
                return 0;
            }
        }
    }

    private int disconnect(int port, Channel channel, EventChannels remote) {
        if (channels[port] != channel || !channel.isConnected()) {
            return -EAGAIN;
        }
        Channel end = remote.inUse(channel.remotePort);
        if (end != null && end.isConnectedTo(domId, port)) {
            end.kind = Kind.UNBOUND;
            end.remoteDomain = domId;
            end.remotePort = 0;
        }
        free(port, channel);
        return 0;
    }

    private void free(int port, Channel channel) {
        if (channel.kind == Kind.VIRQ) {
            virqPorts[channel.virq][isPerVcpu(channel.virq) ? channel.vcpu : 0] = 0;
        }
        synchronized (channel) {
            channels[port] = null;
            clearBit(sharedInfo + SharedInfo.EVTCHN_PENDING, port);
        }
    }

    /** bind_vcpu: moves delivery; not for IPIs and per-vCPU interrupts. */
    public synchronized int bindVcpu(int port, int vcpu) {
        if (vcpu < 0 || vcpu >= vcpus.size()) {
            return -ENOENT;
        }
        Channel channel = inUse(port);
        if (channel == null
                || channel.kind == Kind.IPI
                || channel.kind == Kind.VIRQ && isPerVcpu(channel.virq)) {
            return -EINVAL;
        }
        channel.vcpu = vcpu;
        return 0;
    }

    /** What status reports: kind, vCPU, and two words that depend on the kind. */
    public record Status(int kind, int vcpu, int first, int second) {}

    /** status; null for a port out of range. */
    public synchronized Status status(int port) {
        if (port <= 0 || port >= PORTS) {
            return null;
        }
        Channel channel = inUse(port);
        if (channel == null) {
            return new Status(0, 0, 0, 0);
        }
        return switch (channel.kind) {
            case FREE -> new Status(0, 0, 0, 0);
            case UNBOUND -> new Status(1, channel.vcpu, channel.remoteDomain, 0);
            case INTERDOMAIN ->
                    new Status(2, channel.vcpu, channel.remoteDomain, channel.remotePort);
            case PIRQ -> new Status(3, channel.vcpu, 0, 0);
            case VIRQ -> new Status(4, channel.vcpu, channel.virq, 0);
            case IPI -> new Status(5, channel.vcpu, 0, 0);
        };
    }

    /** reset: closes everything that the guest may close. */
    public int reset() {
        for (int port = 1; port < PORTS; port++) {
            close(port);
        }
        return 0;
    }

    // ---- saving and restoring
    // ----------------------------------------------------------------------------

    /**
     * A channel as plain data; pending and mask bits stand in the shared page.
     *
     * @param kind a {@code EVTCHNSTAT_*}, not 0
     */
    public record Saved(int port, int kind, int vcpu, int virq, int remoteDomain, int remotePort) {}

    /** All channels in use, by port. */
    public synchronized List<Saved> save() {
        List<Saved> saved = new ArrayList<>();
        for (int port = 1; port < PORTS; port++) {
            Channel c = inUse(port);
            if (c != null) {
                saved.add(
                        new Saved(
                                port,
                                c.kind.ordinal(),
                                c.vcpu,
                                c.virq,
                                c.remoteDomain,
                                c.remotePort));
            }
        }
        return saved;
    }

    /**
     * Makes the saved channels. The VMM's ends wait for {@link #bindBackend}; what led to another
     * guest waits for that guest to bind anew, as if it had closed its end.
     *
     * @param savedDomId the saved domain's id, to know a channel of the guest to itself
     * @return false when they are none that a domain with these vCPUs can have
     */
    public synchronized boolean restore(List<Saved> saved, int savedDomId) {
        for (Saved s : saved) {
            if (s.port() <= 0
                    || s.port() >= PORTS
                    || channels[s.port()] != null
                    || s.kind() <= 0
                    || s.kind() >= KINDS.length
                    || s.vcpu() < 0
                    || s.vcpu() >= vcpus.size()
                    || s.virq() < 0
                    || s.virq() >= VIRQS
                    || s.remotePort() < 0
                    || s.remotePort() >= PORTS) {
                return false;
            }
            channels[s.port()] = channelOf(s, savedDomId);
        }
        return true;
    }

    private Channel channelOf(Saved saved, int savedDomId) {
        Channel channel = new Channel();
        channel.kind = KINDS[saved.kind()];
        channel.vcpu = saved.vcpu();
        channel.virq = saved.virq();
        boolean toItself = saved.remoteDomain() == savedDomId;
        channel.remoteDomain = toItself ? domId : saved.remoteDomain();
        channel.remotePort = saved.remotePort();
        if (channel.kind == Kind.INTERDOMAIN && !toItself && saved.remoteDomain() != HOST) {
            channel.kind = Kind.UNBOUND;
            channel.remotePort = 0;
        }
        if (channel.kind == Kind.VIRQ) {
            virqPorts[saved.virq()][isPerVcpu(saved.virq()) ? saved.vcpu() : 0] = saved.port();
        }
        return channel;
    }

    /**
     * Serves the VMM's end of a restored channel.
     *
     * @param backend as for {@link #allocateForBackend}
     * @return false when the port is no channel to the VMM, or is served already
     */
    public synchronized boolean bindBackend(int port, Runnable backend) {
        Channel channel = inUse(port);
        if (channel == null
                || channel.kind != Kind.INTERDOMAIN
                || channel.remoteDomain != HOST
                || channel.backend != null) {
            return false;
        }
        channel.backend = backend;
        return true;
    }

    // ---- delivery
    // ----------------------------------------------------------------------------------------

    /** send: to oneself for an IPI, to the other end else. */
    public int send(int port) {
        Channel channel;
        Runnable backend = null;
        End to = null;
        synchronized (this) {
            channel = inUse(port);
            if (channel == null) {
                return -EINVAL;
            }
            switch (channel.kind) {
                case IPI -> {}
                case INTERDOMAIN -> {
                    backend = channel.backend;
                    to = new End(channel.remoteDomain, channel.remotePort);
                }
                case UNBOUND -> {
                    return 0;
                }
                case FREE, PIRQ, VIRQ -> {
                    return -EINVAL;
                }
            }
        }
        if (backend != null) {
            backend.run();
        } else if (to != null) {
            sendToPeer(to, new End(domId, port));
        } else {
            deliver(port, channel);
        }
        return 0;
    }

    private void sendToPeer(End to, End from) {
        if (to.domId() == domId) {
            deliverFrom(to.port(), from);
        } else {
            neighbours.notify(to, from);
        }
    }

    /**
     * Delivers what the other end of a channel has sent, unless the channel was closed meanwhile:
     * then the port is another channel's, or none.
     */
    public void deliverFrom(int port, End from) {
        Channel channel;
        synchronized (this) {
            channel = inUse(port);
            if (channel == null || !channel.isConnectedTo(from.domId(), from.port())) {
                return;
            }
        }
        deliver(port, channel);
    }

    /** Raises a virtual interrupt if the guest has bound it. */
    public void raiseVirq(int virq, int vcpu) {
        int port;
        synchronized (this) {
            port = virqPort(virq, vcpu);
        }
        if (port > 0) {
            deliver(port);
        }
    }

    /** Makes a port pending and tells its vCPU unless the port is masked. */
    public void deliver(int port) {
        Channel channel = channel(port);
        if (channel != null) {
            deliver(port, channel);
        }
    }

    private void deliver(int port, Channel channel) {
        synchronized (channel) {
            // Were it closed in between, the bit would stay for the next channel of that number,
            // which then would never be delivered: it is pending already.
            if (channels[port] != channel || setBit(sharedInfo + SharedInfo.EVTCHN_PENDING, port)) {
                return;
            }
        }
        delivered++;
        boolean masked = testBit(sharedInfo + SharedInfo.EVTCHN_MASK, port);
        DeliveryListener listener = deliveryListener;
        if (listener != null) {
            listener.delivered(port, channel.vcpu, masked);
        }
        if (!masked) {
            notifyVcpu(channel.vcpu, port);
        }
        for (EventTarget vcpu : vcpus) {
            vcpu.wakeIfPolling(port);
        }
    }

    private void notifyVcpu(int vcpu, int port) {
        EventTarget target = vcpus.get(vcpu);
        long info = target.vcpuInfo();
        long selector = 1L << port / BITS_PER_WORD;
        long before = Ram.getAndBitwiseOrLong(info + VcpuInfo.EVTCHN_PENDING_SEL, selector);
        if ((before & selector) == 0) {
            Ram.putByte(info + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
            VarHandle.fullFence();
            target.wakeForUpcall();
        }
    }

    /** unmask: clears the mask bit and delivers what was pending behind it. */
    public int unmask(int port) {
        Channel channel;
        synchronized (this) {
            channel = inUse(port);
        }
        if (channel == null) {
            return -EINVAL;
        }
        boolean wasMasked = clearBit(sharedInfo + SharedInfo.EVTCHN_MASK, port);
        if (wasMasked && testBit(sharedInfo + SharedInfo.EVTCHN_PENDING, port)) {
            notifyVcpu(channel.vcpu, port);
        }
        return 0;
    }

    /** Whether a port's pending bit is set, for poll. */
    public boolean isPending(int port) {
        return testBit(sharedInfo + SharedInfo.EVTCHN_PENDING, port);
    }

    /** Whether a port's mask bit is set. */
    public boolean isMasked(int port) {
        return testBit(sharedInfo + SharedInfo.EVTCHN_MASK, port);
    }

    private static long word(long array, int port) {
        return array + (port / BITS_PER_WORD) * 8L;
    }

    private static boolean testBit(long array, int port) {
        return (Ram.getLongVolatile(word(array, port)) >>> port & 1) != 0;
    }

    private static boolean setBit(long array, int port) {
        return (Ram.getAndBitwiseOrLong(word(array, port), 1L << port) >>> port & 1) != 0;
    }

    private static boolean clearBit(long array, int port) {
        return (Ram.getAndBitwiseAndLong(word(array, port), ~(1L << port)) >>> port & 1) != 0;
    }
}
