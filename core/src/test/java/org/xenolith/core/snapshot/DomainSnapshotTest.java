package org.xenolith.core.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.xenstore.Xenstore;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files whose sections are sound each for itself. */
class DomainSnapshotTest {
    private static final long RETIRED = 0x1234_5678_9abcL;

    @TempDir Path folder;

    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());

    private Path saved() throws IOException {
        return savedAs(folder.resolve("saved"));
    }

    private Path savedAs(Path file) throws IOException {
        guest.vcpu(0).cpu().setRetired(RETIRED);
        guest.scheduler.pause(guest.domain);
        save(file, "");
        return file;
    }

    private void save(Path file, String configuration) throws IOException {
        Xenstore store = new Xenstore();
        SnapshotWriter.save(
                file,
                guest.domain,
                new Description.Rings(1, 1, 2, 2),
                store,
                store.introduce(guest.domain.id(), () -> {}),
                configuration);
    }

    /** Another file with this section in the place of the one of its kind. */
    private Path with(Path file, Section kind, Fields section) throws IOException {
        Path other = folder.resolve("other");
        try (InputStream in = Files.newInputStream(file);
                OutputStream out = new BufferedOutputStream(Files.newOutputStream(other))) {
            SectionReader reader = new SectionReader(in);
            SectionWriter writer = new SectionWriter(out);
            while (reader.next()) {
                writer.write(
                        reader.section(),
                        reader.section() == kind ? section : copyOf(reader.fields()));
            }
            writer.write(Section.END, new Fields());
        }
        return other;
    }

    private static Fields copyOf(FieldReader section) throws SnapshotException {
        Fields copy = new Fields();
        while (section.hasMore()) {
            copy.raw(section.raw(1));
        }
        return copy;
    }

    @Test
    void fileSaysWhatTheDomainIs() throws IOException {
        Description read = DomainSnapshot.open(saved()).description();
        assertThat(read.retired()).isEqualTo(RETIRED);
        assertThat(read.vcpus()).isEqualTo(2);
    }

    /** As when the disk is full: the guest's last snapshot is all that its owner has. */
    @Test
    void saveThatFailsOnTheWayLeavesTheOldFileAndNoOther() throws IOException {
        Path file = saved();
        byte[] before = Files.readAllBytes(file);
        guest.vcpu(0).cpu().setRetired(RETIRED + 1);
        String notThere = null; // what is written last
        assertThatThrownBy(() -> save(file, notThere)).isInstanceOf(NullPointerException.class);
        assertThat(file).hasBinaryContent(before);
        assertThat(folder).isDirectoryNotContaining(other -> !other.equals(file));
        save(file, "");
        assertThat(DomainSnapshot.open(file).description().retired()).isEqualTo(RETIRED + 1);
        assertThat(folder).isDirectoryNotContaining(other -> !other.equals(file));
    }

    @Test
    void nothingButAFileIsReplacedByASnapshot() throws Exception {
        Path fifo = folder.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", "" + fifo).start().waitFor()).isZero();
        Path toFifo = Files.createSymbolicLink(folder.resolve("to-fifo"), fifo);
        for (Path refused : List.of(fifo, toFifo)) {
            assertThatThrownBy(() -> savedAs(refused))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessage(refused + " is there and is no regular file");
        }
        assertThat(Files.isRegularFile(fifo)).isFalse();
        assertThatThrownBy(() -> savedAs(folder)).hasMessage(folder + " is a directory");
        Path nowhere = Files.createSymbolicLink(folder.resolve("nowhere"), Path.of("none"));
        assertThatThrownBy(() -> savedAs(nowhere)).hasMessageContaining("does not exist");
        assertThatThrownBy(() -> savedAs(Path.of("/nonexistent/x")))
                .hasMessage("/nonexistent/x: there is no folder /nonexistent");
    }

    @Test
    void snapshotByTheNameOfALinkReplacesWhatTheLinkLeadsTo() throws IOException {
        Path file = Files.writeString(folder.resolve("earlier"), "earlier");
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("earlier"));
        savedAs(link);
        assertThat(link).isSymbolicLink();
        assertThat(DomainSnapshot.open(file).description().retired()).isEqualTo(RETIRED);
    }

    /** Else the domain's clock would jump, as far as the file likes. */
    @Test
    void domainThatRanLongerThanItsVcpusIsRefused() throws IOException {
        Path file = saved();
        guest.vcpu(1).cpu().setRetired(1);
        Description longer = Description.of(guest.domain, new Description.Rings(1, 1, 2, 2));
        Path forged = with(file, Section.DOMAIN, longer.toFields());
        assertThatThrownBy(() -> DomainSnapshot.open(forged))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("vCPUs have not run as long as the domain");
    }
}
