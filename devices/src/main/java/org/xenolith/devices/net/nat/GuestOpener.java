package org.xenolith.devices.net.nat;

import java.net.ConnectException;
import java.util.concurrent.TimeUnit;

/**
 * Opens a connection to a guest that may not be there yet: waits until its name has an address,
 * then until it answers, and no longer than a bounded time for both. One that shall be over IPv6 is
 * tried there first, if the guest was heard to have an address; where it does not answer within a
 * second, or refuses, it is asked over IPv4, as its server may be there alone.
 */
final class GuestOpener extends Timers.Timer {
    /** How long a guest may take to boot as far as its network. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** How long a guest may be silent over IPv6, to neighbour solicitations and SYNs together. */
    static final long IPV6_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The host's end, told which connection it belongs to. */
    interface End {
        HostStream stream();

        void opening(TcpConnection connection);
    }

    private final NatStack stack;
    private final String guest;
    private final int port;
    private final End end;
    private final TcpHandshake.Opener outcome;
    private final long deadline;
    private final boolean overIpv6;
    private long ipv6Deadline = Timers.NEVER; // from when it is looked for there
    private boolean cancelled;

    private GuestOpener(
            NatStack stack,
            String guest,
            int port,
            End end,
            TcpHandshake.Opener outcome,
            boolean overIpv6) {
        this.stack = stack;
        this.guest = guest;
        this.port = port;
        this.end = end;
        this.outcome = outcome;
        this.deadline = stack.now() + PATIENCE_NANOS;
        this.overIpv6 = overIpv6;
    }

    /**
     * Over IPv4.
     *
     * @param guest name or address
     * @param outcome hears once how it went, perhaps before this returns
     */
    static GuestOpener open(
            NatStack stack, String guest, int port, End end, TcpHandshake.Opener outcome) {
        return started(new GuestOpener(stack, guest, port, end, outcome, false));
    }

    /** Over IPv6 if the guest answers there; as {@link #open} otherwise. */
    static GuestOpener openOverIpv6(
            NatStack stack, String guest, int port, End end, TcpHandshake.Opener outcome) {
        return started(new GuestOpener(stack, guest, port, end, outcome, true));
    }

    private static GuestOpener started(GuestOpener opener) {
        opener.expired(opener.stack.now());
        return opener;
    }

    /** Nobody wants the connection any more; once there is one, it has to be reset instead. */
    void cancel() {
        cancelled = true;
        stopWaiting();
    }

    /** The NAT closes. */
    void giveUp() {
        stopWaiting();
        outcome.failed(
                new ConnectException("Cannot connect to " + guest + ": the network is closed"));
    }

    private void stopWaiting() {
        stack.timers().remove(this);
        stack.openers().remove(this);
    }

    @Override
    void expired(long now) {
        if (cancelled) {
            return;
        }
        int address = stack.addressOfGuest(guest);
        if (address != Leases.NO_ADDRESS) {
            stack.openers().remove(this);
            open(address, now);
        } else if (now >= deadline) {
            stack.openers().remove(this);
            outcome.failed(
                    new ConnectException(
                            "Cannot connect to " + guest + ": no guest has that name"));
        } else {
            lookAgain(now);
        }
    }

    private void lookAgain(long now) {
        stack.openers().add(this);
        stack.timers().arm(this, Math.min(now + LOOK_AGAIN_NANOS, deadline));
    }

    private void open(int address, long now) {
        Ipv6Address address6 = overIpv6 ? stack.ipv6AddressOf(address) : null;
        if (address6 == null) {
            open(stack.pathTo(address), outcome, deadline);
            return;
        }
        ipv6Deadline = Math.min(ipv6Deadline, Math.min(now + IPV6_PATIENCE_NANOS, deadline));
        Path path = stack.pathTo(address6);
        OverIpv6 attempt = new OverIpv6(address, address6);
        if (now >= ipv6Deadline) {
            attempt.wasSilent();
        } else if (path.guestMac() != 0) {
            open(path, attempt, ipv6Deadline);
        } else {
            stack.discovery().ask(address6);
            lookAgain(now);
        }
    }

    private void open(Path path, TcpHandshake.Opener opener, long until) {
        TcpConnection connection = stack.tcp().open(path, port, end.stream(), opener, until);
        if (connection == null) {
            outcome.failed(
                    new ConnectException(
                            "Cannot connect to " + guest + ": the NAT has no connection left"));
        } else {
            end.opening(connection);
        }
    }

    /** How it goes over IPv6; over IPv4 if it does not. */
    private final class OverIpv6 implements TcpHandshake.Opener {
        private final int address;
        private final Ipv6Address address6;

        OverIpv6(int address, Ipv6Address address6) {
            this.address = address;
            this.address6 = address6;
        }

        @Override
        public void opened() {
            outcome.opened();
        }

        @Override
        public void failed(ConnectException cause) {
            if (stack.now() >= ipv6Deadline) {
                wasSilent();
            } else {
                openOverIpv4(); // it refuses, at once
            }
        }

        /** The next connection need not wait for it. */
        void wasSilent() {
            stack.ipv6Neighbours().foundSilent(address6);
            openOverIpv4();
        }

        private void openOverIpv4() {
            open(stack.pathTo(address), outcome, deadline);
        }
    }
}
