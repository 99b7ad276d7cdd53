package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.xenstore.Permissions;
import org.xenolith.core.xenstore.Xenstore;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** When a guest's xenstore ring is looked at. */
class StorePortTest {
    private static final int XS_WATCH = 4;

    private final Xenstore store = new Xenstore();
    private final PvGuest guest = new PvGuest(1, GuestClock.virtual());
    private final StorePort port =
            StorePort.allocate(guest.domain, guest.memory.page(), GuestRings.STORE_PORT);

    private void watch(String path) {
        byte[] payload = (path + "\0token\0").getBytes(StandardCharsets.ISO_8859_1);
        byte[] request =
                ByteBuffer.allocate(16 + payload.length)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(XS_WATCH)
                        .putInt(1)
                        .putInt(0)
                        .putInt(payload.length)
                        .put(payload)
                        .array();
        port.connection().feed(request, 0, request.length);
    }

    @Test
    void guestThatStandsStillIsToldOnceHoweverMuchItsNeighboursWrite() {
        store.mkdir("/all");
        store.setPerms("/all", Permissions.of("r0"));
        port.open(store);
        watch("/all");
        for (int i = 0; i < 1000; i++) {
            store.write("/all/" + i % 2, "" + i);
        }
        guest.domain.applyPosted(guest.vcpu(0).turn);
        assertThat(guest.domain.hasPosted()).isFalse();
        store.write("/all/0", "another");
        assertThat(guest.domain.hasPosted()).as("told again").isTrue();
    }
}
