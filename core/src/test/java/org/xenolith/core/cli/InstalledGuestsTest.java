package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.disk.DiskReport;
import org.xenolith.guests.GuestImages;

import java.io.IOException;
import java.io.PrintWriter;

final class InstalledGuestsTest {
    @Test
    void hearthBootsWhenNothingIsNamedAndItsKernelIsTheOneInTheJar() throws IOException {
        InstalledGuests guests = new InstalledGuests();
        String first = guests.names().getFirst();

        KnownGuests.Files files =
                guests.prepare(
                        first, false, new StatusLine(new PrintWriter(System.err, true), false));

        assertThat(first).isEqualTo(GuestImages.HEARTH);
        assertThat(files.kernel()).hasBinaryContent(GuestImages.read(GuestImages.HEARTH));
    }

    @Test
    void inspectionOfTheDiskOfLampDoesNotEndByTellingThatItBootsNothing() {
        String text = "lamp.img: disk, raw\n  verdict         boots nothing by itself: why\n";
        Services.Inspection told = Wiring.ofLamp(new DiskReport(text, false));
        assertThat(told.bootable()).isTrue();
        assertThat(told.text())
                .isEqualTo(
                        text
                                + "  guest           'vmm boot lamp' boots it, with Debian's kernel"
                                + " and its own initial RAM disk\n");
    }
}
