package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.xenolith.core.xenstore.ConnectionState.SavedWatch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A domain saved in one store and restored in another goes on as if nothing had happened. */
class SavedDomainTest {
    private static final String HOME = "/local/domain/1";

    private final Xenstore here = new Xenstore();
    private final Xenstore there = new Xenstore();
    private final GuestClient guest = guestOneOwnsItsDataDirectory();

    private GuestClient guestOneOwnsItsDataDirectory() {
        here.mkdir(HOME + "/data");
        here.setPerms(HOME, Permissions.of("n0", "r1"));
        here.setPerms(HOME + "/data", Permissions.of("n1"));
        return GuestClient.of(here, 1);
    }

    private GuestClient move() {
        there.restore(here.save(HOME));
        return new GuestClient(there.introduce(1, () -> {}, guest.connection().save()));
    }

    @Test
    void nodesComeWithTheirValuesAndPermissions() {
        guest.write("data/a/b", "v");
        guest.ask(MessageType.SET_PERMS, "data/a", "n1", "r5");
        assertThat(here.save("/nowhere")).isEmpty();
        GuestClient moved = move();
        assertThat(there.dump()).isEqualTo(here.dump());
        assertThat(there.perms(HOME + "/data/a")).isEqualTo(Permissions.of("n1", "r5"));
        assertThat(moved.write("data/a/b", "w")).isEqualTo("OK");
        assertThat(moved.write("new", "w")).isEqualTo("EACCES");
    }

    @Test
    void watchesGoOnWithoutFiringAnew() {
        guest.watch("data", "t");
        guest.watch(HOME + "/data", "u");
        guest.events();
        GuestClient moved = move();
        assertThat(moved.events()).isEmpty();
        assertThat(moved.watch("data", "t")).isEqualTo("EEXIST");
        moved.write("data/x", "v");
        assertThat(moved.events()).containsExactlyInAnyOrder("data/x|t", HOME + "/data/x|u");
    }

    @Test
    void repliesAndEventsNotYetFetchedAreNotLostNorCutWrong() {
        guest.watch("data", "t");
        guest.events();
        byte[] request = new Message(2, 77, 0, Message.strings("data")).toBytes();
        guest.connection().feed(request, 0, request.length);
        here.write(HOME + "/data", "v");
        guest.connection().feed(request, 0, request.length);
        byte[] begun = new byte[5];
        assertThat(guest.connection().fetch(begun, 0, 5)).isEqualTo(5);

        XenstoreConnection moved = move().connection();
        byte[] all = new byte[1000];
        System.arraycopy(begun, 0, all, 0, 5);
        int length = 5 + moved.fetch(all, 5, all.length - 5);
        List<String> texts = new ArrayList<>();
        GuestClient.parse(Arrays.copyOf(all, length))
                .forEach(message -> texts.add(GuestClient.text(message)));
        assertThat(texts).containsExactly("", "data|t", "v");
    }

    @Test
    void aRequestMayBeCutAnywhereByTheMove() {
        byte[] request =
                new Message(11, 1, 0, "data/x\0value".getBytes(StandardCharsets.US_ASCII))
                        .toBytes();
        for (int cut = 0; cut < request.length; cut++) {
            Xenstore target = new Xenstore();
            XenstoreConnection first = new Xenstore().introduce(1, () -> {});
            first.feed(request, 0, cut);
            target.restore(here.save(HOME));
            XenstoreConnection second = target.introduce(1, () -> {}, first.save());
            second.feed(request, cut, request.length - cut);
            assertThat(target.read(HOME + "/data/x")).as("cut at %d", cut).contains("value");
        }
    }

    @Test
    void anOpenTransactionEndsWithEAGAINAndItsIdIsNotGivenAgain() {
        int tx = Integer.parseInt(guest.begin());
        guest.write("data/x", "v");
        GuestClient moved = move();
        assertThat(Integer.parseInt(moved.begin())).isNotEqualTo(tx);
        moved.end(false);
        moved.use(tx);
        assertThat(moved.write("data/y", "w")).isEqualTo("OK");
        assertThat(moved.end(true)).isEqualTo("EAGAIN");
        assertThat(moved.list("data")).isEmpty();
        assertThat(guest.end(true)).as("the original is not disturbed").isEqualTo("OK");
        assertThat(guest.list("data")).isEqualTo("x");
    }

    private static ConnectionState state(List<SavedWatch> watches, Integer... transactions) {
        return new ConnectionState(new byte[0], new byte[0], watches, List.of(transactions), 5);
    }

    private void isRefused(ConnectionState forged, XenstoreError why) {
        assertThatThrownBy(() -> there.introduce(1, () -> {}, forged))
                .isInstanceOfSatisfying(
                        XenstoreException.class,
                        refused -> assertThat(refused.error()).isEqualTo(why));
    }

    /** Each change of a node that all of them are on would cost the host as many events. */
    @Test
    void moreWatchesThanAGuestMayRegisterAreRefused() {
        List<SavedWatch> watches = new ArrayList<>();
        for (int i = 0; i < Quota.DEFAULT.watches(); i++) {
            watches.add(new SavedWatch("data", "t" + i));
        }
        new Xenstore().introduce(1, () -> {}, state(watches));
        watches.add(new SavedWatch("data", "one more"));
        isRefused(state(watches), XenstoreError.E2BIG);
    }

    @Test
    void watchThatIsRegisteredTwiceIsRefused() {
        SavedWatch watch = new SavedWatch("data", "t");
        isRefused(state(List.of(watch, watch)), XenstoreError.EEXIST);
    }

    @Test
    void moreTransactionsThanAGuestMayHaveOpenAreRefused() {
        new Xenstore().introduce(1, () -> {}, state(List.of(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
        isRefused(state(List.of(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), XenstoreError.ENOSPC);
    }

    @Test
    void transactionsWithoutANumberOfTheirOwnAreRefused() {
        isRefused(state(List.of(), 3, 3), XenstoreError.EINVAL);
    }

    @Test
    void transactionWithTheNumberForNoneIsRefused() {
        isRefused(state(List.of(), 0), XenstoreError.EINVAL);
    }
}
