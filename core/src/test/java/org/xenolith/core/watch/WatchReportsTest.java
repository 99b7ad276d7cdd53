package org.xenolith.core.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.backend.DomainRings;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.xenstore.Xenstore;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.pv.host.WatchedRing;
import org.xenolith.pv.ring.ByteRing;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

final class WatchReportsTest {
    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final TestDomain memory = guest.memory;
    private final FrameTable frames = guest.domain.frames();

    private static JsonObject row(JsonArray rows, String member, Object value) {
        for (JsonElement row : rows) {
            if (row.getAsJsonObject().get(member).getAsString().equals("" + value)) {
                return row.getAsJsonObject();
            }
        }
        throw new AssertionError("no row with " + member + " " + value + " in " + rows);
    }

    // ---- pages ----

    @Test
    void typesOfAllFramesAreCounted() {
        JsonArray totals = new PageTypesReport(frames).totals();
        assertThat(row(totals, "type", "L4").get("frames").getAsInt()).isEqualTo(2);
        assertThat(row(totals, "type", "L4").get("pinned").getAsInt()).isEqualTo(2);
        assertThat(row(totals, "type", "L1").get("frames").getAsInt()).isPositive();
        long sum = 0;
        for (JsonElement row : totals) {
            sum += row.getAsJsonObject().get("frames").getAsLong();
        }
        assertThat(sum).isEqualTo(frames.reservation().currentPages());
    }

    @Test
    void mapIsMadeOfRunsThatAreUsedAlikeAndKeepsToItsLimit() {
        JsonArray map = new PageTypesReport(frames).map(0, 10_000);
        long sum = 0;
        for (JsonElement run : map) {
            sum += run.getAsJsonObject().get("frames").getAsLong();
        }
        assertThat(sum).isEqualTo(frames.reservation().currentPages());
        assertThat(new PageTypesReport(frames).map(0, 2)).hasSize(2);
    }

    @Test
    void treeLeadsFromTheRootToThePages() {
        JsonObject tree = new PageTablesReport(frames).tree(memory.l4, 4, 10_000);
        JsonObject entry = tree.getAsJsonArray("entries").get(0).getAsJsonObject();
        for (int level = 3; level > 0; level--) {
            assertThat(entry.get("level").getAsInt()).isEqualTo(level);
            entry = entry.getAsJsonArray("entries").get(0).getAsJsonObject();
        }
        assertThat(entry.has("level")).isFalse();
        assertThat(entry.get("flags").getAsString()).startsWith("w");
        assertThat(tree.get("complete").getAsBoolean()).isTrue();
    }

    @Test
    void treeIsAsDeepAndLargeAsItMayBe() {
        PageTablesReport report = new PageTablesReport(frames);
        assertThat(report.tree(memory.l4, 0, 10).getAsJsonArray("entries")).isEmpty();
        JsonObject cut = report.tree(memory.l4, 4, 5);
        assertThat(cut.get("complete").getAsBoolean()).isFalse();
        assertThat(cut.toString().split("\"slot\"")).hasSize(6);
    }

    @Test
    void frameThatIsNoRootHasNoTree() {
        PageTablesReport report = new PageTablesReport(frames);
        assertThat(report.tree(memory.l1, 4, 10)).isNull();
        assertThat(report.tree(0, 4, 10)).isNull();
        assertThat(report.tree(-1, 4, 10)).isNull();
    }

    @Test
    void whoMapsAFrameIsToldWithItsAddress() {
        long mfn = memory.pages[1];
        JsonArray before = new PageTablesReport(frames).mappers(mfn, memory.l4, 100);
        vcpu.mmu().write64(PvGuest.ARGUMENTS, (memory.l1 << 12) + 0x70 * 8);
        vcpu.mmu().write64(PvGuest.ARGUMENTS + 8, TestDomain.entry(mfn, Pte.PRESENT));
        assertThat(guest.call(vcpu, Hypercall.MMU_UPDATE, PvGuest.ARGUMENTS, 1, 0, 0x7ff0))
                .isZero();

        JsonArray mappers = new PageTablesReport(frames).mappers(mfn, memory.l4, 100);
        assertThat(mappers).hasSize(before.size() + 1);
        JsonObject added = row(mappers, "slot", 0x70);
        assertThat(added.get("vaddr").getAsString()).isEqualTo("0x70000");
        assertThat(added.get("table").getAsString()).isEqualTo("0x" + Long.toHexString(memory.l1));
        assertThat(added.get("flags").getAsString()).startsWith("-");
        assertThat(new PageTablesReport(frames).mappers(mfn, memory.l4, 1)).hasSize(1);
    }

    @Test
    void oneFrameTellsItsTypeAndUses() {
        JsonObject frame = new PageTypesReport(frames).frame(memory.l4);
        assertThat(frame.get("type").getAsString()).isEqualTo(FrameType.name(FrameType.L4_TABLE));
        assertThat(frame.get("pinned").getAsBoolean()).isTrue();
        assertThat(new PageTypesReport(frames).frame(Long.MAX_VALUE).has("type")).isFalse();
        assertThat(new PageTypesReport(frames).frame(-1).has("type")).isFalse();
    }

    // ---- events ----

    @Test
    void channelsTellWhatTheyAreAndWhatWaits() {
        int virq = guest.domain.events().bindVirq(0, 1);
        int ipi = guest.domain.events().bindIpi(0);
        int offered = guest.domain.events().allocateUnbound(5);
        guest.domain.events().send(ipi);
        JsonObject report = EventsReport.of(guest.domain, Map.of(offered, "console"));
        JsonArray channels = report.getAsJsonArray("channels");
        assertThat(channels).hasSize(3);
        assertThat(row(channels, "port", virq).get("virq").getAsString()).isEqualTo("VIRQ_TIMER");
        assertThat(row(channels, "port", virq).get("vcpu").getAsInt()).isEqualTo(1);
        assertThat(row(channels, "port", ipi).get("pending").getAsBoolean()).isTrue();
        assertThat(row(channels, "port", offered).get("remote_domain").getAsInt()).isEqualTo(5);
        assertThat(row(channels, "port", offered).get("use").getAsString()).isEqualTo("console");
        assertThat(report.getAsJsonArray("vcpus")).hasSize(2);
    }

    // ---- grants ----

    @Test
    void grantsTellWhoMayAndWhoDoes() {
        guest.domain.grants().preset(0, 0, memory.pages[1]);
        guest.domain.grants().preset(3, 9, memory.pages[2]);
        try (var _ = guest.domain.grants().access(9, 3, true)) {
            JsonObject report = GrantsReport.of(guest.domain, List.of(), 100);
            assertThat(report.get("granted_count").getAsInt()).isEqualTo(2);
            JsonObject used = row(report.getAsJsonArray("granted"), "ref", 3);
            assertThat(used.get("to").getAsInt()).isEqualTo(9);
            assertThat(used.get("users").getAsInt()).isEqualTo(1);
            assertThat(used.get("writers").getAsInt()).isEqualTo(1);
        }
        JsonObject report = GrantsReport.of(guest.domain, List.of(), 1);
        assertThat(report.getAsJsonArray("granted")).hasSize(1);
        assertThat(report.get("granted_count").getAsInt()).isEqualTo(2);
    }

    // ---- rings ----

    @Test
    void indicesOfALyingGuestAreShownAsTheyAre() {
        JsonArray rings =
                RingsReport.of(
                        List.of(new ByteRing.State("console output", 2048, 3, 5)),
                        List.of(
                                new DomainRings.State(
                                        "vbd/7/51712",
                                        "ring 0",
                                        32,
                                        false,
                                        new WatchedRing.Indices(-1, 4, 4, 5, 6)),
                                new DomainRings.State(
                                        "9pfs/7/0",
                                        "ring 0 out",
                                        4096,
                                        true,
                                        new WatchedRing.Indices(9, 2, 0, 0, 0))));
        assertThat(rings.get(0).getAsJsonObject().get("pending").getAsLong())
                .isEqualTo(0xffff_fffeL);
        JsonObject disk = rings.get(1).getAsJsonObject();
        assertThat(disk.get("producer").getAsLong()).isEqualTo(0xffff_ffffL);
        assertThat(disk.get("unanswered").getAsLong()).isZero();
        JsonObject stream = rings.get(2).getAsJsonObject();
        assertThat(stream.get("unit").getAsString()).isEqualTo("bytes");
        assertThat(stream.get("pending").getAsLong()).isEqualTo(7);
        assertThat(stream.has("responses")).isFalse();
    }

    // ---- xenstore ----

    @Test
    void valuesInTheStoreAreEscaped() {
        Xenstore store = new Xenstore();
        store.writeBytes("/a/b", "x\u001b[2J\n\"\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        JsonArray nodes = StoreReport.list(store, "/a");
        assertThat(nodes).hasSize(2);
        assertThat(row(nodes, "path", "/a/b").get("value").getAsString())
                .isEqualTo("x\\x1b[2J\\x0a\"\\xe9");
        assertThat(StoreReport.list(store, "/nothing")).isEmpty();
    }
}
