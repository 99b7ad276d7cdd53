package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.lab.GuestCompiler;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.NetworkSpec;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Each micro-guest ends as it says, and does not when what it tries is broken: the broken ones are
 * made from its source by one change.
 */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class MicroGuestBootTest {
    private static final Path MICRO = Path.of("../guests/src/main/guest/micro");
    private static final Path NEW_GUEST = Path.of("../guests/new-guest");
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long MEMORY = 8 * BootFixture.MIB;

    /** Broken guests wait in vain: not for long. */
    private static final String HURRY = "patience=400";

    private static final int SUCCESS = 0;
    private static final int FAILURE = 64;
    private static final int SKIP = 77;
    private static final int ERROR = 99;
    private static final int SECTOR = 512;

    /** A domain that there is not. */
    private static final int ABSENT = 4;

    private static GuestCompiler compiler;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();
    private final GuestConsole secondConsole = new GuestConsole();

    @BeforeAll
    static void createCompiler() throws IOException {
        List<String> missing = GuestCompiler.missingTools();
        HostNeeds.require(missing.isEmpty(), missing + " to build micro-guests");
        compiler = GuestCompiler.create();
    }

    @AfterAll
    static void removeImages() {
        if (compiler != null) {
            compiler.close();
        }
    }

    private static Path sound(String name) throws IOException {
        return compiler.build(name, List.of(MICRO.resolve(name + ".c")));
    }

    /** The guest with one passage of its source replaced. */
    private Path broken(String name, String passage, String replacement) throws IOException {
        String source = Files.readString(MICRO.resolve(name + ".c"));
        assertThat(source.split(Pattern.quote(passage), -1))
                .as("passages '%s' in %s", passage, name)
                .hasSize(2);
        Path file = folder.resolve(name + ".c");
        Files.writeString(file, source.replace(passage, replacement));
        return compiler.build(name, List.of(file));
    }

    private static BootOptions bare(Path image, String commandLine) {
        return BootFixture.options(image, null, commandLine, MEMORY, 1, false);
    }

    /** With a disk of 64 sectors and an interface on the NAT. */
    private BootOptions options(Path image, String commandLine, int vcpus) throws IOException {
        Path disk = folder.resolve("disk.img");
        if (!Files.exists(disk)) {
            Files.write(disk, new byte[64 * SECTOR]);
        }
        GuestDevices devices =
                new GuestDevices(
                        List.of(
                                new DiskSpec(
                                        disk,
                                        Optional.empty(),
                                        Optional.empty(),
                                        false,
                                        false,
                                        Optional.empty())),
                        List.of(NetworkSpec.parse("nat")),
                        List.of());
        return BootFixture.options(image, null, commandLine, MEMORY, vcpus, false).with(devices);
    }

    private int codeOf(Guest guest, GuestConsole output) {
        Outcome.Ending ending = guest.await(Optional.of(PATIENCE)).ending();
        assertThat(ending).as(output.text()).isInstanceOf(Outcome.PoweredOff.class);
        return ((Outcome.PoweredOff) ending).code();
    }

    private int run(Path image, String commandLine, int vcpus) throws IOException {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = host.create(options(image, commandLine, vcpus), console);
            guest.start();
            return codeOf(guest, console);
        }
    }

    private void runsTo(int code, String words, Path image, int vcpus) throws IOException {
        int ended = run(image, code == FAILURE ? HURRY : "", vcpus);
        assertThat(console.text()).contains(words).containsOnlyOnce("\n");
        assertThat(ended).as(console.text()).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource({
        "hello, 1, hello from Xen 4.17",
        "pingpong, 2, 500 round trips between two vCPUs",
        "pagetables, 1, 'writable or a page table, never both'",
        "emulate, 1, an entry takes",
        "blkring, 1, sector 7 of 64 was written and read",
        "netring, 1, 10.0.2.2 is at",
        "balloon, 1, 16 of 2048 pages",
        "smp, 2, vCPU 1 ran twice",
        "suspend, 1, gone on as before",
        "hostile, 1, 'page tables, grants and rings held'"
    })
    void micro(String name, int vcpus, String words) throws IOException {
        runsTo(SUCCESS, name + ": success: ", sound(name), vcpus);
        assertThat(console.text()).contains(words);
    }

    @ParameterizedTest
    @CsvSource({
        "hello, 1, unknown == -ENOSYS, unknown == 0",
        "pingpong, 2, pings++;, pings++; return;",
        "pagetables, 1, 'mmuext(MMUEXT_UNPIN_TABLE, mfn) == 0', 'mfn != 0'",
        "emulate, 1, 'u64 flags = i % 2 == 0 ? PTE_KERNEL_RO : PTE_KERNEL', u64 flags ="
                + " PTE_KERNEL_RO",
        "blkring, 1, 'transfer(BLKIF_OP_READ, read)', 'transfer(BLKIF_OP_WRITE, read)'",
        "netring, 1, '.target_ip = {10, 0, 2, 2}', '.target_ip = {10, 0, 2, 77}'",
        "balloon, 1, 'EXPECT(set_pte(pages[i], 0) == 0, \"page %u cannot be unmapped\", i);', ;",
        "smp, 2, '__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);\n"
                + "        hypercall', 'counter = 5;\n        hypercall'",
        "suspend, 1, *page = PATTERN;, *page = 7;",
        "hostile, 1, 'SHARED(ring[0]) = 0xfffffff0', 'SHARED(ring[0]) = 0'"
    })
    void brokenMicroGuestFails(String name, int vcpus, String passage, String replacement)
            throws IOException {
        runsTo(FAILURE, name + ": failure: ", broken(name, passage, replacement), vcpus);
    }

    @Test
    void guestWithoutWhatItNeedsSkips() throws IOException {
        runsTo(SKIP, "smp: skip: this domain has one vCPU", sound("smp"), 1);
    }

    @Test
    void guestInTroubleOfItsOwnEndsInAnError() throws IOException {
        Path image = broken("hello", "    long version =", "    return;\n    long version =");
        runsTo(ERROR, "hello: error: the guest ended without an outcome", image, 1);
    }

    // ---- two guests

    private void twoRun(Path first, String firstLine, Path second, String secondLine, int code)
            throws IOException {
        try (Host host = Host.start(1L << 30, 2)) {
            String patience = code == FAILURE ? " " + HURRY : "";
            Guest one = host.create(bare(first, firstLine + patience), console);
            Guest two = host.create(bare(second, secondLine + patience), secondConsole);
            one.start();
            two.start();
            assertThat(codeOf(two, secondConsole)).as(secondConsole.text()).isEqualTo(code);
            assertThat(codeOf(one, console)).as(console.text()).isEqualTo(code);
        }
    }

    @Test
    void twoDomainsWakeEachOther() throws IOException {
        Path image = sound("pingpong-domains");
        twoRun(image, "peer=2 serve=1", image, "peer=1", SUCCESS);
        assertThat(secondConsole.text()).contains("500 round trips to domain 1");
    }

    @Test
    void domainThatDoesNotAnswerIsNoticed() throws IOException {
        Path image =
                broken("pingpong-domains", "received++;\n", "received++;\n    if (serves) return;");
        twoRun(image, "peer=2 serve=1", image, "peer=1", FAILURE);
    }

    @Test
    void twoDomainsShareAPage() throws IOException {
        Path image = sound("share");
        twoRun(image, "peer=2 own=1", image, "peer=1", SUCCESS);
    }

    @Test
    void grantForSomebodyElseIsNoticedByBoth() throws IOException {
        Path image = broken("share", "grant(FIRST_FREE_GRANT, peer,", "grant(FIRST_FREE_GRANT, 7,");
        twoRun(image, "peer=2 own=1", image, "peer=1", FAILURE);
    }

    @Test
    void hostileGuestLeavesItsNeighboursAlone() throws IOException {
        try (Host host = Host.start(1L << 30, 2)) {
            // It offers a page to a guest that does not come, and has patience with it.
            String offer = "peer=" + ABSENT + " own=1 patience=60000";
            Guest victim = host.create(bare(sound("share"), offer), secondConsole);
            victim.start();
            awaitGrantTo(ABSENT, victim);
            Guest hostile = host.create(options(sound("hostile"), "victim=1", 1), console);
            hostile.start();
            assertThat(codeOf(hostile, console)).as(console.text()).isEqualTo(SUCCESS);
            assertThat(victim.hasEnded()).as(secondConsole.text()).isFalse();
            hostile.close();
            GuestConsole late = new GuestConsole();
            Guest neighbour = host.create(options(sound("blkring"), "", 1), late);
            neighbour.start();
            assertThat(codeOf(neighbour, late)).as(late.text()).isEqualTo(SUCCESS);
            assertThat(victim.hasEnded()).as(secondConsole.text()).isFalse();
        }
    }

    private void awaitGrantTo(int grantee, Guest guest) {
        while (!guest.whileStill(() -> grantsTo(grantee, guest)).orElseThrow()) {
            assertThat(guest.hasEnded()).as(secondConsole.text()).isFalse();
            Thread.yield();
        }
    }

    private static boolean grantsTo(int grantee, Guest guest) {
        return guest.domain().grants().entries().stream()
                .anyMatch(entry -> entry.grantee() == grantee);
    }

    // ---- what the host sees

    @Test
    void sectorThatWasWrittenByHandIsOnTheHostsDisk() throws IOException {
        run(sound("blkring"), "", 1);
        ByteBuffer disk =
                ByteBuffer.wrap(Files.readAllBytes(folder.resolve("disk.img")))
                        .order(ByteOrder.LITTLE_ENDIAN);
        assertThat(disk.getLong(7 * SECTOR + 8)).isEqualTo(0x6b7365640001L);
    }

    private int resume(Path image) throws Exception {
        try (Host host = Host.start(1L << 30, 2)) {
            Guest guest = host.create(bare(image, ""), console);
            CountDownLatch stands = new CountDownLatch(1);
            guest.domain().suspending().onRequest(stands::countDown);
            guest.start();
            assertThat(stands.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            guest.pause();
            guest.resumeFresh();
            return codeOf(guest, console);
        }
    }

    @Test
    void guestThatSuspendedItselfResumesAsANewDomain() throws Exception {
        assertThat(resume(sound("suspend"))).as(console.text()).isEqualTo(SUCCESS);
        assertThat(console.text()).contains("resumed as a new domain");
    }

    @Test
    void guestThatForgetsToBeginAgainDoesNotGetFar() throws Exception {
        Path image = broken("suspend", "if (answer == 0) port = begin_again();", "");
        assertThat(resume(image)).as(console.text()).isEqualTo(FAILURE);
    }

    // ---- guests/new-guest

    @Test
    void skeletonOfANewGuestRuns() throws Exception {
        Process script =
                new ProcessBuilder(NEW_GUEST.toString(), "try-it", folder.toString())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(script.getInputStream().readAllBytes());
        assertThat(script.waitFor()).as(output).isZero();
        Path image = compiler.build("try-it", List.of(folder.resolve("try-it.c")));
        runsTo(SUCCESS, "try-it: success: what was shown", image, 1);
    }

    @Test
    void everyMicroGuestIsTriedHere() throws IOException {
        try (Stream<Path> files = Files.list(MICRO)) {
            assertThat(
                            files.map(file -> file.getFileName().toString())
                                    .filter(name -> name.endsWith(".c")))
                    .containsExactlyInAnyOrder(
                            "hello.c",
                            "pingpong.c",
                            "pingpong-domains.c",
                            "pagetables.c",
                            "emulate.c",
                            "share.c",
                            "blkring.c",
                            "netring.c",
                            "balloon.c",
                            "smp.c",
                            "suspend.c",
                            "hostile.c");
        }
    }
}
