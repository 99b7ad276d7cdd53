package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.Disk;
import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Debian's fio in a Debian guest, which writes, reads back and compares; and loses its power. */
@Tag("proof")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class FioBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final long DISK_BYTES = 64 * BootFixture.MIB;
    private static final int CUTS = 6;

    /** Three jobs at once: a qcow2 and a raw disk directly, and files of an ext4. */
    private static final String EVERYWHERE =
            """
            #!/bin/sh
            mkdir /files && mount -t ext4 /dev/xvdd /files
            /fio --direct=1 --ioengine=libaio --iodepth=16 --rw=randrw --rwmixread=30 \
              --bsrange=512-65536 --size=48m --verify=crc32c --verify_backlog=128 \
              --verify_fatal=1 --fsync=64 \
              --name=qcow2 --filename=/dev/xvdb --name=raw --filename=/dev/xvdc \
              --name=files --direct=0 --ioengine=psync --directory=/files --nrfiles=4 \
              --size=24m --bs=4k --fsync=16
            echo fio has ended with $?
            umount /files
            dmesg | grep -E 'WARNING:|BUG:|Oops|I/O error|EXT4-fs error'
            """;

    /** What was synced, and then more of the same elsewhere until the power goes. */
    private static final String SYNCED =
            """
            #!/bin/sh
            /fio --name=synced --filename=/dev/xvdb --direct=1 --ioengine=libaio --iodepth=8 \
              --rw=randwrite --bsrange=512-32768 --size=16m --randseed=%1$d \
              --verify=crc32c --do_verify=0 --end_fsync=1 >/dev/null && echo all synced
            /fio --name=more --filename=/dev/xvdb --direct=1 --ioengine=libaio --iodepth=8 \
              --offset=16m --rw=randwrite --bsrange=512-32768 --size=16m --fsync=8 \
              --loops=1000 >/dev/null
            """;

    private static final String VERIFY =
            """
            #!/bin/sh
            /fio --name=synced --filename=/dev/xvdb --direct=1 --ioengine=libaio --iodepth=8 \
              --rw=randwrite --bsrange=512-32768 --size=16m --randseed=%1$d \
              --verify=crc32c --verify_only=1 --verify_fatal=1
            echo fio has ended with $?
            """;

    @TempDir Path folder;

    private BootOptions options(BootInput input, String script) throws IOException {
        return GuestFio.running(input, script, folder);
    }

    private static void attach(Guest guest, String name, BlockImage image) {
        guest.devices().attach(new Disk(DiskName.parse(name), image, name));
    }

    @Test
    void everyBlockThatFioWritesIsReadBackAsItWas() throws Exception {
        HostTool.require("qemu-img", "e2fsck");
        BootInput input = DebianInput.orSkip();
        Path tools = GuestFio.disk(folder);
        Path qcow2 = folder.resolve("disk.qcow2");
        HostTool.run("qemu-img", "create", "-q", "-f", "qcow2", "" + qcow2, "" + DISK_BYTES);
        Path raw = folder.resolve("disk.raw");
        HostTool.run("qemu-img", "create", "-q", "-f", "raw", "" + raw, "" + DISK_BYTES);
        Path files = folder.resolve("files.img");
        HostTool.run("mke2fs", "-q", "-t", "ext4", "" + files, "64M");
        GuestConsole console = new GuestConsole();
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options(input, EVERYWHERE), console)) {
            attach(guest, "xvda", DiskImage.open(tools, true));
            attach(guest, "xvdb", DiskImage.open(qcow2, false));
            attach(guest, "xvdc", DiskImage.open(raw, false));
            attach(guest, "xvdd", DiskImage.open(files, false));
            guest.start();
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as("%s", console.text())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
        System.err.println("*** fio: " + summary(console.text()));
        assertThat(console.text())
                .contains("fio has ended with 0")
                .doesNotContain("verify:", "WARNING:", "I/O error", "EXT4-fs error");
        HostTool.run("qemu-img", "check", "-q", "" + qcow2);
        HostTool.run("e2fsck", "-f", "-n", "" + files);
    }

    private static List<String> summary(String console) {
        return console.lines().filter(line -> line.matches("\\s+(READ|WRITE): .*")).toList();
    }

    @Test
    void whatFioHasSyncedIsThereWhenThePowerWasGone() throws Exception {
        BootInput input = DebianInput.orSkip();
        Path tools = GuestFio.disk(folder);
        long seed = Long.getLong("xenolith.seed", System.nanoTime());
        System.err.println("*** power cuts under fio with -Dxenolith.seed=" + seed);
        Random random = new Random(seed);
        for (int cut = 0; cut < CUTS; cut++) {
            int fioSeed = 1 + random.nextInt(1 << 20);
            UnsyncedDisk disk = new UnsyncedDisk((int) (DISK_BYTES / 2));
            writeUntilThePowerGoes(input, tools, disk, fioSeed, random);
            disk.powerUp(random, cut / (double) (CUTS - 1));
            verify(input, tools, disk, fioSeed);
        }
    }

    private void writeUntilThePowerGoes(
            BootInput input, Path tools, UnsyncedDisk disk, int fioSeed, Random random)
            throws Exception {
        GuestConsole console = new GuestConsole();
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options(input, SYNCED.formatted(fioSeed)), console)) {
            attach(guest, "xvda", DiskImage.open(tools, true));
            attach(guest, "xvdb", disk);
            guest.start();
            assertThat(console.awaitText("all synced", PATIENCE)).as("%s", console.text()).isTrue();
            disk.cutAfterWrites(200 + random.nextInt(2000)).await();
            guest.destroy();
        }
    }

    private void verify(BootInput input, Path tools, UnsyncedDisk disk, int fioSeed)
            throws Exception {
        GuestConsole console = new GuestConsole();
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options(input, VERIFY.formatted(fioSeed)), console)) {
            attach(guest, "xvda", DiskImage.open(tools, true));
            attach(guest, "xvdb", disk);
            guest.start();
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .as("%s", console.text())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
        assertThat(console.text())
                .contains("fio has ended with 0")
                .doesNotContain("verify:", "I/O error");
    }

    /** As the last test, with a disk on which a synced sector is not there. */
    @Test
    void fioSeesASectorThatIsNotThere() throws Exception {
        BootInput input = DebianInput.orSkip();
        Path tools = GuestFio.disk(folder);
        UnsyncedDisk disk = new UnsyncedDisk((int) (DISK_BYTES / 2));
        writeUntilThePowerGoes(input, tools, disk, 7, new Random(7));
        disk.powerUp(new Random(7), 1);
        disk.forget(8 << 20);
        GuestConsole console = new GuestConsole();
        try (Host host = Host.start(1L << 30, 2);
                Guest guest = host.create(options(input, VERIFY.formatted(7)), console)) {
            attach(guest, "xvda", DiskImage.open(tools, true));
            attach(guest, "xvdb", disk);
            guest.start();
            guest.await(Optional.of(PATIENCE));
        }
        assertThat(console.text()).contains("verify:").doesNotContain("fio has ended with 0");
    }
}
