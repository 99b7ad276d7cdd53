package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.devices.p9.P9Client.Answer;
import org.xenolith.devices.p9.P9Client.Attributes;
import org.xenolith.devices.p9.P9Client.Entry;
import org.xenolith.devices.p9.P9Client.Fields;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Each message of 9P2000.L against a folder of the host. */
class P9ServerTest {
    private static final int RDONLY = 0, WRONLY = 1, RDWR = 2, EXCL = 0x80, TRUNC = 0x200;
    private static final int APPEND = 0x400;

    @TempDir Path folder;
    private SharedFolder shared;
    private P9Client client;

    @BeforeEach
    void share() throws IOException {
        shared = SharedFolder.open(folder, false);
        client = new P9Client(shared).begin();
    }

    @AfterEach
    void end() {
        client.close();
        shared.close();
    }

    private static int mode(Path file) throws IOException {
        return (int) Files.getAttribute(file, "unix:mode") & 07777;
    }

    // ---- sessions

    @Test
    void versionAgreesToNoMoreThanEitherSideWants() {
        assertThat(client.version(1 << 20).u32()).isEqualTo(P9Client.MSIZE);
        Answer small = client.version(5000);
        assertThat(small.u32()).isEqualTo(5000);
        assertThat(small.text()).isEqualTo("9P2000.L");
    }

    @Test
    void otherVersionsAndTinyMessagesAreUnknown() {
        Answer other = client.call(P9.TVERSION, new Fields().u32(8192).text("9P2000.u"));
        other.u32();
        assertThat(other.text()).isEqualTo("unknown");
        Answer tiny = client.version(100);
        tiny.u32();
        assertThat(tiny.text()).isEqualTo("unknown");
        assertThat(client.error(P9.TCLUNK, new Fields().u32(0))).isEqualTo(Errno.EPROTO);
    }

    @Test
    void newVersionEndsWhatWasBefore() {
        client.version(P9Client.MSIZE);
        assertThat(client.error(P9.TGETATTR, new Fields().u32(0).u64(0))).isEqualTo(Errno.EBADF);
    }

    @Test
    void nobodyHasToProveWhoHeIs() {
        assertThat(client.error(P9.TAUTH, new Fields().u32(9).text("").text("").u32(0)))
                .isEqualTo(Errno.EOPNOTSUPP);
    }

    @Test
    void flushIsAnsweredSinceWhatItNamesWas() {
        client.call(P9.TFLUSH, new Fields().u16(3));
    }

    // ---- reading and writing

    @Test
    void fileIsReadInPieces() throws IOException {
        Files.writeString(folder.resolve("a"), "hello, guest");
        int fid = client.open(client.walk("a"), RDONLY);
        assertThat(client.read(fid, 0, 5)).asString(UTF_8).isEqualTo("hello");
        assertThat(client.read(fid, 7, 100)).asString(UTF_8).isEqualTo("guest");
        assertThat(client.read(fid, 100, 100)).isEmpty();
        client.clunk(fid);
        assertThat(client.error(P9.TREAD, new Fields().u32(fid).u64(0).u32(1)))
                .isEqualTo(Errno.EBADF);
    }

    @Test
    void largestReadAndWriteFillTheMessage() throws IOException {
        byte[] data = new byte[P9Client.MSIZE - P9.HEADER - 16];
        new Random(1).nextBytes(data);
        int fid = client.create("big", RDWR, 0644);
        assertThat(client.write(fid, 3, data)).isEqualTo(data.length);
        assertThat(Files.size(folder.resolve("big"))).isEqualTo(data.length + 3);
        byte[] back = client.read(fid, 3, -1);
        int most = P9Client.MSIZE - P9.HEADER - 4;
        assertThat(back).hasSize(Math.min(most, data.length)).isEqualTo(data);
        client.write(fid, data.length + 3, data);
        assertThat(client.read(fid, 0, -1)).hasSize(most);
    }

    @Test
    void createMakesTheFileWithItsModeWhateverTheUmask() throws IOException {
        int fid = client.create("new", WRONLY | EXCL, 0666);
        client.write(fid, 0, "x".getBytes(UTF_8));
        assertThat(mode(folder.resolve("new"))).isEqualTo(0666);
        assertThat(folder.resolve("new")).hasContent("x");
        int again = client.walk();
        Fields exclusive = new Fields().u32(again).text("new").u32(WRONLY | EXCL).u32(0666).u32(0);
        assertThat(client.error(P9.TLCREATE, exclusive)).isEqualTo(Errno.EEXIST);
    }

    @Test
    void createOpensWhatIsThereUnlessItMustBeNew() throws IOException {
        Files.writeString(folder.resolve("old"), "content");
        int fid = client.create("old", WRONLY, 0600);
        client.write(fid, 0, "C".getBytes(UTF_8));
        assertThat(folder.resolve("old")).hasContent("Content");
        client.create("old", WRONLY | TRUNC, 0600);
        assertThat(folder.resolve("old")).isEmptyFile();
    }

    @Test
    void appendGoesToTheEndOfWhatOthersHaveWritten() throws IOException {
        Path log = Files.writeString(folder.resolve("log"), "1");
        int fid = client.open(client.walk("log"), WRONLY | APPEND);
        Files.writeString(log, "12");
        client.write(fid, 1, "3".getBytes(UTF_8));
        assertThat(log).hasContent("123");
    }

    @Test
    void removedFileThatIsOpenIsStillReadAndWritten() throws IOException {
        Files.writeString(folder.resolve("gone"), "still here");
        int fid = client.open(client.walk("gone"), RDWR);
        client.call(P9.TUNLINKAT, new Fields().u32(0).text("gone").u32(0));
        assertThat(folder.resolve("gone")).doesNotExist();
        assertThat(client.read(fid, 0, 5)).asString(UTF_8).isEqualTo("still");
        client.write(fid, 0, "STILL".getBytes(UTF_8));
        assertThat(client.attributes(fid).links()).isZero();
        client.call(P9.TFSYNC, new Fields().u32(fid).u32(0));
        client.call(P9.TFSYNC, new Fields().u32(fid).u32(1));
    }

    @Test
    void whatWasOpenedForReadingIsNotWritten() throws IOException {
        Files.writeString(folder.resolve("a"), "a");
        int fid = client.open(client.walk("a"), RDONLY);
        assertThat(client.error(P9.TWRITE, new Fields().u32(fid).u64(0).u32(1).u8(1)))
                .isEqualTo(Errno.EBADF);
        assertThat(client.openError(fid, RDONLY)).as("open already").isEqualTo(Errno.EBADF);
        assertThat(client.openError(client.walk("a"), 3)).isEqualTo(Errno.EINVAL);
        int closed = client.walk("a");
        assertThat(client.error(P9.TREAD, new Fields().u32(closed).u64(0).u32(1)))
                .isEqualTo(Errno.EBADF);
    }

    @Test
    void writeOfMoreThanTheMessageHasIsRefused() {
        int fid = client.create("w", WRONLY, 0600);
        for (int count : new int[] {2, 1 << 20, -1, Integer.MIN_VALUE}) {
            assertThat(client.error(P9.TWRITE, new Fields().u32(fid).u64(0).u32(count).u8(1)))
                    .isEqualTo(Errno.EBADMSG);
        }
        assertThat(folder.resolve("w")).isEmptyFile();
    }

    @Test
    void locksAreTheClientsOwn() {
        int fid = client.create("locked", RDWR, 0600);
        Fields lock = new Fields().u32(fid).u8(1).u32(1).u64(0).u64(0).u32(5).text("guest");
        assertThat(client.call(P9.TLOCK, lock).u8()).isZero();
        Fields get = new Fields().u32(fid).u8(1).u64(7).u64(9).u32(5).text("guest");
        Answer got = client.call(P9.TGETLOCK, get);
        assertThat(got.u8()).as("nobody else has it").isEqualTo(2);
        assertThat(got.u64()).isEqualTo(7);
        assertThat(got.u64()).isEqualTo(9);
        assertThat(got.u32()).isEqualTo(5);
        assertThat(got.text()).isEqualTo("guest");
    }

    // ---- attributes

    @Test
    void attributesAreTheHosts() throws IOException {
        Path file = Files.writeString(folder.resolve("f"), "12345");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-x--x"));
        Files.createLink(folder.resolve("second"), file);
        Attributes got = client.attributes(client.walk("f"));
        assertThat(got.mode()).isEqualTo(0100651);
        assertThat(got.size()).isEqualTo(5);
        assertThat(got.links()).isEqualTo(2);
        assertThat(got.qid().path()).isEqualTo(Files.getAttribute(file, "unix:ino"));
        assertThat(got.mtime()).isEqualTo(Files.getLastModifiedTime(file).toMillis() / 1000);
        assertThat(client.attributes(client.walk("second")).qid()).isEqualTo(got.qid());
        assertThat(client.attributes(0).mode() & 0170000).isEqualTo(0040000);
        assertThat(client.attributes(0).qid().type()).isEqualTo(0x80);
    }

    private static Fields set(int fid, int valid, int mode, int user, int group, long size) {
        return new Fields().u32(fid).u32(valid).u32(mode).u32(user).u32(group).u64(size);
    }

    private static Fields times(Fields set, long atime, long mtime) {
        return set.u64(atime).u64(0).u64(mtime).u64(123);
    }

    @Test
    void attributesAreSet() throws IOException {
        Path file = Files.writeString(folder.resolve("f"), "12345");
        int fid = client.walk("f");
        client.call(P9.TSETATTR, times(set(fid, 1 | 8, 0604, 0, 0, 3), 0, 0));
        assertThat(mode(file)).isEqualTo(0604);
        assertThat(file).hasContent("123");
        client.call(P9.TSETATTR, times(set(fid, 0x30 | 0x180, 0, 0, 0, 0), 5, 1000));
        assertThat(Files.getLastModifiedTime(file).toInstant().getEpochSecond()).isEqualTo(1000);
        assertThat(Files.getLastModifiedTime(file).toInstant().getNano()).isEqualTo(123);
        client.call(P9.TSETATTR, times(set(fid, 0x20, 0, 0, 0, 0), 0, 0));
        assertThat(Files.getLastModifiedTime(file).toMillis())
                .as("now")
                .isGreaterThan(1_000_000_000L);
        int open = client.open(client.walk("f"), RDWR);
        client.call(P9.TSETATTR, times(set(open, 8, 0, 0, 0, 7), 0, 0));
        assertThat(Files.size(file)).isEqualTo(7);
    }

    @Test
    void programOfTheClientNeverChangesTheUserOnTheHost() throws IOException {
        client.create("suid", WRONLY, 06755);
        assertThat(mode(folder.resolve("suid"))).isEqualTo(0755);
        int fid = client.walk("suid");
        client.call(P9.TSETATTR, times(set(fid, 1, 06711, 0, 0, 0), 0, 0));
        assertThat(mode(folder.resolve("suid"))).isEqualTo(0711);
    }

    @Test
    void sizeOfAFolderOrALinkIsNotSet() throws IOException {
        Files.createSymbolicLink(folder.resolve("l"), Path.of("/etc/passwd"));
        assertThat(client.error(P9.TSETATTR, times(set(0, 8, 0, 0, 0, 0), 0, 0)))
                .isEqualTo(Errno.EISDIR);
        int link = client.walk("l");
        assertThat(client.error(P9.TSETATTR, times(set(link, 8, 0, 0, 0, 0), 0, 0)))
                .isEqualTo(Errno.EINVAL);
        assertThat(client.error(P9.TSETATTR, times(set(link, 1, 0777, 0, 0, 0), 0, 0)))
                .isEqualTo(Errno.EOPNOTSUPP);
    }

    @Test
    void statfsTellsOfTheHostsFileSystem() throws IOException {
        Answer got = client.call(P9.TSTATFS, new Fields().u32(0));
        assertThat(got.u32()).isEqualTo(0x01021997);
        long block = got.u32();
        assertThat(got.u64() * block).isEqualTo(Files.getFileStore(folder).getTotalSpace());
        got.raw(5 * Long.BYTES);
        assertThat(got.u32()).as("longest name").isBetween(100, 4096);
    }

    @Test
    void extendedAttributesAreNotThere() {
        assertThat(client.error(P9.TXATTRWALK, new Fields().u32(0).u32(9).text("user.x")))
                .isEqualTo(Errno.EOPNOTSUPP);
        assertThat(client.error(P9.TXATTRCREATE, new Fields().u32(0).text("user.x").u64(1).u32(0)))
                .isEqualTo(Errno.EOPNOTSUPP);
    }

    // ---- names

    @Test
    void foldersLinksAndNodesAreMade() throws IOException {
        client.call(P9.TMKDIR, new Fields().u32(0).text("d").u32(0777).u32(0));
        assertThat(mode(folder.resolve("d"))).isEqualTo(0777);
        client.call(P9.TSYMLINK, new Fields().u32(0).text("l").text("d/over there").u32(0));
        assertThat(Files.readSymbolicLink(folder.resolve("l"))).hasToString("d/over there");
        Answer target = client.call(P9.TREADLINK, new Fields().u32(client.walk("l")));
        assertThat(target.text()).isEqualTo("d/over there");
        Fields fifo = new Fields().u32(0).text("p").u32(0010640).u32(0).u32(0).u32(0);
        client.call(P9.TMKNOD, fifo);
        assertThat((int) Files.getAttribute(folder.resolve("p"), "unix:mode")).isEqualTo(0010640);
        Fields device = new Fields().u32(0).text("null").u32(0020666).u32(1).u32(3).u32(0);
        assertThat(client.error(P9.TMKNOD, device)).isEqualTo(Errno.EPERM);
        assertThat(client.error(P9.TMKDIR, new Fields().u32(0).text("d").u32(0777).u32(0)))
                .isEqualTo(Errno.EEXIST);
    }

    @Test
    void secondNamesAreGivenAlsoToLinks() throws IOException {
        Files.writeString(folder.resolve("a"), "a");
        Files.createSymbolicLink(folder.resolve("l"), Path.of("nowhere"));
        client.call(P9.TLINK, new Fields().u32(0).u32(client.walk("a")).text("b"));
        client.call(P9.TLINK, new Fields().u32(0).u32(client.walk("l")).text("m"));
        assertThat((int) Files.getAttribute(folder.resolve("b"), "unix:nlink")).isEqualTo(2);
        assertThat(Files.readSymbolicLink(folder.resolve("m"))).hasToString("nowhere");
    }

    @Test
    void renamedFileIsTheSameToWhoHasWalkedToIt() throws IOException {
        Files.createDirectory(folder.resolve("d"));
        Files.writeString(folder.resolve("a"), "A");
        int fid = client.walk("a");
        client.call(P9.TRENAMEAT, new Fields().u32(0).text("a").u32(client.walk("d")).text("b"));
        assertThat(folder.resolve("d/b")).hasContent("A");
        assertThat(client.read(client.open(fid, RDONLY), 0, 9)).asString(UTF_8).isEqualTo("A");
    }

    @Test
    void olderWaysToRenameAndRemoveWorkAsWell() throws IOException {
        Files.createDirectory(folder.resolve("d"));
        Files.writeString(folder.resolve("a"), "A");
        int fid = client.walk("a");
        client.call(P9.TRENAME, new Fields().u32(fid).u32(client.walk("d")).text("b"));
        assertThat(folder.resolve("d/b")).hasContent("A");
        client.call(P9.TREMOVE, new Fields().u32(fid));
        assertThat(folder.resolve("d")).isEmptyDirectory();
        client.call(P9.TREMOVE, new Fields().u32(client.walk("d")));
        assertThat(folder).isEmptyDirectory();
        assertThat(client.error(P9.TGETATTR, new Fields().u32(fid).u64(0))).isEqualTo(Errno.EBADF);
    }

    @Test
    void removingAFileByAnOldNameDoesNotRemoveWhatHasThatNameNow() throws IOException {
        Files.writeString(folder.resolve("a"), "old");
        int fid = client.walk("a");
        Files.move(folder.resolve("a"), folder.resolve("moved"));
        Files.writeString(folder.resolve("a"), "new");
        assertThat(client.error(P9.TREMOVE, new Fields().u32(fid))).isEqualTo(Errno.ESTALE);
        assertThat(folder.resolve("a")).hasContent("new");
        assertThat(client.error(P9.TREMOVE, new Fields().u32(client.walk()))).isNotZero();
    }

    @Test
    void foldersAreRemovedOnlyAsSuchAndWhenEmpty() throws IOException {
        Files.createDirectories(folder.resolve("d/e"));
        assertThat(client.error(P9.TUNLINKAT, new Fields().u32(0).text("d").u32(0)))
                .isEqualTo(Errno.EISDIR);
        assertThat(client.error(P9.TUNLINKAT, new Fields().u32(0).text("d").u32(0x200)))
                .as("not empty")
                .isEqualTo(39);
        client.call(P9.TUNLINKAT, new Fields().u32(client.walk("d")).text("e").u32(0x200));
        client.call(P9.TUNLINKAT, new Fields().u32(0).text("d").u32(0x200));
        assertThat(folder).isEmptyDirectory();
    }

    // ---- walking

    @Test
    void walkSaysHowFarItCame() throws IOException {
        Files.createDirectories(folder.resolve("a/b"));
        Answer half = client.call(P9.TWALK, P9Client.walkTo(0, 50, "a", "b", "c"));
        assertThat(half.u16()).isEqualTo(2);
        assertThat(client.error(P9.TCLUNK, new Fields().u32(50))).isEqualTo(Errno.EBADF);
        assertThat(client.walkError("nothing")).isEqualTo(Errno.ENOENT);
        int fid = client.walk("a");
        client.call(P9.TWALK, P9Client.walkTo(fid, fid, "b"));
        assertThat(client.attributes(fid).qid())
                .isEqualTo(client.attributes(client.walk("a", "b")).qid());
        assertThat(client.error(P9.TWALK, P9Client.walkTo(0, fid, "a")))
                .as("a fid in use")
                .isEqualTo(Errno.EBADF);
        assertThat(client.error(P9.TWALK, P9Client.walkTo(0, -1, "a"))).isEqualTo(Errno.EBADF);
    }

    @Test
    void seventeenStepsAreTooMany() {
        String[] steps = new String[17];
        java.util.Arrays.fill(steps, "x");
        assertThat(client.walkError(steps)).isEqualTo(Errno.EINVAL);
    }

    // ---- listing

    private List<Entry> listAll(int fid, int count) {
        List<Entry> all = new ArrayList<>();
        long cookie = 0;
        while (true) {
            List<Entry> some = client.list(fid, cookie, count);
            if (some.isEmpty()) {
                return all;
            }
            all.addAll(some);
            cookie = some.getLast().cookie();
        }
    }

    @Test
    void listHasEveryEntryOnceHoweverSmallThePieces() throws IOException {
        Set<String> expected = new HashSet<>(Set.of(".", ".."));
        for (int i = 0; i < 3000; i++) {
            String name = "file-" + i + "x".repeat(i % 200);
            Files.createFile(folder.resolve(name));
            expected.add(name);
        }
        int fid = client.open(client.walk(), RDONLY);
        for (int count : new int[] {300, 1000, P9Client.MSIZE - 11}) {
            List<Entry> all = listAll(fid, count);
            assertThat(all).extracting(Entry::name).doesNotHaveDuplicates();
            assertThat(all).extracting(Entry::name).containsAll(expected).hasSize(3002);
        }
        Entry some =
                listAll(fid, 4000).stream().filter(e -> e.name().startsWith("f")).findAny().get();
        assertThat(some.inode())
                .isEqualTo(Files.getAttribute(folder.resolve(some.name()), "unix:ino"));
    }

    @Test
    void entriesThatComeAndGoDisplaceNoOthers() throws IOException {
        for (int i = 0; i < 2000; i++) {
            Files.createFile(folder.resolve("stays-" + i));
            Files.createFile(folder.resolve("goes-" + i));
        }
        int fid = client.open(client.walk(), RDONLY);
        List<String> seen = new ArrayList<>();
        long cookie = 0;
        for (int step = 0; ; step++) {
            List<Entry> some = client.list(fid, cookie, 1000);
            if (some.isEmpty()) {
                break;
            }
            some.forEach(entry -> seen.add(entry.name()));
            cookie = some.getLast().cookie();
            for (int i = step * 10; i < Math.min(2000, step * 10 + 10); i++) {
                Files.deleteIfExists(folder.resolve("goes-" + i));
                Files.createFile(folder.resolve("comes-" + i));
            }
        }
        assertThat(seen.stream().filter(name -> name.startsWith("stays-")))
                .hasSize(2000)
                .doesNotHaveDuplicates();
    }

    @Test
    void listWithNoRoomForOneEntryIsNoEnd() throws IOException {
        Files.createFile(folder.resolve("n".repeat(255)));
        int fid = client.open(client.walk(), RDONLY);
        assertThat(client.error(P9.TREADDIR, new Fields().u32(fid).u64(0).u32(10)))
                .isEqualTo(Errno.EINVAL);
    }

    @Test
    void parentOfTheRootIsTheRootInTheListToo() throws IOException {
        int fid = client.open(client.walk(), RDONLY);
        Entry parent =
                listAll(fid, 4000).stream().filter(e -> e.name().equals("..")).findAny().get();
        assertThat(parent.inode()).isEqualTo(Files.getAttribute(folder, "unix:ino"));
    }

    @Test
    void fileIsNotListedAndAFolderNotRead() throws IOException {
        Files.createFile(folder.resolve("f"));
        int file = client.open(client.walk("f"), RDONLY);
        assertThat(client.error(P9.TREADDIR, new Fields().u32(file).u64(0).u32(999)))
                .isEqualTo(Errno.ENOTDIR);
        int dir = client.open(client.walk(), RDONLY);
        assertThat(client.error(P9.TREAD, new Fields().u32(dir).u64(0).u32(999)))
                .isEqualTo(Errno.EISDIR);
    }

    @Test
    void folderThatIsNotThereIsOneSentence() {
        assertThatThrownBy(() -> SharedFolder.open(folder.resolve("none"), false))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Cannot share the folder " + folder.resolve("none"))
                .hasMessageContaining("No such file");
    }
}
