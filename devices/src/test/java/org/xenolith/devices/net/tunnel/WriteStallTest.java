package org.xenolith.devices.net.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.concurrent.TimeUnit;

final class WriteStallTest {
    private static final int MORE_THAN_ROOM = 1 << 20;
    private static final long SECONDS = 30;

    private int stalls;
    private final WriteStall stall = new WriteStall(SECONDS * 1_000, () -> stalls++);
    private final EmbeddedChannel channel = new EmbeddedChannel(stall);

    @BeforeEach
    void stopTheClock() {
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runPendingTasks();
    }

    private void fill() {
        channel.write(Unpooled.wrappedBuffer(new byte[MORE_THAN_ROOM]));
        assertThat(channel.isWritable()).isFalse();
    }

    @Test
    void peerThatTakesNothingForLongHasStalled() {
        fill();
        pass(SECONDS - 1);
        assertThat(stall.isStalled()).isFalse();
        pass(1);
        assertThat(stall.isStalled()).isTrue();
        pass(10 * SECONDS);
        assertThat(stalls).isEqualTo(1);
    }

    @Test
    void peerThatTakesSomethingNowAndThenHasNot() {
        for (int i = 0; i < 10; i++) {
            fill();
            pass(SECONDS - 1);
            channel.flush();
            pass(1);
        }
        assertThat(stalls).isZero();
    }

    @Test
    void stallEndsWhenThereIsRoom() {
        fill();
        pass(SECONDS);
        channel.flush();
        channel.runPendingTasks();
        assertThat(stall.isStalled()).isFalse();
    }

    @Test
    void endOfTheConnectionEndsTheWait() {
        fill();
        channel.close();
        pass(SECONDS);
        assertThat(stalls).isZero();
    }
}
