package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.VirtualCpu;

import java.io.PrintStream;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Writes trace events as lines of text: time, vCPU, mode, what happened. Absent altogether when
 * nothing is traced; who emits asks {@link #wants} first and makes no event in vain.
 */
public final class Tracer {
    private final EnumSet<TraceTopic> topics;
    private final PrintStream out;

    public Tracer(Set<TraceTopic> topics, PrintStream out) {
        this.topics = EnumSet.noneOf(TraceTopic.class);
        this.topics.addAll(topics);
        this.out = out;
    }

    /** Whether events of a topic are shown. */
    public boolean wants(TraceTopic topic) {
        return topics.contains(topic);
    }

    /** Whether a hypercall is shown: all are with their own topic, some with another. */
    public boolean wantsHypercall(int number) {
        return wants(TraceTopic.HYPERCALL) || wants(TraceEvent.topicOf(number));
    }

    /** Shows an event on a vCPU. */
    public void emit(VirtualCpu vcpu, TraceEvent event) {
        String who =
                "d%dv%d %c"
                        .formatted(vcpu.domain().id(), vcpu.vcpuId(), vcpu.kernelMode ? 'k' : 'u');
        line(vcpu.systemTime(), who, event);
    }

    /** Shows an event that happened on no vCPU. */
    public void emit(int domainId, long systemTime, TraceEvent event) {
        line(systemTime, "d%d -".formatted(domainId), event);
    }

    private void line(long nanos, String who, TraceEvent event) {
        long micros = nanos / 1000;
        out.println(
                String.format(
                        Locale.ROOT,
                        "[%5d.%06d] %s %s",
                        micros / 1_000_000,
                        micros % 1_000_000,
                        who,
                        text(event)));
    }

    /** What happened, in a line. */
    static String text(TraceEvent event) {
        return switch (event) {
            case TraceEvent.Hypercalled call -> text(call);
            case TraceEvent.Faulted(int vector, int error, long address, long rip, long rsp) ->
                    "fault vector %d error %#x address %#x at rip %#x rsp %#x"
                            .formatted(vector, error, address, rip, rsp);
            case TraceEvent.Interrupted(int vector, long rip) ->
                    "trap %d at rip %#x".formatted(vector, rip);
            case TraceEvent.Upcalled(long rip) -> "upcall at rip %#x".formatted(rip);
            case TraceEvent.Delivered(int port, int vcpu, boolean masked) ->
                    "event on port %d for vcpu %d%s"
                            .formatted(port, vcpu, masked ? ", masked" : "");
            case TraceEvent.Scheduled() -> "runs";
            case TraceEvent.Descheduled(String state, long instructions) ->
                    "stops %s after %d instructions".formatted(state, instructions);
            case TraceEvent.Executed(long rip, String text) -> "%016x  %s".formatted(rip, text);
            case TraceEvent.StoreChanged(String path) -> "xenstore changed at " + path;
        };
    }

    private static String text(TraceEvent.Hypercalled call) {
        long result = call.result();
        boolean failed = result < 0 && result > -MAX_ERRNO;
        return "%s(%#x, %#x, %#x, %#x) = %s at %#x"
                .formatted(
                        Hypercall.name(call.number()),
                        call.a1(),
                        call.a2(),
                        call.a3(),
                        call.a4(),
                        failed ? XenErrno.name((int) -result) : "0x" + Long.toHexString(result),
                        call.rip());
    }

    private static final int MAX_ERRNO = 4096;
}
