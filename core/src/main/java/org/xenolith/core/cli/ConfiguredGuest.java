package org.xenolith.core.cli;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.TierUnfit;
import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.MemoryRange;
import org.xenolith.core.fleet.FleetFiles;
import org.xenolith.core.fleet.GuestPlan;
import org.xenolith.core.fleet.ImageCatalogue;
import org.xenolith.cpu.translate.Tier;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The one guest of a file, for {@code vmm create FILE.cfg}, with what the command line adds. */
record ConfiguredGuest(GuestConfig config) {
    private static final String SUFFIX = ".cfg";

    static boolean isFile(String name) {
        return name.endsWith(SUFFIX) && Files.isRegularFile(Path.of(name));
    }

    /**
     * @param warn gets a sentence for each part of the file that has no effect
     * @throws BootFailed when the file makes no sense
     */
    static ConfiguredGuest read(Path file, Consumer<String> warn) throws IOException {
        FleetConfig fleet = fleet(List.of(file), warn);
        return new ConfiguredGuest(fleet.guests().getFirst());
    }

    /** As {@link FleetFiles#read}, with the command line's exceptions. */
    static FleetConfig fleet(List<Path> files, Consumer<String> warn) throws IOException {
        try {
            return FleetFiles.read(files, warning -> warn.accept("vmm: " + warning + "."));
        } catch (ConfigException e) {
            throw new BootFailed(e.getMessage(), e);
        }
    }

    /**
     * Looks for guests that the tier cannot have, before anything is started.
     *
     * @throws TierUnfit that names the first, and its file
     */
    static void requireFit(List<Path> files, Tier tier) throws IOException {
        for (Path file : files) {
            for (GuestConfig guest : fleet(List.of(file), _ -> {}).guests()) {
                new ConfiguredGuest(guest).requireFit(file, tier);
            }
        }
    }

    /** The same for this guest of a file. */
    void requireFit(Path file, Tier tier) {
        TierUnfit.check(file + ": " + config.name(), tier, config.vcpus());
    }

    BootOptions options(ImageCatalogue images) throws IOException {
        return new GuestPlan(images).optionsFor(config);
    }

    ConfiguredGuest called(Optional<String> name) {
        return with(
                name.orElse(config.name()),
                config.commandLine(),
                new MemoryRange(config.memoryBytes(), config.maxMemoryBytes()),
                config.vcpus());
    }

    ConfiguredGuest withArguments(List<String> arguments) {
        List<String> all = new ArrayList<>();
        all.add(config.commandLine());
        all.addAll(arguments);
        all.removeIf(String::isBlank);
        return with(
                config.name(),
                String.join(" ", all),
                new MemoryRange(config.memoryBytes(), config.maxMemoryBytes()),
                config.vcpus());
    }

    ConfiguredGuest withMemory(MemoryRange memory) {
        return with(config.name(), config.commandLine(), memory, config.vcpus());
    }

    ConfiguredGuest withVcpus(int vcpus) {
        return with(
                config.name(),
                config.commandLine(),
                new MemoryRange(config.memoryBytes(), config.maxMemoryBytes()),
                vcpus);
    }

    private ConfiguredGuest with(String name, String commandLine, MemoryRange memory, int vcpus) {
        return new ConfiguredGuest(
                new GuestConfig(
                        name,
                        config.image(),
                        config.kernel(),
                        config.initrd(),
                        commandLine,
                        memory.minBytes(),
                        memory.maxBytes(),
                        vcpus,
                        config.disks(),
                        config.shares(),
                        config.networks(),
                        config.forwards(),
                        config.bootloader(),
                        config.timerSlack(),
                        config.fork(),
                        config.onPoweroff(),
                        config.onReboot(),
                        config.onCrash()));
    }
}
