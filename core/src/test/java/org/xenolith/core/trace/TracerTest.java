package org.xenolith.core.trace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

class TracerTest {
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private final PvGuest guest = new PvGuest(1, GuestClock.virtual());
    private final VirtualCpu vcpu = guest.vcpu(0);

    /** mov eax, 17; xor edi, edi; syscall; hlt, which has no handler. */
    private List<String> runTraced(Set<TraceTopic> topics) {
        guest.put(PvGuest.CODE, 0xb8, Hypercall.XEN_VERSION, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0xf4);
        Tracer tracer = new Tracer(topics, new PrintStream(text, true, StandardCharsets.UTF_8));
        Hypercalls hypercalls = new Hypercalls(guest.domain, (b, o, l) -> {}, tracer);
        new VcpuRunner(hypercalls::execute, tracer).run(vcpu, 1000);
        return text.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void hypercallShowsItsArgumentsResultAndPlace() {
        vcpu.cpu().r[6] = 0x77;
        assertThat(runTraced(EnumSet.of(TraceTopic.HYPERCALL)))
                .singleElement()
                .asString()
                .startsWith("[    0.0000")
                .endsWith("d7v0 k xen_version(XENVER_version, buffer=0x77) = 0x40011");
    }

    @Test
    void everyTopicShowsOnlyItsOwnEvents() {
        assertThat(runTraced(EnumSet.of(TraceTopic.FAULT)))
                .singleElement()
                .asString()
                .endsWith("fault vector=#GP error=0 address=0 rip=0x8009 rsp=0x10000");
        text.reset();
        assertThat(runTraced(EnumSet.of(TraceTopic.MMU))).isEmpty();
    }

    @Test
    void instructionTraceShowsEachInstructionOnceInOrder() {
        List<String> lines = runTraced(EnumSet.of(TraceTopic.INSTRUCTION));
        assertThat(lines).hasSize(4);
        assertThat(lines.get(0)).contains("0000000000008000  mov");
        assertThat(lines.get(1)).contains("0000000000008005  xor");
        assertThat(lines.get(2)).contains("0000000000008007  syscall");
        assertThat(lines.get(3)).contains("0000000000008009  hlt");
        assertThat(vcpu.cpu().r[0]).as("stepping changes nothing").isEqualTo(0x40011);
    }

    private static TraceEvent.Hypercalled call(int number, long a1, long a2, long a3, long result) {
        return new TraceEvent.Hypercalled(number, a1, a2, a3, 0, new long[0], result, 0, 0, 0);
    }

    @Test
    void failedHypercallShowsTheNameOfItsError() {
        assertThat(TraceText.of(call(Hypercall.VCPU_OP, 3, 9, 0, -XenErrno.ENOENT)))
                .isEqualTo("vcpu_op(VCPUOP_is_up, vcpu=9, arg=0) = -ENOENT");
        assertThat(TraceText.of(call(Hypercall.GET_DEBUGREG, 0, 0, 0, -1L << 40)))
                .as("no error number")
                .endsWith("= 0xffffff0000000000");
    }

    @Test
    void recordBehindAPointerShowsItsFieldsByName() {
        vcpu.mmu().write32(PvGuest.ARGUMENTS, 0);
        vcpu.mmu().write32(PvGuest.ARGUMENTS + 4, 0);
        assertThat(traceCall(Hypercall.EVENT_CHANNEL_OP, 1, PvGuest.ARGUMENTS, 0))
                .endsWith(
                        "event_channel_op(EVTCHNOP_bind_virq, virq=VIRQ_TIMER, vcpu=0, port=1) ="
                                + " 0");
    }

    @Test
    void batchShowsItsFirstRequestAndHowManyThereAre() {
        vcpu.mmu().write64(PvGuest.ARGUMENTS, 0x5000_0002);
        vcpu.mmu().write64(PvGuest.ARGUMENTS + 8, 0x77);
        assertThat(traceCall(Hypercall.MMU_UPDATE, PvGuest.ARGUMENTS, 3, 0))
                .contains(
                        "mmu_update(MMU_PT_UPDATE_PRESERVE_AD, count=3, foreign_dom=0,"
                                + " ptr=0x50000002, val=0x77) = -");
    }

    @Test
    void pointerThatLeadsNowhereIsShownAsItIs() {
        assertThat(traceCall(Hypercall.EVENT_CHANNEL_OP, 4, PvGuest.UNMAPPED, 0))
                .endsWith("event_channel_op(EVTCHNOP_send, arg=0x7f00000000) = -EFAULT");
        assertThat(traceCall(Hypercall.EVENT_CHANNEL_OP, 77, 0, 0))
                .endsWith("event_channel_op(cmd=77, arg=0) = -ENOSYS");
    }

    private String traceCall(int number, long a1, long a2, long a3) {
        text.reset();
        Tracer tracer =
                new Tracer(
                        EnumSet.of(TraceTopic.HYPERCALL),
                        new PrintStream(text, true, StandardCharsets.UTF_8));
        long[] r = vcpu.cpu().r;
        r[Cpu.RAX] = number;
        r[Cpu.RDI] = a1;
        r[Cpu.RSI] = a2;
        r[Cpu.RDX] = a3;
        r[Cpu.R10] = 0;
        new Hypercalls(guest.domain, (b, o, l) -> {}, tracer).execute(vcpu);
        return text.toString(StandardCharsets.UTF_8).strip();
    }

    @Test
    void exceptionThatGoesToTheKernelShowsItsHandler() {
        vcpu.traps.set(13, 0, Selectors.FLAT_CS64, 0x8000);
        List<String> lines = runTraced(EnumSet.of(TraceTopic.FAULT));
        assertThat(lines.get(1)).endsWith("k bounced vector=#GP rip=0x8009 handler=0x8000");
    }

    @Test
    void lookingAtArgumentsChangesNothing() {
        long l1 = guest.memory.l1;
        byte[] before = guest.page(l1);
        traceCall(Hypercall.EVENT_CHANNEL_OP, 77, 0x5000, 0);
        traceCall(Hypercall.SCHED_OP, 0, 0x5000, 0);
        assertThat(guest.page(l1)).as("accessed and dirty bits").isEqualTo(before);
    }

    @Test
    void memoryHypercallsAreShownWithTheirTopicToo() {
        Tracer tracer = new Tracer(EnumSet.of(TraceTopic.MMU), System.out);
        assertThat(tracer.wantsHypercall(Hypercall.MMU_UPDATE)).isTrue();
        assertThat(tracer.wantsHypercall(Hypercall.XEN_VERSION)).isFalse();
        Tracer all = new Tracer(EnumSet.of(TraceTopic.HYPERCALL), System.out);
        assertThat(all.wantsHypercall(Hypercall.MMU_UPDATE)).isTrue();
    }

    @Test
    void eachViewerSeesWhatHeWantsFromWhenHeComesToWhenHeGoes() {
        List<TraceEvent> first = new ArrayList<>();
        List<TraceEvent> second = new ArrayList<>();
        Tracer.Viewer ofFaults = viewer(first, TraceTopic.FAULT);
        Tracer alone = new Tracer(Symbols.NONE, List.of(ofFaults));
        Tracer.Viewer ofMemory = viewer(second, TraceTopic.MMU);
        Tracer both = alone.with(ofMemory);
        assertThat(alone.wants(TraceTopic.MMU)).isFalse();
        assertThat(both.wants(TraceTopic.MMU)).isTrue();

        TraceEvent fault = new TraceEvent.Interrupted(3, 0x8000);
        TraceEvent update = call(Hypercall.MMU_UPDATE, 0, 0, 0, 0);
        both.emit(vcpu, fault);
        both.emit(vcpu, update);
        both.emit(vcpu, call(Hypercall.XEN_VERSION, 0, 0, 0, 0));
        assertThat(first).containsExactly(fault);
        assertThat(second).containsExactly(update);

        both.without(ofFaults).emit(vcpu, fault);
        assertThat(first).hasSize(1);
        assertThat(alone.without(ofFaults)).as("nobody is left").isNull();
    }

    private static Tracer.Viewer viewer(List<TraceEvent> seen, TraceTopic topic) {
        return new Tracer.Viewer(
                TraceFilter.of(EnumSet.of(topic)), happening -> seen.add(happening.event()));
    }

    @Test
    void runnerIsGivenAnotherTracerBetweenSlices() {
        guest.put(PvGuest.CODE, 0xb8, Hypercall.XEN_VERSION, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0xf4);
        Hypercalls hypercalls = new Hypercalls(guest.domain, (b, o, l) -> {}, null);
        VcpuRunner runner = new VcpuRunner(hypercalls::execute, null);
        List<TraceEvent> seen = new ArrayList<>();
        Tracer.Viewer viewer =
                new Tracer.Viewer(
                        TraceFilter.of(EnumSet.allOf(TraceTopic.class)),
                        happening -> seen.add(happening.event()));
        Tracer tracer = new Tracer(Symbols.NONE, List.of(viewer));
        runner.trace(tracer);
        hypercalls.trace(tracer);
        runner.run(vcpu, 1000);
        assertThat(seen)
                .anyMatch(event -> event instanceof TraceEvent.Executed)
                .anyMatch(event -> event instanceof TraceEvent.Hypercalled);
        int before = seen.size();
        runner.trace(null);
        hypercalls.trace(null);
        guest.call(vcpu, Hypercall.XEN_VERSION, 0, 0);
        runner.run(vcpu, 1000);
        assertThat(seen).hasSize(before);
    }
}
