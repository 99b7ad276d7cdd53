package org.xenolith.devices.net.nat;

import java.net.ConnectException;
import java.util.concurrent.TimeUnit;

/**
 * Opens a connection to a guest that may not be there yet: waits until its name has an address,
 * then until it answers, and no longer than a bounded time for both.
 */
final class GuestOpener extends Timers.Timer {
    /** How long a guest may take to boot as far as its network. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

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
    private boolean cancelled;

    private GuestOpener(
            NatStack stack, String guest, int port, End end, TcpHandshake.Opener outcome) {
        this.stack = stack;
        this.guest = guest;
        this.port = port;
        this.end = end;
        this.outcome = outcome;
        this.deadline = stack.now() + PATIENCE_NANOS;
    }

    /**
     * @param guest name or address
     * @param outcome hears once how it went, perhaps before this returns
     */
    static GuestOpener open(
            NatStack stack, String guest, int port, End end, TcpHandshake.Opener outcome) {
        GuestOpener opener = new GuestOpener(stack, guest, port, end, outcome);
        opener.expired(stack.now());
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
            open(address);
        } else if (now >= deadline) {
            stack.openers().remove(this);
            outcome.failed(
                    new ConnectException(
                            "Cannot connect to " + guest + ": no guest has that name"));
        } else {
            stack.openers().add(this);
            stack.timers().arm(this, Math.min(now + LOOK_AGAIN_NANOS, deadline));
        }
    }

    private void open(int address) {
        TcpConnection connection = stack.tcp().open(address, port, end.stream(), outcome, deadline);
        if (connection == null) {
            outcome.failed(
                    new ConnectException(
                            "Cannot connect to " + guest + ": the NAT has no connection left"));
        } else {
            end.opening(connection);
        }
    }
}
