package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;

/** The commands that start no guest: help, images, names that are explained, labs. */
final class VmmTest extends FakeVmm {
    @Test
    void helpShowsThatTopicsOfATraceMayBeLeftOut() {
        assertThat(vmm("trace", "--help")).isZero();
        assertThat(out.toString()).contains(" GUEST [TOPIC[,TOPIC...]]");
    }

    @Test
    void helpAndVersionAreThereUnderAllTheirNames() {
        vmm("boot", "--help");
        String help = out.toString();
        out.getBuffer().setLength(0);
        assertThat(vmm("help", "boot")).isZero();
        assertThat(out.toString()).isEqualTo(help).contains("vmm boot [IMAGE]");
        assertThat(vmm("help")).isZero();
        assertThat(out.toString()).contains("Commands:");
        out.getBuffer().setLength(0);
        assertThat(vmm("--version")).isZero();
        assertThat(out.toString()).startsWith("Xenolith ");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void imageTellsWhereItsFilesAre() {
        assertThat(vmm("image", "debian")).isZero();
        assertThat(out.toString())
                .isEqualTo(
                        """
                        kernel        debian.vmlinuz
                        initrd        debian.cpio
                        command line  debian defaults
                        """);
        assertThat(err.toString()).isEqualTo("Looking for news ...\n");
    }

    @Test
    void inspectPrintsWhatTheFileIs() {
        assertThat(vmm("inspect", kernel.toString())).isZero();
        assertThat(out.toString()).isEqualTo("11 bytes\n");
        assertThat(vmm("inspect", initrd.toString())).as("not bootable").isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "boot --help",
                "up --help",
                "image -h",
                "inspect --help",
                "version -h"
            })
    void everyCommandExplainsItself(String line) {
        assertThat(vmm(line.split(" "))).isZero();
        assertThat(out.toString()).contains("Usage: vmm");
        assertThat(out.toString().lines()).allSatisfy(l -> assertThat(l).hasSizeLessThan(101));
    }

    @Test
    void explainTellsWhatANameMeansAndWhereItIsImplemented() {
        assertThat(vmm("explain", "mmu_update")).isZero();
        assertThat(out.toString())
                .contains("mmu_update(requests, count, done, foreign_dom)")
                .contains("org.xenolith.core.mm.MmuUpdate");
    }

    @Test
    void explainTakesAnErrorAsATraceShowsIt() {
        assertThat(vmm("explain", "-EBUSY")).isZero();
        assertThat(out.toString()).startsWith("EBUSY");
    }

    @Test
    void explainSuggestsWhatMayBeMeant() {
        assertThat(vmm("explain", "mmu_updaet")).isEqualTo(1);
        assertThat(err.toString()).contains("mmu_updaet").contains("Did you mean mmu_update");
    }

    @Test
    void versionNamesTheProgramAndItsJava() {
        assertThat(vmm("version")).isZero();
        assertThat(out.toString())
                .startsWith("Xenolith ")
                .contains(" on Java " + Runtime.version().feature());
    }

    @Test
    void labsAreListedAndStartedWithoutOverwritingAnything() throws IOException {
        assertThat(vmm("lab")).isZero();
        assertThat(out.toString()).contains("   1  What is a virtual machine?");
        Path work = folder.resolve("mine");
        assertThat(vmm("lab", "start", "9", work.toString())).isZero();
        assertThat(out.toString()).contains("vmm lab check 9 " + work);
        assertThat(work.resolve("FairScheduler.java")).exists();
        assertThat(vmm("lab", "start", "9", work.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("FairScheduler.java is there already");
    }

    @Test
    void labThatIsNotPassedIsExplainedAndHasAStatusOfItsOwn() {
        String work = folder.resolve("mine").toString();
        vmm("lab", "start", "9", work);
        assertThat(vmm("lab", "check", "9", work)).isEqualTo(1);
        assertThat(out.toString())
                .contains("  FAIL  three that compute, alike")
                .contains("fair is a third each");
        assertThat(out.toString().lines()).allMatch(line -> line.length() <= 160);
    }
}
