package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.SavedFrames;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.cpu.mmu.Ram;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/** Writes a domain to a file, and leaves the domain as it is: it may go on. */
public final class SnapshotWriter {
    /** Most pages in a section. */
    static final int PAGES_PER_SECTION = 512;

    /** Of the file's stream. */
    static final int BUFFER_BYTES = 1 << 20;

    private static final byte[] ZEROES = new byte[Ram.PAGE_SIZE];

    private SnapshotWriter() {}

    /**
     * Saves a domain that is paused: none of its vCPUs runs, and no backend uses it. The file is
     * there completely or not at all, also after a power cut: the domain may end as soon as this
     * returns.
     *
     * @param file as {@link #targetOf} allows it
     * @param configuration what {@link DomainSnapshot#configuration} is to return
     * @throws SnapshotException when the domain cannot be saved now
     */
    public static void save(
            Path file,
            Domain domain,
            Description.Rings rings,
            Xenstore store,
            XenstoreConnection connection,
            String configuration)
            throws IOException {
        if (!domain.isPaused()) {
            throw new IllegalStateException("a domain that runs cannot be saved");
        }
        if (!domain.frames().grantWindow().isEmpty()) {
            throw new SnapshotException(
                    "The domain uses memory of another guest and cannot be saved without it");
        }
        Path target = targetOf(file);
        Path folder = target.toAbsolutePath().getParent();
        Path part = Files.createTempFile(folder, target.getFileName().toString(), ".part");
        try {
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                OutputStream out =
                        new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
                write(new SectionWriter(out), domain, rings, store, connection, configuration);
                out.flush();
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
            force(folder);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /**
     * The file that {@link #save} writes: a link's target, and only what is not there yet or is a
     * regular file. A snapshot takes the place of what has its name; a device, once replaced, would
     * be a file for everybody.
     *
     * @throws SnapshotException if something else is there
     */
    public static Path targetOf(Path file) throws IOException {
        Path target = file;
        if (Files.isSymbolicLink(file)) {
            if (!Files.exists(file)) {
                throw new SnapshotException(file + " is a link to a file that does not exist");
            }
            target = file.toRealPath();
        }
        if (Files.isDirectory(target)) {
            throw new SnapshotException(file + " is a directory");
        }
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            throw new SnapshotException(file + " is there and is no regular file");
        }
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new SnapshotException("%s: there is no folder %s".formatted(file, folder));
        }
        return target;
    }

    /** The file's new name, too, has to be on the disk. */
    private static void force(Path folder) throws IOException {
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
            names.force(true);
        }
    }

    private static void write(
            SectionWriter out,
            Domain domain,
            Description.Rings rings,
            Xenstore store,
            XenstoreConnection connection,
            String configuration)
            throws IOException {
        SavedDomain saved = SavedDomain.of(domain, rings);
        out.write(Section.DOMAIN, saved.description().toFields());
        out.write(Section.FRAMES, FramesSection.toFields(saved.frames()));
        writePages(out, domain.frames(), saved.frames());
        for (VcpuState state : saved.vcpus()) {
            out.write(Section.VCPU, state.toFields());
        }
        out.write(Section.EVENTS, EventsSection.toFields(domain.events().save()));
        GrantTable.Saved grants = domain.grants().save();
        out.write(Section.GRANTS, new Fields().i64s(grants.frameMfns()).i32s(grants.inUse()));
        out.write(Section.STORE, StoreSection.of(store, domain, connection).toFields());
        out.write(Section.CONFIGURATION, new Fields().text(configuration));
        out.write(Section.END, new Fields());
    }

    private static void writePages(SectionWriter out, FrameTable table, SavedFrames saved)
            throws IOException {
        PageCollector pages = new PageCollector(out, table);
        for (int i = 0; i < saved.xenFrames(); i++) {
            pages.add(FrameTable.XEN_BASE + i);
        }
        for (SavedFrames.Frame frame : saved.frames()) {
            pages.add(frame.mfn());
        }
        pages.flush();
    }

    /** Gathers pages that are not zero to sections of a handy size. */
    private static final class PageCollector {
        private final SectionWriter out;
        private final FrameTable table;
        private final byte[] page = new byte[Ram.PAGE_SIZE];
        private Fields fields = new Fields();
        private int count;

        PageCollector(SectionWriter out, FrameTable table) {
            this.out = out;
            this.table = table;
        }

        void add(long mfn) throws IOException {
            Ram.read(table.frame(mfn), page, 0, page.length);
            if (Arrays.equals(page, ZEROES)) {
                return;
            }
            fields.i64(mfn).raw(page);
            if (++count == PAGES_PER_SECTION) {
                flush();
            }
        }

        void flush() throws IOException {
            if (count > 0) {
                out.write(Section.PAGES, fields);
                fields = new Fields();
                count = 0;
            }
        }
    }
}
