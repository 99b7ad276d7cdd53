package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.management.ManagementFactory;

class NodesAndPermissionsTest {
    private final Xenstore store = new Xenstore();
    private GuestClient guest;

    @BeforeEach
    void guestOneOwnsItsDataDirectory() {
        store.mkdir("/local/domain/1");
        store.setPerms("/local/domain/1", Permissions.of("n0", "r1"));
        store.mkdir("/local/domain/1/data");
        store.setPerms("/local/domain/1/data", Permissions.of("n1"));
        guest = GuestClient.of(store, 1);
    }

    // ---- reading and writing

    @Test
    void writeCreatesMissingParentsWithEmptyValues() {
        assertThat(guest.write("data/a/b", "v")).isEqualTo("OK");
        assertThat(guest.read("data/a")).isEmpty();
        assertThat(guest.read("data/a/b")).isEqualTo("v");
        assertThat(guest.read("/local/domain/1/data/a/b")).isEqualTo("v");
    }

    @Test
    void valuesAreBytesAndMayContainZeros() {
        guest.write("data/x", "a\0b\0");
        assertThat(store.readBytes("/local/domain/1/data/x")).contains(new byte[] {'a', 0, 'b', 0});
    }

    @Test
    void childrenAreListedInTheOrderOfTheirCreation() {
        guest.write("data/z", "");
        guest.write("data/a", "");
        guest.write("data/z", "again");
        assertThat(guest.list("data")).isEqualTo("z|a");
        assertThat(guest.list("data/z")).isEmpty();
    }

    @Test
    void mkdirLeavesAnExistingNodeAsItIs() {
        guest.write("data/x", "v");
        assertThat(guest.mkdir("data/x")).isEqualTo("OK");
        assertThat(guest.read("data/x")).isEqualTo("v");
        assertThat(guest.mkdir("data/p/q")).isEqualTo("OK");
        assertThat(guest.list("data/p")).isEqualTo("q");
    }

    @Test
    void rmTakesEverythingBelow() {
        guest.write("data/a/b/c", "v");
        assertThat(guest.rm("data/a")).isEqualTo("OK");
        assertThat(guest.read("data/a/b/c")).isEqualTo("ENOENT");
        assertThat(guest.list("data")).isEmpty();
    }

    @Test
    void rmOfAMissingNodeIsFineWhenItsParentExistsAndElseENOENT() {
        assertThat(guest.rm("data/none")).isEqualTo("OK");
        assertThat(guest.rm("data/none/none")).isEqualTo("ENOENT");
    }

    @Test
    void theRootCannotBeRemoved() {
        assertThatThrownBy(() -> store.rm("/"))
                .isInstanceOfSatisfying(
                        XenstoreException.class,
                        e -> assertThat(e.error()).isEqualTo(XenstoreError.EINVAL));
        assertThat(guest.rm("/")).isEqualTo("EINVAL");
    }

    @Test
    void missingNodesAreENOENT() {
        assertThat(guest.read("data/none")).isEqualTo("ENOENT");
        assertThat(guest.list("data/none")).isEqualTo("ENOENT");
        assertThat(guest.ask(MessageType.GET_PERMS, "data/none")).isEqualTo("ENOENT");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "data/", "data//x", "/data/", "//", "data/a b", "data/\u00e4", "a:b"})
    void malformedPathsAreEINVAL(String path) {
        assertThat(guest.read(path)).isEqualTo("EINVAL");
        assertThat(guest.write(path, "v")).isEqualTo("EINVAL");
        assertThat(guest.watch(path, "t")).isEqualTo("EINVAL");
    }

    @Test
    void aListTooLongForOneReplyIsE2BIGAndComesInParts() {
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 400; i++) {
            String name = "a-rather-long-name-" + i;
            store.write("/local/domain/1/data/" + name, "");
            expected.append(name).append('|');
        }
        assertThat(guest.list("data")).isEqualTo("E2BIG");

        StringBuilder joined = new StringBuilder();
        String generation = null;
        boolean ended = false;
        while (!ended) {
            String part = guest.ask(MessageType.DIRECTORY_PART, "data", "" + joined.length()) + "|";
            int bar = part.indexOf('|');
            if (generation != null) {
                assertThat(part.substring(0, bar)).isEqualTo(generation);
            }
            generation = part.substring(0, bar);
            part = part.substring(bar + 1);
            ended = part.endsWith("||") || part.equals("|");
            joined.append(ended ? part.substring(0, part.length() - 1) : part);
        }
        assertThat(joined).hasToString(expected.toString());
    }

    @Test
    void theLongestListThatFitsIntoOneReplyComesInOne() {
        store.write("/local/domain/1/data/" + "a".repeat(2047), "");
        store.write("/local/domain/1/data/" + "b".repeat(2047), "");
        assertThat(guest.list("data")).hasSize(4095).startsWith("aa").endsWith("bb");
        store.write("/local/domain/1/data/c", "");
        assertThat(guest.list("data")).isEqualTo("E2BIG");
    }

    /** It asks under the lock for which all guests wait. */
    @Test
    void aMegabyteOfNamesIsNotGatheredForAReplyThatCannotHoldIt() {
        for (int i = 0; i < 500; i++) {
            store.write("/local/domain/1/data/" + "n".repeat(2000) + i, "");
        }
        ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = thread.getCurrentThreadAllocatedBytes();
        assertThat(guest.list("data")).isEqualTo("E2BIG");
        assertThat(guest.ask(MessageType.DIRECTORY_PART, "data", "0")).endsWith("n1");
        assertThat(thread.getCurrentThreadAllocatedBytes() - before).isLessThan(500_000);
    }

    @Test
    void directoryPartBehindTheEndIsAnEmptyListAndTheGenerationMovesWithTheNode() {
        guest.write("data/x", "");
        String before = guest.ask(MessageType.DIRECTORY_PART, "data", "9999");
        assertThat(before).endsWith("|");
        guest.write("data/x", "a change inside a child is not one of the list");
        assertThat(guest.ask(MessageType.DIRECTORY_PART, "data", "9999")).isEqualTo(before);
        guest.write("data/y", "");
        assertThat(guest.ask(MessageType.DIRECTORY_PART, "data", "9999")).isNotEqualTo(before);
        assertThat(guest.ask(MessageType.DIRECTORY_PART, "data", "x")).isEqualTo("EINVAL");
        assertThat(guest.ask(MessageType.DIRECTORY_PART, "data", "-5")).contains("x|y");
    }

    // ---- permissions

    @Test
    void aGuestMayReadItsHomeButNotWriteIt() {
        store.write("/local/domain/1/name", "guest");
        assertThat(guest.read("name")).isEqualTo("guest");
        assertThat(guest.write("name", "other")).isEqualTo("EACCES");
        assertThat(guest.write("new", "v")).isEqualTo("EACCES");
        assertThat(guest.mkdir("new")).isEqualTo("EACCES");
        assertThat(guest.rm("name")).isEqualTo("EACCES");
        assertThat(store.read("/local/domain/1/name")).contains("guest");
    }

    @Test
    void aGuestLearnsNothingAboutNodesItMayNotRead() {
        store.write("/local/domain/2/secret", "s");
        assertThat(guest.read("/local/domain/2/secret")).isEqualTo("EACCES");
        assertThat(guest.read("/local/domain/2/missing")).isEqualTo("EACCES");
        assertThat(guest.list("/")).isEqualTo("EACCES");
    }

    @Test
    void listedDomainsGetTheirLetterAndOthersTheDefault() {
        store.write("/shared", "v");
        store.setPerms("/shared", Permissions.of("r0", "w1", "b2", "n3"));
        GuestClient two = GuestClient.of(store, 2);
        GuestClient three = GuestClient.of(store, 3);
        GuestClient four = GuestClient.of(store, 4);
        assertThat(guest.read("/shared")).isEqualTo("EACCES");
        assertThat(guest.write("/shared", "one")).isEqualTo("OK");
        assertThat(two.read("/shared")).isEqualTo("one");
        assertThat(two.write("/shared", "two")).isEqualTo("OK");
        assertThat(three.read("/shared")).isEqualTo("EACCES");
        assertThat(four.read("/shared")).isEqualTo("two");
        assertThat(four.write("/shared", "four")).isEqualTo("EACCES");
    }

    @Test
    void aNewNodeInheritsItsParentsPermissionsButBelongsToItsCreator() {
        store.mkdir("/shared");
        store.setPerms("/shared", Permissions.of("n0", "b1", "r2"));
        guest.write("/shared/a/b", "v");
        assertThat(guest.ask(MessageType.GET_PERMS, "/shared/a/b")).isEqualTo("n1|b1|r2");
        store.write("/shared/a/c", "v");
        assertThat(store.perms("/shared/a/c"))
                .as("domain 0 creates on behalf of the parent's owner")
                .isEqualTo(Permissions.of("n1", "b1", "r2"));
    }

    @Test
    void theOwnerMayChangePermissionsButNotTheOwner() {
        guest.write("data/x", "v");
        assertThat(guest.ask(MessageType.SET_PERMS, "data/x", "n1", "r7")).isEqualTo("OK");
        assertThat(guest.ask(MessageType.GET_PERMS, "data/x")).isEqualTo("n1|r7");
        assertThat(guest.ask(MessageType.SET_PERMS, "data/x", "n2")).isEqualTo("EPERM");
    }

    @Test
    void writeAccessIsNotEnoughToChangePermissions() {
        store.write("/shared", "v");
        store.setPerms("/shared", Permissions.of("b0"));
        assertThat(guest.ask(MessageType.SET_PERMS, "/shared", "b1")).isEqualTo("EACCES");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "n", "x1", "r-1", "r1x", "r65536", "r4294967297", "1"})
    void malformedPermissionsAreEINVAL(String permission) {
        assertThat(guest.ask(MessageType.SET_PERMS, "data", permission)).isEqualTo("EINVAL");
        assertThat(guest.ask(MessageType.SET_PERMS, "data", "n1", permission)).isEqualTo("EINVAL");
        assertThat(store.perms("/local/domain/1/data")).isEqualTo(Permissions.of("n1"));
    }

    @Test
    void permissionsWithoutAnyEntryAreEINVAL() {
        assertThat(guest.ask(MessageType.SET_PERMS, "data")).isEqualTo("EINVAL");
    }

    // ---- the rest of the protocol

    @Test
    void domainPathAndIntroductionAreAnsweredToAnyone() {
        assertThat(guest.ask(MessageType.GET_DOMAIN_PATH, "7")).isEqualTo("/local/domain/7");
        assertThat(guest.ask(MessageType.IS_DOMAIN_INTRODUCED, "1")).isEqualTo("T");
        assertThat(guest.ask(MessageType.IS_DOMAIN_INTRODUCED, "7")).isEqualTo("F");
        assertThat(guest.ask(MessageType.GET_DOMAIN_PATH, "x")).isEqualTo("EINVAL");
    }

    @Test
    void whatBelongsToDomainZeroIsEACCES() {
        assertThat(guest.ask(MessageType.INTRODUCE, "1", "2", "3")).isEqualTo("EACCES");
        assertThat(guest.ask(MessageType.RELEASE, "2")).isEqualTo("EACCES");
        assertThat(guest.ask(MessageType.RESUME, "2")).isEqualTo("EACCES");
        assertThat(guest.ask(MessageType.SET_TARGET, "1", "2")).isEqualTo("EACCES");
        assertThat(guest.ask(MessageType.CONTROL, "check")).isEqualTo("EACCES");
    }

    @Test
    void theHostReadsNothingWhereThereIsNoNode() {
        assertThat(store.read("/nowhere")).isEmpty();
        assertThat(store.list("/nowhere")).isEmpty();
        store.rm("/nowhere/at/all");
        assertThatThrownBy(() -> store.perms("/nowhere")).isInstanceOf(XenstoreException.class);
        assertThatThrownBy(() -> store.read("relative")).isInstanceOf(XenstoreException.class);
    }

    @Test
    void theDumpShowsEveryNodeOnALineWithUnprintableBytesEscaped() {
        Xenstore small = new Xenstore();
        small.write("/a/b", "say \"hi\"\n");
        assertThat(small.dump()).isEqualTo("/a = \"\"\n/a/b = \"say \\x22hi\\x22\\x0a\"\n");
    }
}
