package org.xenolith.core.image.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.image.Compression;
import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.ImageReport;
import org.xenolith.core.image.KernelImage;
import org.xenolith.core.image.XenFeature;
import org.xenolith.core.image.XenNotes;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

@DisabledOnOs(OS.WINDOWS)
class DebianImageTest {
    /** Stands in for apt: knows the packages, and downloads whatever $DOWNLOAD says. */
    private static final String APT_CACHE =
            """
            #!/bin/sh
            for last; do :; done
            case $last in
            linux-image-cloud-amd64)
                echo "Package: $last"
                echo "Version: 6.1.1-1"
                echo "Depends: linux-image-6.1.0-1-cloud-amd64 (= 6.1.1-1)" ;;
            busybox-static)
                echo "Package: $last"
                echo "Version: 1:1.35.0-4" ;;
            esac
            """;

    @TempDir private Path directory;

    private Path cache() {
        return directory.resolve("cache");
    }

    private String program(String name, String script) throws IOException {
        Path file = Files.writeString(directory.resolve(name), script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file.toString();
    }

    /** An apt-get whose {@code update} fills the lists and whose {@code download} runs a script. */
    private String aptGet(String download) throws IOException {
        return program(
                "apt-get",
                """
                #!/bin/sh
                for word; do
                    case $word in
                    Dir::State=*) state=${word#Dir::State=} ;;
                    update) touch "$state/lists/some_Packages"; exit 0 ;;
                    download) %s ;;
                    esac
                done
                """
                        .formatted(download));
    }

    private DebianImage image(String aptGet, String dpkgDeb) throws IOException {
        return new DebianImage(
                cache(),
                new AptPackages.Programs(
                        aptGet, program("apt-cache", APT_CACHE), "apt-config", dpkgDeb),
                new DebianInitramfs());
    }

    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.list(cache())) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals("lock") && !name.equals("apt"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void aMachineWithoutAptIsToldWhatToDo() throws IOException {
        assertThatThrownBy(
                        () ->
                                image("/nonexistent/apt-get", "dpkg-deb")
                                        .prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessage(
                        "this machine has no /nonexistent/apt-get to fetch Debian's packages with;"
                                + " pass -k KERNEL and -i INITRD instead");
    }

    @Test
    void aMachineWhoseAptKnowsNoSuchKernelIsToldWhatToDo() throws IOException {
        DebianImage image =
                new DebianImage(
                        cache(),
                        new AptPackages.Programs(
                                aptGet("exit 0"), "true", "apt-config", "dpkg-deb"),
                        new DebianInitramfs());

        assertThatThrownBy(() -> image.prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessage(
                        "this machine's apt knows no package linux-image-cloud-amd64 (it is one of"
                                + " Debian's); pass -k KERNEL and -i INITRD instead");
    }

    @Test
    void aFailedUpdateWithoutAnyListsSaysWhy() throws IOException {
        String apt = program("apt-get", "#!/bin/sh\necho 'E: no network here'\nexit 100\n");

        assertThatThrownBy(() -> image(apt, "dpkg-deb").prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessage(
                        "apt cannot read Debian's package lists (no network here);"
                                + " pass -k KERNEL and -i INITRD instead");
    }

    @Test
    void anInterruptedDownloadLeavesNothingInPlace() throws IOException {
        String apt = aptGet("echo half >linux-image.deb; echo 'E: connection lost' >&2; exit 100");

        assertThatThrownBy(() -> image(apt, "dpkg-deb").prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(" (connection lost)")
                .hasMessageStartingWith("apt cannot download linux-image-");
        assertThat(left()).isEmpty();
    }

    @Test
    void aPackageThatCannotBeUnpackedLeavesNoImage() throws IOException {
        String apt = aptGet("echo 1 >busybox.deb; echo 2 >linux-image.deb; exit 0");
        String dpkg = program("dpkg-deb", "#!/bin/sh\necho 'not a package' >&2\nexit 2\n");

        assertThatThrownBy(() -> image(apt, dpkg).prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class)
                .hasMessage("dpkg-deb cannot unpack busybox.deb (not a package)");
        Path release = cache().resolve(Files.readString(cache().resolve("current")).strip());
        try (Stream<Path> files = Files.list(release)) {
            assertThat(files)
                    .extracting(Path::getFileName)
                    .allMatch(one -> one.toString().endsWith(".deb"));
        }
        assertThat(left()).noneMatch(name -> name.endsWith(".part"));
    }

    @Test
    void whatAKilledRunLeftIsSweptByTheNext() throws IOException {
        Files.createDirectories(cache().resolve("work.part/archives"));
        Files.writeString(cache().resolve("work.part/archives/half.deb"), "half");

        assertThatThrownBy(
                        () -> image(aptGet("exit 100"), "dpkg-deb").prepare(false, Progress.NONE))
                .isInstanceOf(ImageException.class);
        assertThat(left()).isEmpty();
    }

    @Test
    void theCacheFollowsTheXdgRule() {
        assertThat(ImageCache.under("/var/tmp/c", "/home/u", "/home/u"))
                .isEqualTo(Path.of("/var/tmp/c/xenolith"));
        for (String none : new String[] {null, "", "relative"}) {
            assertThat(ImageCache.under(none, "/home/u", "/home/u"))
                    .isEqualTo(Path.of("/home/u/.cache/xenolith"));
        }
    }

    @Test
    void aHomeThatTheUserDatabaseDoesNotKnowHasTheCache() {
        assertThat(ImageCache.under(null, "/srv/u", "/home/u"))
                .isEqualTo(Path.of("/srv/u/.cache/xenolith"));
        for (String none : new String[] {null, "", "relative"}) {
            assertThat(ImageCache.under(null, none, "/home/u"))
                    .isEqualTo(Path.of("/home/u/.cache/xenolith"));
        }
    }

    @Test
    void debiansKernelIsReadWithEveryNoteAPvGuestHas() throws ImageException {
        KernelImage image = KernelImage.read(DebianInput.orSkip().kernel());
        XenNotes notes = image.requirePv();

        assertThat(image.bootProtocol().orElseThrow().kernelVersion().orElseThrow())
                .contains("-cloud-amd64");
        assertThat(image.payloadCompression()).isNotEqualTo(Compression.NONE);
        assertThat(notes.virtBase()).isEqualTo(0xffffffff80000000L);
        assertThat(notes.paddrOffset()).isZero();
        assertThat(notes.initP2m()).hasValue(0x8000000000L);
        assertThat(notes.hvStartLow()).hasValue(0xffff800000000000L);
        assertThat(notes.l1MfnValid()).contains(new XenNotes.L1MfnValid(1, 1));
        assertThat(notes.modStartPfn()).isTrue();
        assertThat(notes.suspendCancel()).isTrue();
        assertThat(notes.requiredFeatures()).containsExactly(XenFeature.WRITABLE_PAGE_TABLES);
        long entry = notes.entry().orElseThrow();
        assertThat(image.elf().loadSegments())
                .as("the entry lies in a segment")
                .anyMatch(segment -> holds(segment, entry));
    }

    private static boolean holds(ElfImage.Segment segment, long vaddr) {
        return Long.compareUnsigned(vaddr, segment.vaddr()) >= 0
                && Long.compareUnsigned(vaddr - segment.vaddr(), segment.memorySize()) < 0;
    }

    @Test
    void theInitrdHoldsWhatTheGuestNeeds() throws IOException {
        Path initrd = DebianInput.orSkip().initrd();

        ImageReport.Contents contents = ImageReport.of(initrd).contents();

        assertThat(contents)
                .isInstanceOfSatisfying(
                        ImageReport.Initrd.class,
                        found -> {
                            assertThat(found.image().parts()).hasSize(1);
                            assertThat(found.image().parts().getFirst().hasInit()).isTrue();
                        });
        assertThat(Files.readString(initrd, java.nio.charset.StandardCharsets.ISO_8859_1))
                .contains(
                        "bin/busybox\0",
                        "sbin/memory-agent\0",
                        "xen-blkfront.ko\0",
                        "xen-netfront.ko\0",
                        "alias xen:vbd xen_blkfront\n",
                        "kernel/drivers/xen/xenfs/xenfs.ko: kernel/drivers/xen/xen-privcmd.ko\n");
    }

    @Test
    void aCachedImageIsTakenWithoutAskingApt() {
        BootInput first = DebianInput.orSkip();
        List<Progress.Step> steps = new ArrayList<>();

        BootInput second = DebianInput.orSkip((step, fraction) -> steps.add(step));

        assertThat(second).isEqualTo(first);
        assertThat(steps).isEmpty();
    }
}
