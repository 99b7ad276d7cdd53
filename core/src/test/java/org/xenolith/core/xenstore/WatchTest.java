package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class WatchTest {
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
    void aNewWatchFiresOnceAtOnceAndAfterItsReply() {
        byte[] request =
                new Message(MessageType.WATCH.code(), 7, 0, Message.strings("data/none", "tok"))
                        .toBytes();
        guest.connection().feed(request, 0, request.length);
        assertThat(guest.fetchAll())
                .extracting(GuestClient::text)
                .containsExactly("OK", "data/none|tok");
    }

    @Test
    void hostKnowsWhetherADomainHearsOfANode() {
        String target = "/local/domain/1/memory/target";
        GuestClient.of(store, 2).watch(target, "another's");
        guest.watch("memory/targets", "another node");
        assertThat(store.isWatched(1, target)).isFalse();
        guest.watch("memory", "t");
        assertThat(store.isWatched(1, target)).isTrue();
        assertThat(store.isWatched(3, target)).as("a domain that is not there").isFalse();
    }

    @Test
    void anEventHasNoRequestAndNoTransaction() {
        store.write(DATA, "");
        guest.watch("data", "t");
        guest.events();
        store.write(DATA, "x");
        assertThat(guest.fetchAll())
                .singleElement()
                .satisfies(
                        event -> {
                            assertThat(event.type()).isEqualTo(15);
                            assertThat(event.requestId()).isZero();
                            assertThat(event.transactionId()).isZero();
                        });
    }

    @Test
    void theSameWatchTwiceIsEEXISTButAnotherTokenIsAnotherWatch() {
        assertThat(guest.watch("data", "t")).isEqualTo("OK");
        assertThat(guest.watch("data", "t")).isEqualTo("EEXIST");
        assertThat(guest.watch(DATA, "t")).as("the same node spelled out").isEqualTo("EEXIST");
        assertThat(guest.watch("data", "u")).isEqualTo("OK");
        guest.events();
        guest.write("data/x", "");
        assertThat(guest.events()).containsExactly("data/x|t", "data/x|u");
    }

    @Test
    void watchFiresForTheNodeAndEverythingBelow() {
        guest.watch("data", "t");
        guest.events();
        guest.write("data", "v");
        guest.write("data/a/b", "v");
        guest.write("data/a", "v");
        assertThat(guest.events()).containsExactly("data|t", "data/a/b|t", "data/a|t");
    }

    @Test
    void watchDoesNotFireForWhatIsAboveOrBeside() {
        guest.write("data/a", "");
        guest.write("data/ab", "");
        guest.watch("data/a", "t");
        guest.events();
        guest.write("data/ab", "v");
        guest.write("data", "v");
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void eventsAreSpelledAsTheWatchWas() {
        guest.watch("data", "relative");
        guest.watch(DATA, "unused");
        assertThat(guest.ask(MessageType.UNWATCH, "data", "unused"))
                .as("named by node, however spelled")
                .isEqualTo("OK");
        guest.watch(DATA, "absolute");
        guest.events();
        guest.write("data/x", "v");
        assertThat(guest.events()).containsExactly("data/x|relative", DATA + "/x|absolute");
    }

    @Test
    void removalOfAnAncestorFiresTheWatchesOnWhatWentWithIt() {
        guest.write("data/a/b", "v");
        guest.watch("data/a/b", "below");
        guest.watch("data", "above");
        guest.watch("data/a/never", "beside");
        guest.events();
        guest.rm("data/a");
        assertThat(guest.events()).containsExactlyInAnyOrder("data/a|above", "data/a/b|below");
    }

    @Test
    void removalOfNothingAndMkdirOfSomethingFireNothing() {
        guest.watch("data", "t");
        guest.events();
        guest.rm("data/none");
        guest.mkdir("data");
        assertThat(guest.events()).isEmpty();
        guest.mkdir("data/d");
        assertThat(guest.events()).containsExactly("data/d|t");
    }

    @Test
    void changedPermissionsFire() {
        guest.watch("data", "t");
        guest.events();
        guest.ask(MessageType.SET_PERMS, "data", "r1");
        assertThat(guest.events()).containsExactly("data|t");
    }

    @Test
    void unwatchEndsTheEventsAndOfNothingIsENOENT() {
        guest.watch("data", "t");
        assertThat(guest.ask(MessageType.UNWATCH, "data", "other")).isEqualTo("ENOENT");
        assertThat(guest.ask(MessageType.UNWATCH, "data", "t")).isEqualTo("OK");
        assertThat(guest.ask(MessageType.UNWATCH, "data", "t")).isEqualTo("ENOENT");
        guest.events();
        guest.write("data/x", "v");
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void resetWatchesDropsWatchesAndTransactions() {
        guest.watch("data", "t");
        int tx = Integer.parseInt(guest.begin());
        assertThat(guest.ask(MessageType.RESET_WATCHES, "")).isEqualTo("OK");
        guest.use(tx);
        assertThat(guest.read("data")).isEqualTo("ENOENT");
        guest.use(0);
        guest.events();
        store.write(DATA + "/x", "v");
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void aGuestHearsNothingOfNodesItMayNotRead() {
        store.write("/local/domain/2/data/x", "v");
        guest.watch("/local/domain/2", "spy");
        guest.watch("/", "all");
        guest.events();
        store.write("/local/domain/2/data/x", "w");
        store.rm("/local/domain/2/data");
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void aGuestHearsThatANodeItCouldReadIsGone() {
        store.write("/local/domain/2/for-one", "v");
        store.setPerms("/local/domain/2/for-one", Permissions.of("n0", "r1"));
        guest.watch("/local/domain/2/for-one", "t");
        guest.events();
        store.rm("/local/domain/2");
        assertThat(guest.events()).containsExactly("/local/domain/2/for-one|t");
    }

    @Test
    void watchOnTheRootHearsEverythingReadable() {
        guest.watch("/", "t");
        guest.events();
        guest.write("data/x", "v");
        assertThat(guest.events()).containsExactly(DATA + "/x|t");
    }

    @Test
    void specialWatchesFireForTheHostAndNotForGuests() {
        List<String> heard = new ArrayList<>();
        store.watch("@introduceDomain", heard::add);
        store.watch("@releaseDomain", heard::add);
        assertThat(guest.watch("@releaseDomain", "t")).isEqualTo("OK");
        assertThat(guest.events()).containsExactly("@releaseDomain|t");
        heard.clear();
        GuestClient.of(store, 2);
        assertThat(heard).containsExactly("@introduceDomain");
        store.release(2);
        assertThat(heard).containsExactly("@introduceDomain", "@releaseDomain");
        store.release(2);
        assertThat(heard).as("released once").hasSize(2);
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void aReleasedDomainsWatchesAreGone() {
        guest.watch("data", "t");
        guest.events();
        store.release(1);
        store.write(DATA, "v");
        assertThat(guest.events()).isEmpty();
        assertThat(guest.connection().hasOutput()).isFalse();
        assertThat(guest.askRaw(2, Message.strings("data"))).as("and it is not served").isNull();
    }

    @Test
    void eventsCallForAttentionAndRepliesDoNot() {
        AtomicInteger calls = new AtomicInteger();
        store.mkdir("/two");
        store.setPerms("/two", Permissions.of("r0"));
        GuestClient two = new GuestClient(store.introduce(2, calls::incrementAndGet));
        two.read("/two");
        assertThat(calls).hasValue(0);
        two.watch("/two", "t");
        calls.set(0);
        store.write("/two", "v");
        assertThat(calls).hasValue(1);
    }

    // ---- the host's side

    @Test
    void theHostHearsOfAGuestsWriteByPath() {
        List<String> heard = new ArrayList<>();
        HostWatch watch = store.watch(DATA, heard::add);
        assertThat(heard).containsExactly(DATA);
        guest.write("data/state", "4");
        assertThat(heard).containsExactly(DATA, DATA + "/state");
        watch.close();
        watch.close();
        guest.write("data/state", "5");
        assertThat(heard).hasSize(2);
    }

    @Test
    void aListenerMayWriteToTheStoreAndHearsOfItAfterwards() {
        List<String> order = new ArrayList<>();
        store.watch(
                "/count",
                path -> {
                    order.add("begin");
                    int count = store.read("/count").map(Integer::parseInt).orElse(0);
                    if (count < 3) {
                        store.write("/count", "" + (count + 1));
                    }
                    order.add("end");
                });
        assertThat(store.read("/count")).contains("3");
        assertThat(order)
                .as("never nested")
                .containsExactly("begin", "end", "begin", "end", "begin", "end", "begin", "end");
    }

    @Test
    void aListenerThatThrowsIsReportedAndHarmsNobody() {
        List<String> heard = new ArrayList<>();
        List<Throwable> reported = new ArrayList<>();
        Thread thread = Thread.currentThread();
        thread.setUncaughtExceptionHandler((_, thrown) -> reported.add(thrown));
        try {
            store.watch("/x", WatchTest::fail);
            store.watch("/x", heard::add);
            store.write("/x", "v");
        } finally {
            thread.setUncaughtExceptionHandler(null);
        }
        assertThat(heard).containsExactly("/x", "/x");
        assertThat(reported).hasSize(2).allSatisfy(bug -> assertThat(bug).hasMessage("/x"));
    }

    private static void fail(String path) {
        throw new IllegalArgumentException(path);
    }
}
