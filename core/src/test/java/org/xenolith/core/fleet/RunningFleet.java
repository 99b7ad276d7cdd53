package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.config.TomlFleetFile;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.WaitingGuest;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.guests.GuestImages;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A fleet that runs on a thread of its own, with everything it prints and says kept. */
final class RunningFleet implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(100);

    final ConsoleLog consoles = new ConsoleLog(16 << 20);
    final ConsoleLog said = new ConsoleLog();
    final Fleet fleet;
    private final Map<String, List<String>> foundAtSentence = new ConcurrentHashMap<>();
    private volatile Consumer<String> hearer = _ -> {};
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private Future<Boolean> end;

    RunningFleet(FleetConfig config, ImageCatalogue images, Duration shutdownTimeout) {
        this(config, images, shutdownTimeout, Fleet.Patience.STANDARD);
    }

    RunningFleet(
            FleetConfig config,
            ImageCatalogue images,
            Duration shutdownTimeout,
            Fleet.Patience patience) {
        fleet =
                new Fleet(
                        config,
                        new GuestPlan(images),
                        FleetConsoles.on(consoles, false, config.guests()),
                        this::say,
                        _ -> shutdownTimeout,
                        patience);
    }

    private void say(String sentence) {
        foundAtSentence.put(sentence, found());
        byte[] bytes = (sentence + "\n").getBytes(StandardCharsets.UTF_8);
        said.write(bytes, 0, bytes.length);
        hearer.accept(sentence);
    }

    private List<String> found() {
        return Stream.concat(
                        fleet.host().guests().stream().map(Guest::name),
                        fleet.host().waiting().stream().map(WaitingGuest::name))
                .toList();
    }

    /** Sets who hears each sentence before what follows it is done. */
    void onSaid(Consumer<String> other) {
        hearer = other;
    }

    static FleetConfig toml(String text) {
        try {
            return TomlFleetFile.parse("fleet.toml", text);
        } catch (ConfigException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    /** Knows lantern, as a file in a folder. */
    static ImageCatalogue lantern(Path folder) {
        return name -> {
            if (!name.equals(GuestImages.LANTERN)) {
                return Optional.empty();
            }
            Path file = folder.resolve(name);
            Files.write(file, GuestImages.read(name));
            return Optional.of(new BootFiles(file, Optional.empty(), ""));
        };
    }

    RunningFleet start() {
        return start(Optional.empty());
    }

    RunningFleet start(Optional<Duration> timeout) {
        end = thread.submit(() -> run(timeout));
        return this;
    }

    private boolean run(Optional<Duration> timeout) throws IOException {
        try {
            return fleet.run(Optional.empty(), timeout);
        } finally {
            consoles.close();
            said.close();
        }
    }

    /** Waits for a text on some guest's console. */
    void awaitShown(String text) throws InterruptedException {
        assertThat(consoles.awaitText(text, PATIENCE))
                .as("'%s' on the consoles, which show: %s", text, consoles.text())
                .isTrue();
    }

    void awaitSaid(String text) throws InterruptedException {
        assertThat(said.awaitText(text, PATIENCE))
                .as("'%s' is said; said was: %s", text, said.text())
                .isTrue();
    }

    /** The guests that were there, or between two lives, when a sentence was said. */
    List<String> foundWhenSaid(String sentence) {
        return foundAtSentence.get(sentence);
    }

    /** Waits for the end; whether all ended as they should. */
    boolean ended() throws Exception {
        return end.get();
    }

    @Override
    public void close() {
        fleet.shutdown();
        fleet.shutdown();
        thread.close();
    }
}
