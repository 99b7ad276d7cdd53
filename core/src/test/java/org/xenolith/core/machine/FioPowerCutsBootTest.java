package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.AttachedDevice;
import org.xenolith.core.backend.Disk;
import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.block.ImageFormat;
import org.xenolith.devices.block.PowerCuts;
import org.xenolith.devices.block.Qcow2;
import org.xenolith.devices.block.RecordedDisk;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * The power goes under a qcow2 overlay while fio writes to it in a Debian guest, at many moments of
 * one recorded run. Of each the image is judged by qemu-img, by what flushes had promised sector by
 * sector, and by fio in a guest; then, after our own opening and closing, by qemu-img again.
 */
@Tag("proof")
@Timeout(value = 60, unit = TimeUnit.MINUTES)
class FioPowerCutsBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int CUTS = Integer.getInteger("xenolith.cuts", 200);
    private static final int REGION_BYTES = 1 << 20;

    /** Regions that fio fills by turns; behind them it writes at random all the time. */
    private static final int REGIONS = 8;

    private static final int PHASES = 3 * REGIONS;
    private static final int DISK_BYTES = 2 * REGIONS * REGION_BYTES;
    private static final double[] SURVIVALS = {0, 0.2, 0.5, 0.8, 1};

    private static final String PATTERN =
            "--direct=1 --ioengine=libaio --iodepth=8 --filename=/dev/xvdb --rw=randwrite"
                    + " --bsrange=512-32768 --verify=crc32c";

    /** Phase after phase is synced, while another job goes on beside them. */
    private static final String WRITE =
            """
            #!/bin/sh
            /fio %1$s --name=beside --offset=%2$dm --size=%2$dm --do_verify=0 --fsync=16 \
              --rate=2m --loops=1000 >/dev/null &
            phase=0
            while [ $phase -lt %3$d ]; do
                /fio %1$s --name=phase --offset=$((phase %% %2$d))m --size=1m \
                  --randseed=$((%4$d + phase)) --do_verify=0 --end_fsync=1 >/dev/null &&
                  echo phase $phase is synced
                phase=$((phase + 1))
            done
            echo all phases are over
            sleep 1000
            """;

    /** Arguments: a word to say at the end, and for each region the phase that it holds. */
    private static final String VERIFY =
            """
            #!/bin/sh
            word=$1
            shift
            until [ -b /dev/xvdb ]; do sleep 0.1; done
            jobs=
            for phase in "$@"; do
                jobs="$jobs --name=p$phase --offset=$((phase %% %2$d))m --size=1m"
                jobs="$jobs --randseed=$((%3$d + phase))"
            done
            /fio %1$s --verify_only=1 --verify_fatal=1 $jobs >/tmp/said 2>&1
            status=$?
            [ $status = 0 ] || grep -m 3 -i verify /tmp/said
            echo $word ended with $status, read $(grep -c 'err= 0' /tmp/said) regions
            """;

    @TempDir Path folder;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final int fioSeed = 1 + random.nextInt(1 << 20);

    private static AttachedDevice attach(Guest guest, String name, BlockImage image) {
        return guest.devices().attach(new Disk(DiskName.parse(name), image, name));
    }

    @Test
    void whatFioHasSyncedIsInTheOverlayWheneverThePowerGoes() throws Exception {
        HostTool.require("qemu-img");
        System.err.println("*** power cuts under fio and qcow2 with -Dxenolith.seed=" + seed);
        BootInput input = DebianInput.orSkip();
        Path tools = GuestFio.disk(folder);
        RecordedDisk disk = new RecordedDisk(overlay());
        record(input, tools, disk);
        PowerCuts cuts = new PowerCuts(disk);
        try (Verifier verifier = new Verifier(input, tools)) {
            long lost = 0;
            long regions = 0;
            for (int moment : moments(cuts)) {
                cuts.advanceTo(moment);
                lost += cuts.unsyncedSectors();
                regions += cutNow(cuts, verifier);
            }
            verifier.seesASectorThatIsNotThere(cuts);
            System.err.printf(
                    "*** %d cuts of %d events: %d unsynced sectors at stake, %d promised at the"
                            + " end, %d regions verified by fio in the guest%n",
                    CUTS, cuts.size(), lost, cuts.promisedSectors(), regions);
            assertThat(regions).as("regions that fio verified").isGreaterThan(CUTS);
        }
    }

    /** Nothing of it is the guest's own work at first. */
    private Path overlay() throws Exception {
        byte[] content = new byte[DISK_BYTES];
        random.nextBytes(content);
        Path base = Files.write(folder.resolve("base.raw"), content);
        Path overlay = folder.resolve("overlay.qcow2");
        Qcow2.create(overlay, DISK_BYTES, base, ImageFormat.RAW);
        return overlay;
    }

    /** Runs fio, and notes in the record when it says what. */
    private void record(BootInput input, Path tools, RecordedDisk disk) throws Exception {
        String script = WRITE.formatted(PATTERN, REGIONS, PHASES, fioSeed);
        GuestConsole console = new GuestConsole();
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(GuestFio.running(input, script, folder), console)) {
            attach(guest, "xvda", DiskImage.open(tools, true));
            attach(guest, "xvdb", disk);
            guest.start();
            for (int phase = 0; phase < PHASES; phase++) {
                String said = "phase " + phase + " is synced";
                assertThat(console.awaitText(said, PATIENCE)).as("%s", console.text()).isTrue();
                disk.note("" + phase);
            }
            assertThat(console.awaitText("all phases are over", PATIENCE)).isTrue();
            guest.destroy();
        }
    }

    /** Half of them anywhere, half just before something becomes stable. */
    private List<Integer> moments(PowerCuts cuts) {
        List<Integer> syncs = cuts.syncs();
        return IntStream.range(0, CUTS)
                .map(
                        cut ->
                                cut % 2 == 0
                                        ? random.nextInt(cuts.size())
                                        : syncs.get(random.nextInt(syncs.size())))
                .sorted()
                .boxed()
                .toList();
    }

    /** Returns how many regions fio has verified. */
    private int cutNow(PowerCuts cuts, Verifier verifier) throws Exception {
        Path image = folder.resolve("found.qcow2");
        double survival = SURVIVALS[random.nextInt(SURVIVALS.length)];
        Files.write(image, cuts.found(random, survival));
        // Status 3: no error, but clusters that are counted and not used.
        HostTool.run("sh", "-c", "qemu-img check -q " + image + " || [ $? = 3 ]");
        List<Integer> phases = verifiable(cuts.notes());
        BlockImage reopened = DiskImage.open(image, false);
        cuts.requirePromises(reopened);
        verifier.verify(reopened, phases);
        HostTool.run("qemu-img", "check", "-q", "" + image);
        return phases.size();
    }

    /** The last phase of each region, but of the one that fio may be about to fill again. */
    private static List<Integer> verifiable(List<String> synced) {
        int next = synced.size();
        List<Integer> phases = new ArrayList<>();
        for (int phase = Math.max(0, next - REGIONS); phase < next; phase++) {
            if (phase % REGIONS != next % REGIONS) {
                phases.add(phase);
            }
        }
        return phases;
    }

    /** A guest to whose shell disks are brought, one after the other. */
    private final class Verifier implements AutoCloseable {
        private final GuestConsole console = new GuestConsole();
        private final Host host = Host.start(1L << 30, 2);
        private final Guest guest;
        private int disks;

        Verifier(BootInput input, Path tools) throws Exception {
            String script = VERIFY.formatted(PATTERN, REGIONS, fioSeed);
            guest = host.create(GuestFio.shell(input, "verify", script, folder), console);
            attach(guest, "xvda", DiskImage.open(tools, true));
            guest.start();
            await(DebianImage.PROMPT, 0);
            console.type("dmesg -n 1\n");
        }

        private void await(String text, long position) throws Exception {
            assertThat(console.awaitText(text, position, PATIENCE)).as(console.text()).isTrue();
        }

        /** Takes the image, and closes it. */
        void verify(BlockImage image, List<Integer> phases) throws Exception {
            if (phases.isEmpty()) {
                image.close();
                return;
            }
            assertThat(said(image, phases))
                    .as(console.text())
                    .isEqualTo("0, read " + phases.size() + " regions");
        }

        private String said(BlockImage image, List<Integer> phases) throws Exception {
            AttachedDevice disk = attach(guest, "xvdb", image);
            String word = "disk" + disks++;
            long position = console.position();
            StringBuilder command = new StringBuilder("/verify " + word);
            phases.forEach(phase -> command.append(' ').append(phase));
            console.type(command + "\n");
            String ended = word + " ended with ";
            await(ended, position);
            await(DebianImage.PROMPT, position + console.textFrom(position).indexOf(ended));
            disk.detach().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            String text = console.textFrom(position);
            return text.substring(text.indexOf(ended) + ended.length()).lines().findFirst().get();
        }

        /** As the others, but that a sector which fio has synced reads as zeroes. */
        void seesASectorThatIsNotThere(PowerCuts cuts) throws Exception {
            Path image = Files.write(folder.resolve("found.qcow2"), cuts.found(random, 1));
            BlockImage damaged = DiskImage.open(image, false);
            int phase = verifiable(cuts.notes()).getFirst();
            long offset = (long) phase % REGIONS * REGION_BYTES + REGION_BYTES / 2;
            damaged.write(offset, ByteBuffer.allocate(BlockImage.SECTOR_BYTES));
            assertThat(said(damaged, List.of(phase))).doesNotStartWith("0,");
        }

        @Override
        public void close() throws Exception {
            console.type("poweroff -f\n");
            Outcome outcome = guest.await(Optional.of(PATIENCE));
            host.close();
            assertThat(outcome.ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }
}
