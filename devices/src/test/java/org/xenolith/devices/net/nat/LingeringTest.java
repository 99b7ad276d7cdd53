package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Connections that are over for the guest, whose last bytes the host has not taken. */
class LingeringTest {
    private static final int FIRST_PORT = 40_000, BYTES = 5000;

    /** Of what the NAT has for all its guests, one gets half. */
    private static final int FOR_ONE_GUEST = 4;

    private final NatLab lab =
            new NatLab(NatConfig.builder().maxTcpConnections(2 * FOR_ONE_GUEST).build(), 1);

    private int port = FIRST_PORT;

    @Test
    void aGuestThatClosesWhatTheHostDoesNotReadGetsNoMoreSocketsThanItMayHave() {
        for (int i = 0; i < FOR_ONE_GUEST; i++) {
            leaveUnread();
        }
        assertThat(lab.stack.tcp().size()).as("connections that are not over").isZero();
        connect();
        assertThat(lab.host.streams).hasSize(FOR_ONE_GUEST);

        lab.host.streams.getFirst().takeAgain();
        connect();
        assertThat(lab.host.streams).as("there is room again").hasSize(FOR_ONE_GUEST + 1);
    }

    @Test
    void bytesOfAClosedConnectionCountUntilTheHostHasTakenThem() {
        leaveUnread();
        assertThat(lab.stack.tcp().size()).isZero();
        assertThat(lab.stack.budget().usedBytes()).isEqualTo(BYTES);

        lab.host.last().takeAgain();
        assertThat(lab.host.last().taken.size()).isEqualTo(BYTES);
        assertThat(lab.stack.budget().usedBytes()).isZero();
    }

    @Test
    void aClosedConnectionWhoseHostHasTakenAllDoesNotCount() {
        GuestTcp guest = connect();
        guest.send(new byte[BYTES]);
        end(guest);
        assertThat(lab.host.last().closed).isTrue();
        for (int i = 0; i <= FOR_ONE_GUEST; i++) {
            end(connect());
        }
        assertThat(lab.host.streams).hasSize(FOR_ONE_GUEST + 2);
    }

    /** Opens a connection, sends, and closes it when the host has: both directions are done. */
    private void leaveUnread() {
        GuestTcp guest = connect();
        lab.host.last().takes = false;
        guest.send(new byte[BYTES]);
        end(guest);
    }

    private GuestTcp connect() {
        GuestTcp guest = new GuestTcp(lab, port++, NatLab.GATEWAY, 80);
        guest.connect();
        lab.settle();
        lab.host.answerAll();
        lab.settle();
        return guest;
    }

    private void end(GuestTcp guest) {
        guest.finish();
        lab.settle();
        lab.host.last().events.ended();
        lab.settle();
    }
}
