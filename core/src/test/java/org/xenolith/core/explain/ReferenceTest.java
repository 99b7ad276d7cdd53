package org.xenolith.core.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.xenolith.core.abi.GrantCommand;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.Operation;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.StartInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.event.Virq;
import org.xenolith.core.grant.GrantTableOps;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.mm.MemoryOps;
import org.xenolith.core.mm.MmuExtOps;
import org.xenolith.core.mm.MmuUpdate;
import org.xenolith.core.xenstore.DomainTree;
import org.xenolith.core.xenstore.Xenstore;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

final class ReferenceTest {
    private static final Path DOCS = Path.of("..", "docs", "reference");
    private static final Path FRESH = Path.of("target", "reference");

    private final Reference reference = Reference.load();

    private Set<String> names(Kind kind) {
        return reference.of(kind).stream()
                .map(Entry::name)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    // ---- complete, and not more than that ----

    @Test
    void everyHypercallThatHasANameHasAText() {
        Set<String> named =
                Stream.iterate(0, n -> n + 1)
                        .limit(Hypercall.COUNT)
                        .map(Hypercall::name)
                        .filter(name -> !name.matches("\\d+"))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(names(Kind.HYPERCALL)).isEqualTo(named);
    }

    @Test
    void everyHypercallThatTheDispatcherKnowsHasATextThatNamesItsArguments() {
        Set<Integer> dispatched = SwitchKeys.of(Hypercalls.class, "dispatch");
        assertThat(dispatched).hasSizeGreaterThan(20).contains(Hypercall.MMU_UPDATE);
        for (int number : dispatched) {
            assertThat(reference.find(Hypercall.name(number))).hasSize(1);
            assertThat(Hypercall.arguments(number)).as(Hypercall.name(number)).isNotEmpty();
        }
        for (int number = 0; number < Hypercall.COUNT; number++) {
            if (!dispatched.contains(number)) {
                assertThat(Hypercall.arguments(number)).as(Hypercall.name(number)).isEmpty();
            }
        }
    }

    @Test
    void everyOperationThatAHandlerKnowsIsInTheTableAndTheReverse() throws Exception {
        Map<Integer, Set<Integer>> handled =
                Map.ofEntries(
                        Map.entry(Hypercall.MMU_UPDATE, SwitchKeys.of(MmuUpdate.class, "apply")),
                        Map.entry(Hypercall.MMUEXT_OP, SwitchKeys.of(MmuExtOps.class, "perform")),
                        Map.entry(Hypercall.MEMORY_OP, SwitchKeys.of(MemoryOps.class, "handle")),
                        Map.entry(
                                Hypercall.GRANT_TABLE_OP,
                                SwitchKeys.of(GrantTableOps.class, "handle")),
                        Map.entry(Hypercall.XEN_VERSION, handler("XenVersion")),
                        Map.entry(Hypercall.CONSOLE_IO, handler("ConsoleIoOps")),
                        Map.entry(Hypercall.VCPU_OP, handler("VcpuOps")),
                        Map.entry(Hypercall.SCHED_OP, handler("SchedOps")),
                        Map.entry(Hypercall.EVENT_CHANNEL_OP, handler("EventChannelOps")),
                        Map.entry(
                                Hypercall.PHYSDEV_OP, SwitchKeys.of(Hypercalls.class, "physdevOp")),
                        // These two have no switch: they compare with one number, or two.
                        Map.entry(Hypercall.CALLBACK_OP, Set.of(0, 1)),
                        Map.entry(Hypercall.VM_ASSIST, Set.of(0, 1)),
                        // This one has a switch, and a case that it treats before.
                        Map.entry(Hypercall.SET_SEGMENT_BASE, Set.of(0, 1, 2, 3)));
        Map<Integer, Set<Integer>> known =
                Operation.all().stream()
                        .collect(
                                Collectors.groupingBy(
                                        Operation::hypercall,
                                        Collectors.mapping(
                                                Operation::command, Collectors.toSet())));
        assertThat(known).isEqualTo(handled);
    }

    private static Set<Integer> handler(String name) throws ClassNotFoundException {
        return SwitchKeys.of(Class.forName("org.xenolith.core.hypercall." + name), "handle");
    }

    @Test
    void everyOperationHasAText() {
        assertThat(names(Kind.OPERATION))
                .isEqualTo(
                        Operation.all().stream()
                                .map(Operation::name)
                                .collect(Collectors.toCollection(TreeSet::new)));
    }

    @Test
    void everyErrorNumberHasAText() {
        assertThat(names(Kind.ERROR)).isEqualTo(constants(XenErrno.class, "E"));
    }

    @Test
    void everyStatusOfAGrantOperationHasAText() {
        assertThat(names(Kind.GRANT_STATUS)).isEqualTo(constants(GrantCommand.class, "GNTST_"));
    }

    @Test
    void everyVirtualInterruptAndReasonToShutDownHasAText() {
        Set<String> known =
                constants(Virq.class, "").stream()
                        .map(name -> "VIRQ_" + name)
                        .collect(Collectors.toCollection(TreeSet::new));
        constants(DomainEnd.class, "SHUTDOWN_").stream()
                .map(name -> "SHUTDOWN_" + name.substring(9).toLowerCase(Locale.ROOT))
                .forEach(known::add);
        assertThat(known).hasSize(11);
        assertThat(names(Kind.EVENT)).containsAll(known);
    }

    @Test
    void everyFieldOfTheFirstPagesHasAText() {
        Set<String> startInfo = constants(StartInfo.class, "");
        startInfo.removeIf(name -> name.matches("SIF_.*|.*_BYTES|SIZE|MAGIC_VALUE"));
        assertThat(names(Kind.START_INFO)).isEqualTo(fields("start_info", startInfo));

        Set<String> shared = fields("shared_info", constants(SharedInfo.class, ""));
        shared.addAll(fields("vcpu_info", constants(VcpuInfo.class, "")));
        shared.addAll(fields("vcpu_time_info", constants(VcpuInfo.Time.class, "")));
        shared.removeIf(name -> name.matches(".*\\.size|.*_max_vcpus|.*_bytes|.*flag_tsc_stable"));
        assertThat(names(Kind.SHARED_INFO)).isEqualTo(shared);
    }

    private static Set<String> constants(Class<?> type, String prefix) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> Modifier.isStatic(field.getModifiers()))
                .filter(field -> Modifier.isPublic(field.getModifiers()))
                .map(Field::getName)
                .filter(name -> name.startsWith(prefix))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> fields(String record, Set<String> constants) {
        return constants.stream()
                .map(name -> record + "." + name.toLowerCase(Locale.ROOT))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everythingThatAFreshDomainFindsInTheStoreHasAText() {
        Xenstore store = new Xenstore();
        UUID uuid = UUID.randomUUID();
        DomainTree.create(
                store, new DomainTree.Description(7, "g", uuid, 1024, 2048, 2, 5, 1, 6, 2));
        List<String> unexplained =
                new TreeSet<>(leaves(store, "/local/domain/7"))
                        .stream().filter(path -> reference.find(path).isEmpty()).toList();
        assertThat(unexplained).isEmpty();
    }

    private static Set<String> leaves(Xenstore store, String path) {
        Set<String> leaves = new TreeSet<>();
        for (String child : store.list(path)) {
            String below = path + "/" + child;
            leaves.addAll(store.list(below).isEmpty() ? Set.of(below) : leaves(store, below));
        }
        return leaves;
    }

    @ParameterizedTest
    @EnumSource
    void everyTextNamesAClassThatExists(Kind kind) {
        assertThat(reference.of(kind))
                .isNotEmpty()
                .allSatisfy(
                        entry ->
                                assertThat(Class.forName("org.xenolith." + entry.code()))
                                        .as(entry.name())
                                        .isNotNull());
    }

    // ---- the pages ----

    @ParameterizedTest
    @EnumSource
    void pageInTheDocumentationIsWhatTheTextsSay(Kind kind) throws IOException {
        String fresh = ReferencePage.markdown(reference, kind);
        Path page = DOCS.resolve(kind.file() + ".md");
        String written = Files.exists(page) ? Files.readString(page) : "";
        if (!written.equals(fresh)) {
            Files.createDirectories(FRESH);
            Files.writeString(FRESH.resolve(kind.file() + ".md"), fresh);
        }
        assertThat(written)
                .as("docs/reference is stale: cp core/target/reference/* docs/reference/")
                .isEqualTo(fresh);
    }

    @Test
    void textOnATerminalIsNoWiderThanOne() {
        for (Kind kind : Kind.values()) {
            for (Entry entry : reference.of(kind)) {
                assertThat(ReferencePage.plain(entry).lines())
                        .as(entry.name())
                        .allMatch(line -> line.length() <= 80 || !line.strip().contains(" "));
            }
        }
    }

    // ---- finding ----

    @ParameterizedTest
    @CsvSource({
        "mmu_update,mmu_update",
        "MMU_UPDATE,mmu_update",
        "__HYPERVISOR_sched_op,sched_op",
        "SCHEDOP_block,SCHEDOP_block",
        "block,SCHEDOP_block",
        "pin_l4_table,MMUEXT_PIN_L4_TABLE",
        "-EBUSY,EBUSY",
        "ebusy,EBUSY",
        "timer,VIRQ_TIMER",
        "nr_pages,start_info.nr_pages",
        "evtchn_upcall_mask,vcpu_info.evtchn_upcall_mask",
        "/local/domain/12/memory/target,/local/domain/DOMID/memory/target",
        "/local/domain/3/device/vbd/51712/ring-ref,/local/domain/DOMID/device/vbd/N/ring-ref",
        "/local/domain/0/backend/vif/3/0/bridge,/local/domain/0/backend/vif/DOMID/N/bridge"
    })
    void nameIsFoundAsPeopleWriteIt(String written, String found) {
        assertThat(reference.find(written)).extracting(Entry::name).containsExactly(found);
    }

    @Test
    void nameThatSeveralThingsHaveFindsThemAll() {
        assertThat(reference.find("ring-ref"))
                .extracting(Entry::name)
                .contains(
                        "/local/domain/DOMID/store/ring-ref",
                        "/local/domain/DOMID/console/ring-ref",
                        "/local/domain/DOMID/device/vbd/N/ring-ref");
    }

    @ParameterizedTest
    @CsvSource({
        "mmu_updaet,mmu_update",
        "event_chanel_op,event_channel_op",
        "EBUSSY,EBUSY",
        "SCHEDOP_blok,SCHEDOP_block"
    })
    void misspeltNameGetsASuggestion(String written, String meant) {
        assertThat(reference.find(written)).isEmpty();
        assertThat(reference.suggestions(written)).first().isEqualTo(meant);
    }

    @Test
    void nonsenseGetsNoSuggestion() {
        assertThat(reference.suggestions("qqqqqqqqqqqq")).isEmpty();
    }

    @Test
    void textFileThatIsNoneIsRefusedWithTheLine() {
        assertThatThrownBy(() -> TextFile.parse("x.txt", "a\n  what: b\nb\nc\n what"))
                .hasMessageContaining("x.txt")
                .hasMessageContaining(" what");
        assertThatThrownBy(() -> TextFile.parse("x.txt", "a\n  what: b\na\n"))
                .hasMessageContaining("two texts about a");
        assertThat(TextFile.parse("x.txt", "a\n  what: b\n    c: d\n").get("a"))
                .containsEntry("what", "b c: d");
    }
}
