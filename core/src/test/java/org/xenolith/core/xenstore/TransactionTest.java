package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

class TransactionTest {
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
    void changesAreSeenInsideAtOnceAndOutsideAfterTheCommit() {
        assertThat(guest.begin()).isNotEqualTo("0");
        guest.write("data/x", "v");
        assertThat(guest.read("data/x")).isEqualTo("v");
        assertThat(store.read(DATA + "/x")).isEmpty();
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(store.read(DATA + "/x")).contains("v");
    }

    @Test
    void anAbortedTransactionChangesNothing() {
        guest.begin();
        guest.write("data/x", "v");
        guest.rm("data");
        assertThat(guest.end(false)).isEqualTo("OK");
        assertThat(guest.list("data")).isEmpty();
    }

    @Test
    void theTransactionSeesTheStoreAsItWasAtItsStart() {
        store.write(DATA + "/x", "old");
        guest.begin();
        store.write(DATA + "/x", "new");
        assertThat(guest.read("data/x")).isEqualTo("old");
        assertThat(guest.end(true)).as("and cannot commit what depends on it").isEqualTo("EAGAIN");
    }

    @Test
    void aNodeReadAndChangedByAnotherConflictsAndTheRetrySucceeds() {
        store.write(DATA + "/count", "1");
        guest.begin();
        guest.read("data/count");
        guest.write("data/copy", "1");
        store.write(DATA + "/count", "2");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(guest.read("data/copy")).isEqualTo("ENOENT");

        guest.begin();
        guest.write("data/copy", guest.read("data/count"));
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(guest.read("data/copy")).isEqualTo("2");
    }

    @Test
    void aNodeWrittenByBothConflicts() {
        guest.begin();
        guest.write("data", "mine");
        store.write(DATA, "theirs");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(store.read(DATA)).contains("theirs");
    }

    @Test
    void changesOfOtherNodesDoNotConflictAndBothStay() {
        store.write(DATA + "/mine", "");
        store.write(DATA + "/theirs", "");
        guest.begin();
        guest.write("data/mine", "m");
        store.write(DATA + "/theirs", "t");
        store.write("/elsewhere/new", "e");
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(store.read(DATA + "/mine")).contains("m");
        assertThat(store.read(DATA + "/theirs")).contains("t");
        assertThat(store.read("/elsewhere/new")).contains("e");
    }

    @Test
    void anAbsentNodeThatWasLookedForAndThenCameConflicts() {
        guest.begin();
        assertThat(guest.read("data/x")).isEqualTo("ENOENT");
        guest.write("data", "no x");
        store.write(DATA + "/x", "v");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
    }

    @Test
    void aListReadAndThenExtendedConflicts() {
        guest.begin();
        guest.list("data");
        store.write(DATA + "/x", "v");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
    }

    @Test
    void aNodeCreatedUnderAParentThatWentMeanwhileConflicts() {
        store.mkdir(DATA + "/parent");
        guest.begin();
        guest.write("data/parent/x", "v");
        store.rm(DATA + "/parent");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(guest.list("data")).isEmpty();
    }

    @Test
    void newAndRemovedChildrenChangeTheirParentSoThatBothSidesConflict() {
        store.mkdir(DATA + "/old");
        guest.begin();
        guest.write("data/new", "v");
        store.mkdir(DATA + "/other");
        assertThat(guest.end(true)).as("two new children").isEqualTo("EAGAIN");
        guest.begin();
        guest.rm("data/old");
        store.rm(DATA + "/other");
        assertThat(guest.end(true)).as("two removed children").isEqualTo("EAGAIN");
    }

    @Test
    void aSubtreeRemovedInsideAndChangedOutsideConflicts() {
        store.write(DATA + "/a/b", "v");
        guest.begin();
        guest.rm("data/a");
        store.write(DATA + "/a/b", "w");
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(store.read(DATA + "/a/b")).contains("w");
    }

    @Test
    void removedAndWrittenAgainNodesAreMergedWithChangesElsewhere() {
        store.write(DATA + "/a/b", "old");
        store.write(DATA + "/a/c", "old");
        guest.begin();
        guest.rm("data/a");
        guest.write("data/a/b", "new");
        store.write("/elsewhere", "forces the merge");
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(guest.list("data/a")).isEqualTo("b");
        assertThat(guest.read("data/a/b")).isEqualTo("new");
    }

    @Test
    void watchesFireOnceANodeAfterTheCommitOnly() {
        guest.watch("data", "t");
        guest.events();
        guest.begin();
        guest.write("data/x", "1");
        guest.write("data/x", "2");
        guest.write("data/y/z", "3");
        assertThat(guest.events()).isEmpty();
        guest.end(true);
        assertThat(guest.events()).containsExactly("data/x|t", "data/y/z|t");
    }

    @Test
    void neitherAbortNorConflictFires() {
        guest.watch("data", "t");
        guest.events();
        guest.begin();
        guest.write("data/x", "1");
        guest.end(false);
        guest.begin();
        guest.write("data", "1");
        store.setPerms(DATA, Permissions.of("n1"));
        guest.events();
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(guest.events()).isEmpty();
    }

    @Test
    void unknownAndEndedTransactionsAreENOENT() {
        guest.use(12345);
        assertThat(guest.read("data")).isEqualTo("ENOENT");
        assertThat(guest.write("data", "v")).isEqualTo("ENOENT");
        assertThat(guest.ask(MessageType.TRANSACTION_END, "T")).isEqualTo("ENOENT");
        assertThat(guest.ask(MessageType.TRANSACTION_START, "")).isEqualTo("ENOENT");
        guest.use(0);
        assertThat(guest.ask(MessageType.TRANSACTION_END, "T")).isEqualTo("ENOENT");
        int tx = Integer.parseInt(guest.begin());
        guest.end(true);
        guest.use(tx);
        assertThat(guest.read("data")).isEqualTo("ENOENT");
    }

    @Test
    void transactionsOfAnotherGuestAreUnknown() {
        int tx = Integer.parseInt(guest.begin());
        GuestClient two = GuestClient.of(store, 2);
        two.use(tx);
        assertThat(two.ask(MessageType.TRANSACTION_END, "T")).isEqualTo("ENOENT");
    }

    @Test
    void transactionsDoNotNestAndEndWithTOrF() {
        guest.begin();
        assertThat(guest.ask(MessageType.TRANSACTION_START, "")).isEqualTo("EBUSY");
        assertThat(guest.ask(MessageType.TRANSACTION_END, "X")).isEqualTo("EINVAL");
        assertThat(guest.end(true)).as("still open after that").isEqualTo("OK");
    }

    @Test
    void watchesIgnoreTheTransactionTheyAreSentIn() {
        guest.use(777);
        assertThat(guest.watch("data", "t")).isEqualTo("OK");
        assertThat(guest.ask(MessageType.UNWATCH, "data", "t")).isEqualTo("OK");
        assertThat(guest.ask(MessageType.GET_DOMAIN_PATH, "1")).isEqualTo("/local/domain/1");
    }

    @Test
    void permissionsHoldInsideATransaction() {
        guest.begin();
        assertThat(guest.write("/local/x", "v")).isEqualTo("EACCES");
        assertThat(guest.end(true)).isEqualTo("OK");
        assertThat(store.read("/local/x")).isEmpty();
    }

    @Test
    void ofTwoInterleavedTransactionsOnOneNodeTheFirstToEndWins() {
        int first = Integer.parseInt(guest.begin());
        guest.use(0);
        int second = Integer.parseInt(guest.begin());
        assertThat(second).isNotEqualTo(first);
        guest.write("data", "second");
        guest.use(first);
        guest.write("data", "first");
        assertThat(guest.end(true)).isEqualTo("OK");
        guest.use(second);
        assertThat(guest.end(true)).isEqualTo("EAGAIN");
        assertThat(guest.read("data")).isEqualTo("first");
    }

    @Test
    void theHostsUpdateIsRepeatedUntilItDoesNotConflict() {
        store.write("/count", "0");
        List<String> seen = new ArrayList<>();
        store.update(
                access -> {
                    String count = access.read("/count").orElseThrow();
                    seen.add(count);
                    if (seen.size() == 1) {
                        store.write("/count", "10");
                    }
                    access.write("/count", "" + (Integer.parseInt(count) + 1));
                });
        assertThat(seen).containsExactly("0", "10");
        assertThat(store.read("/count")).contains("11");
    }

    @Test
    void aGuestThatAlwaysWritesFirstDoesNotKeepTheHostsUpdateFromItsEnd()
            throws InterruptedException {
        List<Thread> writers = new ArrayList<>();
        store.update(
                access -> {
                    assertThat(writers).as("attempts so far").hasSizeLessThan(100);
                    access.rm(DATA);
                    access.write("/done", "yes");
                    writers.add(startToWrite("" + writers.size()));
                });
        assertThat(store.read("/done")).contains("yes");
        for (Thread writer : writers) {
            writer.join();
        }
    }

    /** The guest's vCPU has written, or waits for the store. */
    private Thread startToWrite(String value) {
        Thread writer = new Thread(() -> guest.write("data", value));
        writer.start();
        while (writer.isAlive() && writer.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
        }
        return writer;
    }

    /** Random operations in transactions with changes between them, against a plain map. */
    @Test
    void committedTransactionsAreAsIfDoneAloneAtTheirEnd() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        TreeMap<String, String> model = new TreeMap<>();
        int committed = 0;
        for (int round = 0; round < 2_000; round++) {
            guest.begin();
            TreeMap<String, String> inside = new TreeMap<>(model);
            for (int i = random.nextInt(4); i >= 0; i--) {
                String path = randomPath(random);
                if (random.nextInt(3) == 0) {
                    boolean parent = !path.contains("/") || inside.containsKey(parentOf(path));
                    assertThat(guest.rm("data/" + path))
                            .as("seed %d round %d rm %s", seed, round, path)
                            .isEqualTo(parent ? "OK" : "ENOENT");
                    remove(inside, path);
                } else {
                    guest.write("data/" + path, "" + round);
                    put(inside, path, "" + round);
                }
            }
            if (random.nextInt(3) == 0) {
                String path = randomPath(random);
                store.write(DATA + "/" + path, "host" + round);
                put(model, path, "host" + round);
                String verdict = guest.end(true);
                if (verdict.equals("OK")) {
                    // No conflict: what both did must be there.
                    put(inside, path, "host" + round);
                    model = inside;
                    committed++;
                } else {
                    assertThat(verdict).as("seed %d round %d", seed, round).isEqualTo("EAGAIN");
                }
            } else {
                assertThat(guest.end(true)).as("seed %d round %d", seed, round).isEqualTo("OK");
                model = inside;
            }
            assertThat(contents()).as("seed %d round %d", seed, round).isEqualTo(model);
        }
        assertThat(committed).as("merges seen, seed %d", seed).isPositive();
    }

    private static String randomPath(Random random) {
        StringBuilder path = new StringBuilder("" + (char) ('a' + random.nextInt(5)));
        while (random.nextInt(3) == 0) {
            path.append('/').append((char) ('a' + random.nextInt(5)));
        }
        return path.toString();
    }

    private static String parentOf(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    private static void put(TreeMap<String, String> model, String path, String value) {
        model.put(path, value);
        for (String up = path; up.contains("/"); ) {
            up = parentOf(up);
            model.putIfAbsent(up, "");
        }
    }

    private static void remove(TreeMap<String, String> model, String path) {
        model.keySet().removeIf(key -> key.equals(path) || key.startsWith(path + "/"));
    }

    private TreeMap<String, String> contents() {
        TreeMap<String, String> contents = new TreeMap<>();
        for (String line : store.dump().split("\n")) {
            int equals = line.indexOf(" = ");
            String path = line.substring(0, equals);
            if (path.startsWith(DATA + "/")) {
                contents.put(
                        path.substring(DATA.length() + 1),
                        line.substring(equals + 4, line.length() - 1));
            }
        }
        return contents;
    }
}
