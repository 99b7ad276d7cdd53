package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Streams through the NAT's TCP over a cable that loses, repeats and reorders, by a seed. */
class TcpTransferTest {
    private static final int TEN_MEGABYTES = 10_000_000;

    @ParameterizedTest
    @CsvSource({"1, 0.05, 0, 0", "2, 0.05, 0.02, 0.05", "3, 0, 0.1, 0.2", "4, 0, 0, 0"})
    void tenMegabytesToTheHostArriveIntact(
            long seed, double loss, double duplication, double reordering) {
        NatLab lab = lab(seed, loss, duplication, reordering);
        GuestTcp guest = connect(lab);
        byte[] data = random(seed, TEN_MEGABYTES);
        guest.send(data);
        guest.finish();
        runUntil(lab, () -> lab.host.last().ended);
        assertThat(lab.host.last().taken.toByteArray()).isEqualTo(data);
    }

    @ParameterizedTest
    @CsvSource({"1, 0.05, 0, 0", "2, 0.05, 0.02, 0.05", "3, 0, 0.1, 0.2", "4, 0, 0, 0"})
    void tenMegabytesToTheGuestArriveIntact(
            long seed, double loss, double duplication, double reordering) {
        NatLab lab = lab(seed, loss, duplication, reordering);
        GuestTcp guest = connect(lab);
        byte[] data = random(seed, TEN_MEGABYTES);
        feed(lab, data);
        runUntil(lab, () -> guest.remoteFinished);
        assertThat(guest.in.toByteArray()).isEqualTo(data);
    }

    @ParameterizedTest
    @CsvSource({"11, 0.05, 0.02, 0.05", "12, 0, 0, 0"})
    void overIpv6BothDirectionsArriveIntactToo(
            long seed, double loss, double duplication, double reordering) {
        NatLab lab = lab(seed, loss, duplication, reordering);
        GuestTcp guest = GuestTcp.overIpv6(lab, 40000, Ipv6.GATEWAY, 80);
        connect(lab, guest);
        assertThat(lab.host.last().to.getAddress().getHostAddress()).isEqualTo("0:0:0:0:0:0:0:1");
        byte[] up = random(seed, TEN_MEGABYTES / 4);
        byte[] down = random(seed + 1, TEN_MEGABYTES / 4);
        guest.send(up);
        guest.finish();
        feed(lab, down);
        runUntil(lab, () -> guest.remoteFinished && hostHeardTheEnd(lab) && guest.allAcked());
        assertThat(guest.in.toByteArray()).isEqualTo(down);
        assertThat(lab.host.last().taken.toByteArray()).isEqualTo(up);
        assertThat(lab.largest).as("segments to the guest are joined").isGreaterThan(1514);
        lab.run(TimeUnit.MINUTES.toNanos(5));
        assertThat(lab.stack.tcp().size()).as("connections left").isZero();
        assertThat(lab.bytesAllocated()).as("memory left").isZero();
    }

    @Test
    void smallFramesWaitWhileTheHostsSocketIsBeingRead() {
        NatLab lab = lab(1, 0, 0, 0);
        GuestTcp guest = connect(lab);
        FakeHost.Stream stream = lab.host.last();
        stream.events.received(Unpooled.wrappedBuffer(new byte[9000]));
        stream.events.received(Unpooled.wrappedBuffer(new byte[1000]));
        lab.settle();
        assertThat(guest.in.size()).as("bytes sent before the last read").isZero();
        stream.events.receivedAll();
        runUntil(lab, () -> guest.in.size() == 10_000);
    }

    @Test
    void bothDirectionsAtOnceUnderLossArriveIntact() {
        NatLab lab = lab(7, 0.05, 0.01, 0.02);
        GuestTcp guest = connect(lab);
        byte[] up = random(8, TEN_MEGABYTES / 4);
        byte[] down = random(9, TEN_MEGABYTES / 4);
        guest.send(up);
        guest.finish();
        feed(lab, down);
        runUntil(lab, () -> guest.remoteFinished && hostHeardTheEnd(lab) && guest.allAcked());
        assertThat(guest.in.toByteArray()).isEqualTo(down);
        assertThat(lab.host.last().taken.toByteArray()).isEqualTo(up);
        lab.run(TimeUnit.MINUTES.toNanos(5));
        assertThat(lab.stack.tcp().size()).as("connections left").isZero();
        assertThat(lab.stack.budget().usedBytes()).as("buffers left").isZero();
        assertThat(lab.bytesAllocated()).as("memory left").isZero();
    }

    /** Whichever side ended first. */
    private static boolean hostHeardTheEnd(NatLab lab) {
        return lab.host.last().ended || lab.host.last().closed;
    }

    private static NatLab lab(long seed, double loss, double duplication, double reordering) {
        NatLab lab = new NatLab(NatConfig.builder().build(), seed);
        lab.loss = loss;
        lab.duplication = duplication;
        lab.reordering = reordering;
        return lab;
    }

    private static GuestTcp connect(NatLab lab) {
        GuestTcp guest = new GuestTcp(lab, 40000, NatLab.GATEWAY, 80);
        connect(lab, guest);
        return guest;
    }

    private static void connect(NatLab lab, GuestTcp guest) {
        guest.connect();
        runUntil(lab, () -> !lab.host.streams.isEmpty());
        lab.host.answerAll();
        runUntil(lab, () -> lab.host.last().reads);
    }

    /** A program on the host that writes as fast as it is read, then ends. */
    private static void feed(NatLab lab, byte[] data) {
        feedFrom(lab, data, 0);
    }

    private static void feedFrom(NatLab lab, byte[] data, int offset) {
        int at = offset;
        FakeHost.Stream stream = lab.host.last();
        for (int burst = 0; burst < 4 && stream.reads && at < data.length; burst++) {
            int length = Math.min(60_000, data.length - at);
            stream.send(java.util.Arrays.copyOfRange(data, at, at + length));
            at += length;
        }
        int next = at;
        if (next == data.length) {
            stream.events.ended();
        } else {
            lab.at(lab.now() + 100_000, () -> feedFrom(lab, data, next));
        }
    }

    private static void runUntil(NatLab lab, BooleanSupplier done) {
        long deadline = lab.now() + TimeUnit.HOURS.toNanos(2);
        while (!done.getAsBoolean()) {
            assertThat(lab.step(deadline)).as("something still happens").isTrue();
        }
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}
