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
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.disk.DirectoryDisk;
import org.xenolith.core.image.debian.LampImage;
import org.xenolith.core.image.debian.LampInput;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The LAMP image under our own host: it serves, says how much memory is free, sleeps when nobody
 * visits it, stops in order.
 */
@Tag("proof")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class LampBootTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final Pattern WAKES = Pattern.compile("(\\d+) wakes");

    @TempDir private Path folder;
    private final GuestConsole console = new GuestConsole();

    @Test
    void theSiteCountsItsVisitsAndTheGuestStopsInOrder() throws Exception {
        LampImage.Input input = LampInput.orSkip();
        BootOptions options =
                BootFixture.debian(input.boot(), "hostname=web7", 128 * BootFixture.MIB, 1);
        try (Host host = hostFor(options);
                Guest guest = guestOf(host, options, input)) {
            guest.start();
            expect(LampImage.READY_MARKER);
            expect("root@web7:~# ");
            assertThat(guest.balloon().availableKib())
                    .as("MemAvailable by the guest's own word")
                    .isNotEmpty();
            assertThat(guest.balloon().availableKib().getAsLong()).isBetween(1L << 10, 128L << 10);

            for (int visit = 1; visit <= 3; visit++) {
                console.type("busybox wget -q -O - http://localhost/\n");
                expect("this is visit " + visit + ".");
            }
            assertThat(console.text()).contains("<h1>web7</h1>");

            guest.request(Guest.Request.POWEROFF);
            expect("lamp: stopped");
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
        }
        assertThat(console.text()).doesNotContain("Call Trace", "Out of memory", "EXT4-fs error");
    }

    /**
     * A host of hundreds of such guests has little else to do than what they do when they have
     * nothing to do. Linux would wake three times as often without the image's settings.
     */
    @Test
    void aGuestThatNobodyVisitsWakesFiveTimesASecondAtMost() throws Exception {
        LampImage.Input input = LampInput.orSkip();
        BootOptions options =
                BootFixture.debian(
                                input.boot(),
                                "hostname=web7 warm=/index.php/warm",
                                128 * BootFixture.MIB,
                                1)
                        .toBuilder()
                        .virtualTime(true)
                        .build();
        try (Host host = hostFor(options);
                Guest guest = guestOf(host, options, input)) {
            guest.start();
            expect("lamp: WARM");
            console.type(
                    "ticks() { busybox awk '/timer0/ { print $2 }' /proc/interrupts; }; a=$(ticks);"
                            + " sleep 60; echo $((($(ticks) - a) / 60)) wakes; echo sle''pt\n");
            expect("slept");
            Matcher wakes = WAKES.matcher(console.text());
            assertThat(wakes.find()).as("%s", console.text()).isTrue();
            assertThat(Integer.parseInt(wakes.group(1))).isBetween(1, 5);
        }
    }

    @Test
    void siteOnADiskOfItsOwnIsSetUpOnceAndServed() throws Exception {
        LampImage.Input input = LampInput.orSkip();
        Path site = Files.createDirectories(folder.resolve("site/html")).getParent();
        Files.writeString(
                site.resolve("html/index.php"),
                "<?php foreach ((new mysqli('localhost', 'www-data', '', 'own'))->query('SELECT n"
                        + " FROM t') as $row) echo $row['n'], ' of ', ini_get('memory_limit'),"
                        + " \"\\n\";");
        Files.writeString(site.resolve("php.ini"), "memory_limit = 23M\n");
        Path setup = site.resolve("setup");
        Files.writeString(
                setup,
                """
                #!/bin/sh -e
                mariadb -e "CREATE DATABASE own; CREATE TABLE own.t (n INT); \
                    INSERT INTO own.t VALUES (4711); GRANT ALL ON own.* TO 'www-data'@'localhost'"
                """);
        Files.setPosixFilePermissions(setup, PosixFilePermissions.fromString("rwxr-xr-x"));
        BootOptions options =
                BootFixture.debian(input.boot(), "site=/dev/xvdb", 128 * BootFixture.MIB, 1);
        DiskSpec disk = DirectoryDisk.imageOf(DiskSpec.of(site));
        try (Host host = hostFor(options);
                Guest guest = guestOf(host, options, input)) {
            guest.devices()
                    .attach(
                            new Disk(
                                    DiskName.parse("xvdb"),
                                    DiskImage.openEphemeral(disk.file(), null, folder),
                                    site.toString()));
            guest.start();
            expect(LampImage.READY_MARKER);
            console.type("busybox wget -q -O - http://127.0.0.1/\n");
            expect("4711 of 23M");
        }
    }

    @Test
    void guestWhoseSiteCannotBeSetUpSaysWhyAndServesNothing() throws Exception {
        LampImage.Input input = LampInput.orSkip();
        BootOptions options =
                BootFixture.debian(input.boot(), "site=/dev/xvdc", 128 * BootFixture.MIB, 1);
        try (Host host = hostFor(options);
                Guest guest = guestOf(host, options, input)) {
            guest.start();
            expect("lamp: no site: there is no disk /dev/xvdc");
            expect("# ");
            assertThat(console.text()).doesNotContain(LampImage.READY_MARKER);
        }
    }

    private static Host hostFor(BootOptions options) throws IOException {
        return Host.start(options.memoryBytes() + Host.OVERHEAD_BYTES, 1);
    }

    private Guest guestOf(Host host, BootOptions options, LampImage.Input input)
            throws IOException {
        Guest guest = host.create(options, console);
        guest.devices()
                .attach(
                        new Disk(
                                DiskName.parse("xvda"),
                                DiskImage.openEphemeral(input.disk(), null, folder),
                                input.disk().toString()));
        return guest;
    }

    private void expect(String text) throws InterruptedException {
        assertThat(console.awaitText(text, PATIENCE)).as("%s", console.text()).isTrue();
    }
}
