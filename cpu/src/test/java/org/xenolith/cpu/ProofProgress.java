package org.xenolith.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * How far a proof has come that takes longer than anybody wants to wait: kept in a file in the
 * user's cache, so that the next run goes on there. A failure leaves it in front of what failed. A
 * proof that has come to its end begins again, with other seeds.
 */
final class ProofProgress {
    private static final long SAVED_EVERY = 1_000;

    private final Path file;
    private final long total;
    private final long firstSeed;
    private long done;

    private ProofProgress(Path file, long total, long firstSeed, long done) {
        this.file = file;
        this.total = total;
        this.firstSeed = firstSeed;
        this.done = done;
    }

    /** The proof of a name, in the cache of this user. */
    static ProofProgress of(String name, long total) throws IOException {
        String cache = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        Path folder =
                cache.isEmpty()
                        ? Path.of(System.getProperty("user.home"), ".cache")
                        : Path.of(cache);
        return in(folder.resolve("xenolith/proof").resolve(name), total);
    }

    /** The proof of a file, begun now if there is none, or if nothing is left of it. */
    static ProofProgress in(Path file, long total) throws IOException {
        Properties saved = new Properties();
        if (Files.exists(file)) {
            try (var reader = Files.newBufferedReader(file)) {
                saved.load(reader);
            }
        }
        long done = Long.parseLong(saved.getProperty("done", "0"));
        if (done >= total) {
            saved.clear();
            done = 0;
        }
        String now = Long.toString(System.currentTimeMillis() << 20);
        return new ProofProgress(
                file, total, Long.parseLong(saved.getProperty("first-seed", now)), done);
    }

    long firstSeed() {
        return firstSeed;
    }

    long done() {
        return done;
    }

    long left() {
        return total - done;
    }

    void advance() throws IOException {
        if (++done % SAVED_EVERY == 0) {
            save();
        }
    }

    void save() throws IOException {
        Files.createDirectories(file.getParent());
        Properties properties = new Properties();
        properties.setProperty("first-seed", Long.toString(firstSeed));
        properties.setProperty("done", Long.toString(done));
        try (var writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
    }

    @Override
    public String toString() {
        return "%,d of %,d done, first seed %d".formatted(done, total, firstSeed);
    }
}
