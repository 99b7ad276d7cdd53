package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.p9.P9Client.Fields;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Clients that want out of the folder, more than their share of the host, or to hold it up. */
@Timeout(60)
class P9EscapeTest {
    private static final int RDONLY = 0, WRONLY = 1;

    @TempDir Path around;
    private Path folder;
    private SharedFolder shared;
    private P9Client client;

    @BeforeEach
    void share() throws IOException {
        folder = Files.createDirectory(around.resolve("shared"));
        Files.writeString(around.resolve("secret"), "secret");
        Files.createDirectory(around.resolve("private"));
        Files.writeString(around.resolve("private/key"), "key");
        shared = SharedFolder.open(folder, false);
        client = new P9Client(shared).begin();
    }

    @AfterEach
    void end() {
        client.close();
        shared.close();
    }

    @Test
    void linkOutOfTheFolderIsALinkAndNothingMore() throws IOException {
        Files.createSymbolicLink(folder.resolve("file"), around.resolve("secret"));
        Files.createSymbolicLink(folder.resolve("dir"), around.resolve("private"));
        int link = client.walk("file");
        assertThat(client.attributes(link).mode() & 0170000).isEqualTo(0120000);
        assertThat(client.openError(link, RDONLY)).isEqualTo(Errno.EACCES);
        client.assertNoWay(0, "dir", "key");
        int dir = client.walk("dir");
        assertThat(client.error(P9.TWALK, P9Client.walkTo(dir, 90, "key")))
                .isEqualTo(Errno.ENOTDIR);
        Fields create = new Fields().u32(dir).text("new").u32(WRONLY).u32(0600).u32(0);
        assertThat(client.error(P9.TLCREATE, create)).isEqualTo(Errno.ENOTDIR);
        Fields through = new Fields().u32(client.walk()).text("file").u32(WRONLY).u32(0600).u32(0);
        assertThat(client.error(P9.TLCREATE, through)).isEqualTo(Errno.EACCES);
        assertThat(client.error(P9.TUNLINKAT, new Fields().u32(dir).text("key").u32(0)))
                .isEqualTo(Errno.ENOTDIR);
        assertThat(around.resolve("secret")).hasContent("secret");
        assertThat(around.resolve("private")).isDirectoryContaining("glob:**/key");
    }

    @Test
    void timesOfALinkAreNotThoseOfItsTarget() throws IOException {
        Path secret = around.resolve("secret");
        Files.createSymbolicLink(folder.resolve("file"), secret);
        var before = Files.getLastModifiedTime(secret);
        Fields set = new Fields().u32(client.walk("file")).u32(0x1b0);
        client.call(P9.TSETATTR, set.u32(0).u32(0).u32(0).u64(0).u64(1).u64(1).u64(1).u64(1));
        assertThat(Files.getLastModifiedTime(secret)).isEqualTo(before);
    }

    @Test
    void parentOfTheRootIsTheRoot() {
        int fid = client.walk("..", "..", "..");
        assertThat(client.attributes(fid).qid()).isEqualTo(client.attributes(0).qid());
        client.assertNoWay(0, "..", "secret");
    }

    @Test
    void parentOfAFolderThatWasMovedOutIsStillInside() throws IOException {
        Files.createDirectories(folder.resolve("a/b"));
        int inner = client.walk("a", "b");
        Files.move(folder.resolve("a/b"), around.resolve("private/b"));
        client.call(P9.TWALK, P9Client.walkTo(inner, 90, ".."));
        assertThat(client.attributes(90).qid().path())
                .isEqualTo(Files.getAttribute(folder.resolve("a"), "unix:ino"));
        client.assertNoWay(inner, "..", "key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "a/b", "/", "/etc/passwd", "../secret", "a\0b", "shared/../x"})
    void nameThatIsMoreThanANameIsRefused(String name) {
        assertThat(client.walkError(name)).isEqualTo(Errno.EINVAL);
        refusesToMake(name, Errno.EINVAL);
    }

    @Test
    void parentIsNoNameToMakeOrRemove() {
        refusesToMake("..", Errno.EINVAL);
        refusesToMake("x".repeat(256), Errno.ENAMETOOLONG);
        client.call(P9.TMKDIR, new Fields().u32(0).text("x".repeat(255)).u32(0700).u32(0));
    }

    private void refusesToMake(String name, int errno) {
        int fid = client.walk();
        Fields create = new Fields().u32(fid).text(name).u32(WRONLY).u32(0600).u32(0);
        assertThat(client.error(P9.TLCREATE, create)).isEqualTo(errno);
        Fields folder = new Fields().u32(0).text(name).u32(0700).u32(0);
        assertThat(client.error(P9.TMKDIR, folder)).isEqualTo(errno);
        Fields link = new Fields().u32(0).text(name).text("t").u32(0);
        assertThat(client.error(P9.TSYMLINK, link)).isEqualTo(errno);
        Fields rename = new Fields().u32(0).text("a").u32(0).text(name);
        assertThat(client.error(P9.TRENAMEAT, rename)).isEqualTo(errno);
        Fields remove = new Fields().u32(0).text(name).u32(0);
        assertThat(client.error(P9.TUNLINKAT, remove)).isEqualTo(errno);
        assertThat(client.error(P9.TLINK, new Fields().u32(0).u32(fid).text(name)))
                .isEqualTo(errno);
    }

    @Test
    void folderSwappedForALinkAfterTheWalkStaysTheFolder() throws IOException {
        Files.createDirectory(folder.resolve("d"));
        Files.writeString(folder.resolve("d/f"), "inside");
        int dir = client.walk("d");
        int file = client.walk("d", "f");
        Files.move(folder.resolve("d"), around.resolve("elsewhere"));
        Files.createSymbolicLink(folder.resolve("d"), around.resolve("private"));
        assertThat(client.error(P9.TWALK, P9Client.walkTo(dir, 90, "key"))).isEqualTo(Errno.ENOENT);
        assertThat(client.read(client.open(file, RDONLY), 0, 9))
                .asString(UTF_8)
                .isEqualTo("inside");
        int remove = client.walk("d");
        assertThat(client.error(P9.TWALK, P9Client.walkTo(remove, 91, "key")))
                .isEqualTo(Errno.ENOTDIR);
    }

    @Test
    void fileSwappedForALinkAfterTheWalkStaysTheFile() throws IOException {
        Path f = Files.writeString(folder.resolve("f"), "inside");
        int fid = client.walk("f");
        Files.delete(f);
        Files.createSymbolicLink(f, around.resolve("secret"));
        assertThat(client.read(client.open(fid, RDONLY), 0, 9)).asString(UTF_8).isEqualTo("inside");
        int fresh = client.walk("f");
        Files.delete(f);
        assertThat(client.error(P9.TREMOVE, new Fields().u32(fresh))).isEqualTo(Errno.ENOENT);
        assertThat(around.resolve("secret")).exists();
    }

    @Test
    void folderIsHeldWhateverHasItsPathNow() throws IOException {
        Files.writeString(folder.resolve("mine"), "mine");
        Files.move(folder, around.resolve("moved"));
        Files.createSymbolicLink(folder, around.resolve("private"));
        assertThat(client.walkError("key")).isEqualTo(Errno.ENOENT);
        client.walk("mine");
    }

    @Test
    void fifosAndSocketsAreNeverOpened() {
        for (int kind : new int[] {0010000, 0140000}) {
            Fields node = new Fields().u32(0).text("n" + kind).u32(kind | 0600);
            client.call(P9.TMKNOD, node.u32(0).u32(0).u32(0));
            int fid = client.walk("n" + kind);
            for (int flags : new int[] {0, 1, 2, 0x200}) {
                assertThat(client.openError(fid, flags)).isEqualTo(Errno.EACCES);
            }
            Fields again = new Fields().u32(client.walk()).text("n" + kind);
            assertThat(client.error(P9.TLCREATE, again.u32(WRONLY).u32(0600).u32(0)))
                    .isEqualTo(Errno.EACCES);
        }
    }

    @Test
    void readOnlyFolderIsChangedByNothing() throws IOException {
        Files.writeString(folder.resolve("f"), "f");
        Files.createDirectory(folder.resolve("d"));
        SharedFolder locked = SharedFolder.open(folder, true);
        try (P9Client reader = new P9Client(locked).begin()) {
            int f = reader.walk("f");
            for (int flags : new int[] {1, 2, 0x200, 0x400 | 1}) {
                assertThat(reader.openError(f, flags)).isEqualTo(Errno.EROFS);
            }
            assertThat(reader.read(reader.open(f, RDONLY), 0, 9)).asString(UTF_8).isEqualTo("f");
            List<Integer> types = new ArrayList<>();
            changes(reader.walk("f"), reader.walk("d"))
                    .forEach(
                            change -> {
                                types.add(change.type);
                                assertThat(reader.error(change.type, change.fields))
                                        .as("answer to %d", change.type)
                                        .isEqualTo(Errno.EROFS);
                            });
            assertThat(types).hasSize(11);
        }
        locked.close();
        assertThat(folder.resolve("f")).hasContent("f");
        assertThat(folder).isDirectoryNotContaining("glob:**/new");
    }

    private record Change(int type, Fields fields) {}

    private static Fields named(int fid) {
        return new Fields().u32(fid).text("new");
    }

    private static List<Change> changes(int file, int dir) {
        return List.of(
                new Change(P9.TLCREATE, named(dir).u32(0).u32(0600).u32(0)),
                new Change(P9.TSYMLINK, named(dir).text("t").u32(0)),
                new Change(P9.TMKNOD, named(dir).u32(0010600).u32(0).u32(0).u32(0)),
                new Change(P9.TMKDIR, named(dir).u32(0700).u32(0)),
                new Change(P9.TLINK, new Fields().u32(dir).u32(file).text("new")),
                new Change(P9.TRENAME, new Fields().u32(file).u32(dir).text("new")),
                new Change(P9.TRENAMEAT, new Fields().u32(0).text("f").u32(dir).text("new")),
                new Change(P9.TUNLINKAT, new Fields().u32(0).text("f").u32(0)),
                new Change(
                        P9.TSETATTR,
                        new Fields()
                                .u32(file)
                                .u32(1)
                                .u32(0)
                                .u32(0)
                                .u32(0)
                                .u64(0)
                                .u64(0)
                                .u64(0)
                                .u64(0)
                                .u64(0)),
                new Change(P9.TWRITE, new Fields().u32(file).u64(0).u32(1).u8(1)),
                new Change(P9.TREMOVE, new Fields().u32(dir)));
    }

    // ---- bounds

    @Test
    void clientHoldsItsShareOfDescriptorsAndNoMore() {
        DescriptorBudget budget = new DescriptorBudget(160);
        try (P9Client greedy = new P9Client(shared, budget).begin()) {
            assertThat(budget.ofOne()).isEqualTo(20);
            for (int i = 1; i < 20; i++) {
                greedy.walk();
            }
            assertThat(greedy.walkError()).isEqualTo(Errno.EMFILE);
            greedy.clunk(5);
            greedy.walk();
        }
        try (P9Client next = new P9Client(shared, budget).begin()) {
            next.walk();
        }
    }

    @Test
    void allClientsTogetherHoldHalfOfWhatTheProcessMay() {
        DescriptorBudget budget = new DescriptorBudget(80);
        List<P9Client> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            P9Client one = new P9Client(shared, budget).begin();
            clients.add(one);
            for (int n = 1; n < 10; n++) {
                one.walk();
            }
        }
        P9Client late = new P9Client(shared, budget);
        late.version(P9Client.MSIZE);
        Fields attach = new Fields().u32(0).u32(-1).text("").text("").u32(0);
        assertThat(late.error(P9.TATTACH, attach)).isEqualTo(Errno.EMFILE);
        clients.forEach(P9Client::close);
        late.begin().close();
    }

    @Test
    void clientThatGoesLeavesNoDescriptorBehind() throws IOException {
        long before = descriptors();
        for (int round = 0; round < 50; round++) {
            try (P9Client one = new P9Client(shared).begin()) {
                one.open(one.walk(), RDONLY);
                one.create("f", WRONLY, 0600);
                one.walkError("none");
                one.assertNoWay(0, "f", "g");
                one.version(P9Client.MSIZE);
            }
        }
        assertThat(descriptors() - before).as("descriptors more").isLessThan(40);
    }

    private static long descriptors() throws IOException {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }
}
