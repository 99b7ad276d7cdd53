package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConcurrentDomainsTest {
    private static final int DOMAINS = 6;
    private static final int ROUNDS = 200;

    private final Xenstore store = new Xenstore();

    private void onAllDomains(DomainWork work) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(DOMAINS)) {
            List<Future<?>> running = new ArrayList<>();
            for (int domid = 1; domid <= DOMAINS; domid++) {
                int id = domid;
                GuestClient guest = GuestClient.of(store, id);
                running.add(
                        threads.submit(
                                () -> {
                                    work.run(id, guest);
                                    return null;
                                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        }
    }

    @FunctionalInterface
    private interface DomainWork {
        void run(int domid, GuestClient guest);
    }

    @Test
    void everyIncrementInARetriedTransactionCounts() throws Exception {
        store.write("/count", "0");
        store.setPerms("/count", Permissions.of("b0"));
        onAllDomains(
                (_, guest) -> {
                    for (int i = 0; i < ROUNDS; i++) {
                        String verdict;
                        do {
                            guest.begin();
                            int count = Integer.parseInt(guest.read("/count"));
                            guest.write("/count", "" + (count + 1));
                            verdict = guest.end(true);
                        } while (verdict.equals("EAGAIN"));
                        assertThat(verdict).isEqualTo("OK");
                    }
                });
        assertThat(store.read("/count")).contains("" + DOMAINS * ROUNDS);
    }

    @Test
    void listenersAreCalledOneAtATimeAndHearTheLastChange() throws Exception {
        AtomicBoolean inside = new AtomicBoolean();
        AtomicInteger overlaps = new AtomicInteger();
        Set<String> lastSeen = new HashSet<>();
        store.mkdir("/all");
        store.setPerms("/all", Permissions.of("b0"));
        store.watch(
                "/all",
                path -> {
                    if (!inside.compareAndSet(false, true)) {
                        overlaps.incrementAndGet();
                    }
                    if (store.read(path).orElse("").equals("last")) {
                        lastSeen.add(path);
                    }
                    inside.set(false);
                });
        onAllDomains(
                (domid, guest) -> {
                    for (int i = 0; i < ROUNDS; i++) {
                        guest.write("/all/" + domid, "" + i);
                    }
                    guest.write("/all/" + domid, "last");
                });
        assertThat(overlaps).hasValue(0);
        assertThat(lastSeen).hasSize(DOMAINS);
    }

    @Test
    void aGuestHearsOfEveryOtherGuestsLastChange() throws Exception {
        store.mkdir("/all");
        store.setPerms("/all", Permissions.of("b0"));
        AtomicInteger attention = new AtomicInteger();
        GuestClient listener = new GuestClient(store.introduce(100, attention::incrementAndGet));
        listener.watch("/all", "t");
        listener.events();
        onAllDomains(
                (domid, guest) -> {
                    for (int i = 0; i < ROUNDS; i++) {
                        guest.write("/all/" + domid + "/" + i, "v");
                    }
                });
        assertThat(listener.events()).hasSize(DOMAINS * ROUNDS);
        assertThat(attention.get()).isPositive();
    }

    @Test
    void domainsComeAndGoWhileOthersWork() throws Exception {
        store.mkdir("/all");
        store.setPerms("/all", Permissions.of("b0"));
        onAllDomains(
                (domid, guest) -> {
                    for (int i = 0; i < 50; i++) {
                        int other = 1000 * domid + i;
                        GuestClient shortLived = GuestClient.of(store, other);
                        assertThat(shortLived.watch("/all", "t")).isEqualTo("OK");
                        guest.write("/all/" + domid, "" + i);
                        assertThat(shortLived.events()).contains("/all/" + domid + "|t");
                        store.release(other);
                    }
                });
        assertThat(store.list("/all")).hasSize(DOMAINS);
    }
}
