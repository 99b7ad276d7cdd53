package org.xenolith.core.trace;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VcpuRunner;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.hypercall.Hypercalls;
import org.xenolith.core.time.GuestClock;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
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
                .contains("d7v0 k xen_version(0x0, 0x77, ")
                .endsWith(" = 0x40011 at 0x8009");
    }

    @Test
    void everyTopicShowsOnlyItsOwnEvents() {
        assertThat(runTraced(EnumSet.of(TraceTopic.FAULT)))
                .singleElement()
                .asString()
                .contains("fault vector 13 error 0x0 address 0x0 at rip 0x8009");
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

    @Test
    void failedHypercallShowsTheNameOfItsError() {
        TraceEvent call =
                new TraceEvent.Hypercalled(Hypercall.VCPU_OP, 3, 9, 0, 0, -XenErrno.ENOENT, 0x1000);
        assertThat(Tracer.text(call)).isEqualTo("vcpu_op(0x3, 0x9, 0x0, 0x0) = ENOENT at 0x1000");
        TraceEvent address =
                new TraceEvent.Hypercalled(Hypercall.GET_DEBUGREG, 0, 0, 0, 0, -1L << 40, 0x1000);
        assertThat(Tracer.text(address)).as("no error number").contains("= 0xffffff0000000000");
    }

    @Test
    void memoryHypercallsAreShownWithTheirTopicToo() {
        Tracer tracer = new Tracer(EnumSet.of(TraceTopic.MMU), System.out);
        assertThat(tracer.wantsHypercall(Hypercall.MMU_UPDATE)).isTrue();
        assertThat(tracer.wantsHypercall(Hypercall.XEN_VERSION)).isFalse();
        Tracer all = new Tracer(EnumSet.of(TraceTopic.HYPERCALL), System.out);
        assertThat(all.wantsHypercall(Hypercall.MMU_UPDATE)).isTrue();
    }
}
