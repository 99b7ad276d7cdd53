package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.event.SavedChannel;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.SavedFrames;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.core.xenstore.XenstoreConnection;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Ram;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A saved domain, as {@link SnapshotWriter} writes it. To restore one:
 *
 * <ol>
 *   <li>{@link #open} the file, which checks it from one end to the other;
 *   <li>make a frame table of {@link Description#maximumPages} with one hypervisor's frame for the
 *       shared page, and a domain with {@link #clock} and as many vCPUs, with {@link #random};
 *   <li>{@link #restore} it, bind backends to their ports, {@link #restoreStore};
 *   <li>add the vCPUs to the scheduler and {@link #start} them.
 * </ol>
 *
 * <p>A step that fails leaves a domain that never ran and is to be thrown away.
 */
public final class DomainSnapshot {
    private final Path file;
    private final SavedDomain saved;
    private final List<SavedChannel> events;
    private final GrantTable.Saved grants;
    private final StoreSection store;
    private final String configuration;

    private DomainSnapshot(Path file, Parts parts) {
        this.file = file;
        saved = new SavedDomain(parts.description, parts.frames, List.copyOf(parts.vcpus));
        events = parts.events;
        grants = parts.grants;
        store = parts.store;
        configuration = parts.configuration;
    }

    public Description description() {
        return saved.description();
    }

    /** What {@link SnapshotWriter#save} was given. Whoever uses it checks it. */
    public String configuration() {
        return configuration;
    }

    // ---- reading
    // -----------------------------------------------------------------------------------------

    /** The sections but the pages. */
    private static final class Parts {
        Description description;
        SavedFrames frames;
        final List<VcpuState> vcpus = new ArrayList<>();
        List<SavedChannel> events;
        GrantTable.Saved grants;
        StoreSection store;
        String configuration;

        void add(Section section, FieldReader in) throws SnapshotException {
            in.require((description == null) == (section == Section.DOMAIN), "its place");
            switch (section) {
                case DOMAIN -> description = Description.from(in);
                case FRAMES -> {
                    in.require(frames == null, "its number");
                    frames = FramesSection.from(in, description.maximumPages());
                }
                case PAGES -> {
                    int bytes = Long.BYTES + Ram.PAGE_SIZE;
                    for (int i = 0; i < SnapshotWriter.PAGES_PER_SECTION && in.hasMore(); i++) {
                        in.raw(bytes);
                    }
                    in.end();
                }
                case VCPU -> vcpus.add(new VcpuState(in));
                case EVENTS -> events = EventsSection.from(in);
                case GRANTS -> {
                    grants = new GrantTable.Saved(in.longs(), in.ints());
                    in.end();
                }
                case STORE -> store = StoreSection.from(in);
                case CONFIGURATION -> {
                    configuration = in.text();
                    in.end();
                }
                case END -> throw new IllegalStateException("the end is no part");
            }
        }

        void requireAll() throws SnapshotException {
            boolean complete =
                    description != null
                            && frames != null
                            && events != null
                            && grants != null
                            && store != null
                            && configuration != null
                            && vcpus.size() == description.vcpus();
            if (!complete) {
                throw SnapshotException.damaged("a section is missing");
            }
            // The domain's time counts from one of the two numbers, its vCPUs go on from the other.
            if (vcpus.stream().mapToLong(VcpuState::retired).sum() != description.retired()) {
                throw SnapshotException.damaged("its vCPUs have not run as long as the domain");
            }
        }
    }

    /**
     * Reads a file and checks all of it.
     *
     * @throws SnapshotException when it is no snapshot, of another version, or damaged
     * @throws IOException when it cannot be read
     */
    public static DomainSnapshot open(Path file) throws IOException {
        Parts parts = new Parts();
        try (InputStream in = stream(file)) {
            SectionReader reader = new SectionReader(in);
            while (reader.next()) {
                parts.add(reader.section(), reader.fields());
            }
        }
        parts.requireAll();
        return new DomainSnapshot(file, parts);
    }

    private static InputStream stream(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new SnapshotException("This is a directory, not a snapshot");
        }
        try {
            return new BufferedInputStream(Files.newInputStream(file), SnapshotWriter.BUFFER_BYTES);
        } catch (NoSuchFileException e) {
            throw new SnapshotException("There is no such file", e);
        }
    }

    // ---- restoring
    // ---------------------------------------------------------------------------------------

    /** A clock that goes on where the domain's stood. */
    public GuestClock clock() {
        return saved.clock();
    }

    /** Where the domain's random numbers come from. */
    public RandomGenerator random() {
        return saved.random();
    }

    /**
     * Fills a fresh domain, which the scheduler does not know yet.
     *
     * @throws SnapshotException when the file describes none that can be, or there is no memory for
     *     it
     */
    public void restore(Domain domain) throws IOException {
        saved.restore(domain, this::readPages);
        if (!domain.events().restore(events, description().id())) {
            throw SnapshotException.damaged("its event channels cannot be");
        }
        if (!domain.grants().restore(grants)) {
            throw SnapshotException.damaged("its grant table cannot be");
        }
        saved.finish(domain);
    }

    private void readPages(FrameTable table) throws IOException {
        try (InputStream in = stream(file)) {
            SectionReader reader = new SectionReader(in);
            while (reader.next()) {
                if (reader.section() == Section.PAGES) {
                    readPages(table, reader.fields());
                }
            }
        }
    }

    private static void readPages(FrameTable table, FieldReader in) throws SnapshotException {
        while (in.hasMore()) {
            long mfn = in.i64();
            boolean isShared = table.xenFrames().contains(mfn) || mfn >= FrameTable.RAM_BASE;
            long host = isShared ? table.frame(mfn) : MachineMemory.NO_FRAME;
            in.require(host != MachineMemory.NO_FRAME, "a page");
            Ram.write(host, in.raw(Ram.PAGE_SIZE), 0, Ram.PAGE_SIZE);
        }
    }

    /**
     * Puts the domain's nodes into a store, under its present id, and opens its connection.
     *
     * @param attention as for {@link Xenstore#introduce}
     */
    public XenstoreConnection restoreStore(Xenstore into, Domain domain, Runnable attention)
            throws SnapshotException {
        return store.restore(into, Relocation.of(description(), domain), attention);
    }

    /**
     * Lets the restored domain go on; the scheduler knows its vCPUs now. One that had suspended
     * itself stays paused until somebody answers that.
     *
     * @param paused whether it stays so in any case
     */
    public void start(Domain domain, boolean paused) {
        saved.start(domain, paused);
    }
}
