package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;

class HostileGuestTest {
    private static final String DATA = "/local/domain/1/data";

    private final Xenstore store = new Xenstore();
    private GuestClient guest;

    @BeforeEach
    void guestOneOwnsItsDataDirectory() {
        store.mkdir(DATA);
        store.setPerms(DATA, Permissions.of("n1"));
        guest = GuestClient.of(store, 1);
    }

    @Test
    void nodesBeyondTheQuotaAreENOSPCUntilSomeAreRemoved() {
        // One is the directory itself.
        for (int i = 1; i < Quota.DEFAULT.nodes(); i++) {
            assertThat(guest.write("data/" + i, "")).isEqualTo("OK");
        }
        assertThat(guest.write("data/more", "")).isEqualTo("ENOSPC");
        assertThat(guest.mkdir("data/more")).isEqualTo("ENOSPC");
        assertThat(guest.write("data/1", "existing nodes stay writable")).isEqualTo("OK");
        guest.rm("data/1");
        assertThat(guest.write("data/more/parent", "")).as("two nodes").isEqualTo("ENOSPC");
        assertThat(guest.write("data/more", "")).isEqualTo("OK");
        store.write(DATA + "/by-host", "the host is not limited");
    }

    @Test
    void theNodeQuotaHoldsAcrossTransactionsThatEndTogether() {
        int half = Quota.DEFAULT.nodes() / 2 + 100;
        guest.mkdir("data/a");
        guest.mkdir("data/b");
        int first = Integer.parseInt(guest.begin());
        guest.use(0);
        int second = Integer.parseInt(guest.begin());
        for (int i = 0; i < half; i++) {
            guest.use(first);
            assertThat(guest.mkdir("data/a/" + i)).isEqualTo("OK");
            guest.use(second);
            assertThat(guest.mkdir("data/b/" + i)).isEqualTo("OK");
        }
        assertThat(guest.end(true)).isEqualTo("OK");
        guest.use(first);
        assertThat(guest.end(true)).isEqualTo("ENOSPC");
        assertThat(guest.list("data/a")).isEmpty();
    }

    @Test
    void nodesThatAMergedTransactionBroughtAreCountedOnce() {
        guest.begin();
        guest.mkdir("data/a/b/c");
        guest.write("data/a", "changed again");
        store.write("/elsewhere", "forces the merge");
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(guest.list("data/a/b")).isEqualTo("c");
        // The directory, a, b and c are there already.
        for (int i = 4; i < Quota.DEFAULT.nodes(); i++) {
            assertThat(guest.mkdir("data/" + i)).isEqualTo("OK");
        }
        assertThat(guest.mkdir("data/more")).isEqualTo("ENOSPC");
    }

    @Test
    void nodesGivenAwayOrRemovedByTheHostAreNoLongerCounted() {
        for (int i = 1; i < Quota.DEFAULT.nodes(); i++) {
            guest.mkdir("data/d/" + i);
        }
        assertThat(guest.mkdir("data/e")).isEqualTo("ENOSPC");
        store.setPerms(DATA + "/d/1", Permissions.of("n2"));
        assertThat(guest.mkdir("data/e")).isEqualTo("OK");
        store.rm(DATA + "/d");
        assertThat(guest.mkdir("data/f/g/h")).isEqualTo("OK");
    }

    @Test
    void watchesBeyondTheQuotaAreE2BIG() {
        for (int i = 0; i < Quota.DEFAULT.watches(); i++) {
            assertThat(guest.watch("data", "" + i)).isEqualTo("OK");
        }
        assertThat(guest.watch("data", "more")).isEqualTo("E2BIG");
        guest.ask(MessageType.UNWATCH, "data", "0");
        assertThat(guest.watch("data", "more")).isEqualTo("OK");
    }

    @Test
    void transactionsBeyondTheQuotaAreENOSPC() {
        for (int i = 0; i < Quota.DEFAULT.transactions(); i++) {
            guest.begin();
            guest.use(0);
        }
        assertThat(guest.ask(MessageType.TRANSACTION_START, "")).isEqualTo("ENOSPC");
        guest.use(1);
        guest.end(false);
        assertThat(guest.ask(MessageType.TRANSACTION_START, "")).isNotEqualTo("ENOSPC");
    }

    @Test
    void aTransactionMayOnlyTouchSoManyNodes() {
        guest.begin();
        for (int i = 0; i < Quota.DEFAULT.nodesPerTransaction(); i++) {
            assertThat(guest.read("data/" + i)).isEqualTo("ENOENT");
        }
        assertThat(guest.read("data/more")).isEqualTo("ENOSPC");
        assertThat(guest.write("data/more", "")).isEqualTo("ENOSPC");
        assertThat(guest.read("data/0")).as("known nodes are free").isEqualTo("ENOENT");
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(guest.list("data")).isEmpty();
    }

    @Test
    void valuesPathsAndPermissionListsAreLimited() {
        assertThat(guest.write("data/x", "v".repeat(2048))).isEqualTo("OK");
        assertThat(guest.write("data/x", "v".repeat(2049))).isEqualTo("ENOSPC");
        assertThat(guest.write("data/" + "p".repeat(2043), "")).isEqualTo("OK");
        assertThat(guest.write("data/" + "p".repeat(2044), "")).isEqualTo("EINVAL");
        assertThat(guest.write(DATA + "/" + "p".repeat(2044), "")).isEqualTo("EINVAL");
        assertThat(guest.read("/" + "p".repeat(3072))).isEqualTo("EINVAL");
        assertThat(guest.watch("@" + "p".repeat(2048), "t")).isEqualTo("EINVAL");
        assertThat(guest.ask(MessageType.SET_PERMS, "data", "n1", "r2", "r3", "r4", "r5", "r6"))
                .isEqualTo("ENOSPC");
    }

    @Test
    void theDeepestPathThereCanBeIsHandled() {
        String deep = "data" + "/d".repeat(998);
        assertThat(guest.write(deep, "bottom")).isEqualTo("OK");
        assertThat(guest.read(deep)).isEqualTo("bottom");
        assertThat(store.dump()).contains("bottom");
        assertThat(guest.rm("data/d")).isEqualTo("OK");
        assertThat(guest.list("data")).isEmpty();
    }

    /** Under the lock for which all guests wait; with three look-ups a name it took a minute. */
    @Test
    @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void removalOfTheDeepestPathThereCanBeIsQuick() {
        String deep = "data" + "/d".repeat(990);
        for (int i = 0; i < 400; i++) {
            guest.write(deep, "bottom");
            assertThat(guest.rm("data/d")).isEqualTo("OK");
            guest.write(deep, "bottom");
            guest.begin();
            assertThat(guest.rm("data/d")).isEqualTo("OK");
            store.write("/elsewhere", "forces the merge");
            assertThat(guest.end(true)).isEqualTo("OK");
        }
    }

    @Test
    void anEventTooLongForAMessageNamesTheWatchedNodeInstead() {
        String token = "t".repeat(3000);
        String name = "p".repeat(2000);
        assertThat(guest.watch("data", token)).isEqualTo("OK");
        guest.events();
        guest.write("data/" + name, "");
        assertThat(guest.events()).containsExactly("data|" + token);
    }

    @Test
    void whileAGuestDoesNotListenItsEventsMeltInsteadOfGrowing() {
        Quota small = new Quota(1000, 128, 10, 1024, 2048, 2048, 5, 20, 2000);
        Xenstore tight = new Xenstore(small);
        tight.mkdir("/all");
        tight.setPerms("/all", Permissions.of("r0"));
        GuestClient deaf = GuestClient.of(tight, 9);
        deaf.watch("/all", "a");
        deaf.watch("/", "b");
        deaf.events();
        for (int i = 0; i < 10_000; i++) {
            tight.write("/all/" + i, "");
        }
        List<String> events = deaf.events();
        assertThat(events).hasSizeLessThan(20).contains("/all/0|a", "/all|a", "/|b");
        tight.write("/all/0", "and listening again it hears all");
        assertThat(deaf.events()).containsExactly("/all/0|a", "/all/0|b");
    }

    @Test
    void anEventThatIsWaitingAlreadyIsNotQueuedAgain() {
        guest.watch("data", "t");
        guest.events();
        for (int i = 0; i < 100; i++) {
            store.write(DATA + "/x", "" + i);
        }
        assertThat(guest.events()).containsExactly("data/x|t");
    }

    @Test
    void aConnectionWithManyUnreadRepliesAcceptsNoRequests() {
        XenstoreConnection connection = guest.connection();
        byte[] request = new Message(2, 1, 0, Message.strings("data")).toBytes();
        int sent = 0;
        while (connection.acceptsRequests()) {
            connection.feed(request, 0, request.length);
            sent++;
        }
        assertThat(sent).isEqualTo(Quota.DEFAULT.outstanding());
        guest.fetchAll();
        assertThat(connection.acceptsRequests()).isTrue();
    }

    @Test
    void aQuotaOfOneGuestDoesNotTouchAnother() {
        store.mkdir("/local/domain/2/data");
        store.setPerms("/local/domain/2/data", Permissions.of("n2"));
        List<String> refused = new ArrayList<>();
        for (int i = 0; i < 1100; i++) {
            refused.add(guest.mkdir("data/" + i));
        }
        assertThat(refused).contains("ENOSPC");
        assertThat(GuestClient.of(store, 2).mkdir("data/x")).isEqualTo("OK");
    }
}
