package org.xenolith.core.event;

/**
 * One end of an event channel. It is made for one port and never stands at another: who kept it
 * knows by it whether the port is still the same channel's.
 *
 * <p>Its state is touched under the lock of the {@link EventChannels} whose port it is, the vCPU
 * excepted: that is changed under the lock and read without, by whoever delivers. Its own monitor
 * belongs to {@link Delivery}.
 */
final class Channel {
    /** Domain 0: the VMM's own end of a channel. */
    static final int HOST = 0;

    /** Which virtual interrupt it is, 0 for other kinds. */
    final int virq;

    /** Whom it leads or is offered to, 0 for kinds that stay in their domain. */
    final int remoteDomain;

    /** An end between domains becomes {@code UNBOUND} and {@code INTERDOMAIN} by turns. */
    private ChannelKind kind;

    /** Port of the other end; 0 when that is the VMM, or there is none. */
    private int remotePort;

    /** The end of a channel that the VMM itself serves, run on the sender's thread. */
    private Runnable backend;

    /** An event of the other domain is on its way here; one more would change nothing. */
    private boolean isComing;

    private volatile int vcpu;

    Channel(ChannelKind kind, int vcpu, int virq, int remoteDomain, int remotePort) {
        this.kind = kind;
        this.vcpu = vcpu;
        this.virq = virq;
        this.remoteDomain = remoteDomain;
        this.remotePort = remotePort;
    }

    static Channel unbound(int remoteDomain) {
        return new Channel(ChannelKind.UNBOUND, 0, 0, remoteDomain, 0);
    }

    static Channel interdomain(int remoteDomain, int remotePort) {
        return new Channel(ChannelKind.INTERDOMAIN, 0, 0, remoteDomain, remotePort);
    }

    static Channel virq(int virq, int vcpu) {
        return new Channel(ChannelKind.VIRQ, vcpu, virq, 0, 0);
    }

    static Channel ipi(int vcpu) {
        return new Channel(ChannelKind.IPI, vcpu, 0, 0, 0);
    }

    ChannelKind kind() {
        return kind;
    }

    int remotePort() {
        return remotePort;
    }

    /** Null unless the VMM serves the other end. */
    Runnable backend() {
        return backend;
    }

    /**
     * Notes that an event is on its way.
     *
     * @return false if one is already
     */
    boolean announce() {
        boolean first = !isComing;
        isComing = true;
        return first;
    }

    /** The event is here: the next one has to be announced. */
    void arrived() {
        isComing = false;
    }

    /** The vCPU that is told of its events; read without a lock. */
    int vcpu() {
        return vcpu;
    }

    void moveTo(int vcpu) {
        this.vcpu = vcpu;
    }

    /** Whether it may be told to another vCPU: IPIs and per-vCPU interrupts are for theirs. */
    boolean canMove() {
        return kind != ChannelKind.IPI && !(kind == ChannelKind.VIRQ && Virq.isPerVcpu(virq));
    }

    boolean isOfferedTo(int domain) {
        return kind == ChannelKind.UNBOUND && remoteDomain == domain;
    }

    /** To a port of a guest, not to the VMM. */
    boolean isConnected() {
        return kind == ChannelKind.INTERDOMAIN && remotePort != 0;
    }

    boolean isConnectedTo(int domain, int port) {
        return isConnected() && remoteDomain == domain && remotePort == port;
    }

    /** To the VMM, which does not serve its end yet. */
    boolean awaitsBackend() {
        return kind == ChannelKind.INTERDOMAIN && remoteDomain == HOST && backend == null;
    }

    void connect(int port) {
        kind = ChannelKind.INTERDOMAIN;
        remotePort = port;
    }

    /** The VMM serves the other end. */
    void serve(Runnable by) {
        connect(0);
        backend = by;
    }

    /** The other end is gone: the port is offered to the same domain as before. */
    void disconnect() {
        kind = ChannelKind.UNBOUND;
        remotePort = 0;
        backend = null;
    }
}
