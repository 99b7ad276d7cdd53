package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.Operation;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.image.Symbols;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Takes a domain's trace events, adds time and place, and hands to each viewer those that he wants.
 * Absent altogether when nothing is traced; who emits asks {@link #wants} first and makes no event
 * in vain. It does not change: when a viewer comes or goes, another takes its place. Any thread.
 */
public final class Tracer implements AutoCloseable {
    /**
     * Somebody who watches.
     *
     * @param sink must take events from any thread, one at a time
     */
    public record Viewer(TraceFilter filter, TraceSink sink) {}

    private static final long[] NO_ARGUMENT = {};

    /** A hypercall stub has pushed RCX and R11; above them is where it returns to. */
    private static final int RETURN_ADDRESS = 16;

    /** Of any viewer. */
    private final Set<TraceTopic> topics = EnumSet.noneOf(TraceTopic.class);

    private final Symbols symbols;
    private final List<Viewer> viewers;

    /** The vCPU whose slice this thread runs. */
    private final ThreadLocal<VirtualCpu> current = new ThreadLocal<>();

    /**
     * @param symbols of the guest's kernel
     * @param sinks each must take events from any thread
     */
    public Tracer(TraceFilter filter, Symbols symbols, List<TraceSink> sinks) {
        this(symbols, sinks.stream().map(sink -> new Viewer(filter, sink)).toList());
    }

    /**
     * @param symbols of the guest's kernel
     */
    public Tracer(Symbols symbols, List<Viewer> viewers) {
        this.symbols = symbols;
        this.viewers = List.copyOf(viewers);
        viewers.forEach(viewer -> topics.addAll(viewer.filter.topics()));
    }

    /** Writes lines at once. */
    public Tracer(Set<TraceTopic> topics, PrintStream out) {
        this(TraceFilter.of(topics), Symbols.NONE, List.of(new TextSink(out)));
    }

    public List<Viewer> viewers() {
        return viewers;
    }

    /** The same with one viewer more. */
    public Tracer with(Viewer viewer) {
        List<Viewer> more = new ArrayList<>(viewers);
        more.add(viewer);
        return new Tracer(symbols, more);
    }

    /** The same without a viewer, whose sink stays as it is; null when nobody watches any more. */
    public Tracer without(Viewer viewer) {
        List<Viewer> fewer = viewers.stream().filter(other -> other != viewer).toList();
        return fewer.isEmpty() ? null : new Tracer(symbols, fewer);
    }

    /** Whether events of a topic are shown to anybody. */
    public boolean wants(TraceTopic topic) {
        return topics.contains(topic);
    }

    /** Whether a hypercall is shown to anybody. */
    public boolean wantsHypercall(int number) {
        return TraceFilter.wantsHypercall(topics, number);
    }

    /** This thread runs a vCPU from now on; null for none. */
    public void enter(VirtualCpu vcpu) {
        if (vcpu == null) {
            current.remove();
        } else {
            current.set(vcpu);
        }
    }

    // ---- events ----

    /**
     * A hypercall has returned; its registers are not changed yet.
     *
     * @param startNanos {@link System#nanoTime} when it began
     */
    public void hypercall(
            VirtualCpu vcpu,
            int number,
            long a1,
            long a2,
            long a3,
            long a4,
            long result,
            long startNanos) {
        long nanos = vcpu.domain().clock().isLive() ? System.nanoTime() - startNanos : 0;
        Cpu cpu = vcpu.cpu();
        long[] argument = argument(vcpu.mmu(), number, a1, a2, a3);
        long caller = returnAddress(cpu);
        emit(
                vcpu,
                new TraceEvent.Hypercalled(
                        number, a1, a2, a3, a4, argument, result, cpu.rip, caller, nanos));
    }

    /** What the handler itself has just read or written, so that a look changes nothing. */
    private static long[] argument(Mmu mmu, int number, long a1, long a2, long a3) {
        if (!Operation.has(number)) {
            return NO_ARGUMENT;
        }
        long at =
                switch (TraceFields.recordIndex(number)) {
                    case 0 -> a1;
                    case 1 -> a2;
                    default -> a3;
                };
        int bytes = bytes(number, a1);
        boolean empty =
                number == Hypercall.GRANT_TABLE_OP ? (int) a3 <= 0 : isEmptyBatch(number, a2);
        if (bytes == 0 || at == 0 || empty) {
            return NO_ARGUMENT;
        }
        try {
            long[] words = new long[(bytes + Long.BYTES - 1) / Long.BYTES];
            for (int i = 0; i < words.length; i++) {
                words[i] = word(mmu, at + (long) i * Long.BYTES, bytes - i * Long.BYTES);
            }
            return words;
        } catch (GuestFault unreadable) {
            return NO_ARGUMENT;
        }
    }

    private static boolean isEmptyBatch(int number, long count) {
        return (number == Hypercall.MMU_UPDATE || number == Hypercall.MMUEXT_OP)
                && ((int) count & Integer.MAX_VALUE) == 0;
    }

    /** Bytes of the record; of a batch those of any, since which one stands in the record. */
    private static int bytes(int number, long a1) {
        return switch (number) {
            case Hypercall.MMU_UPDATE -> 16;
            case Hypercall.MMUEXT_OP -> 24;
            default -> {
                int command = Hypercall.command(number, a1);
                yield Operation.find(number, command).map(op -> op.argument().size()).orElse(0);
            }
        };
    }

    private static long word(Mmu mmu, long at, int bytes) {
        if (bytes >= Long.BYTES) {
            return mmu.read64(at);
        }
        return bytes > Short.BYTES ? mmu.read32(at) & 0xffff_ffffL : mmu.read16(at);
    }

    /** On the same page as the stack's top, where the stub has just written: nothing changes. */
    private static long returnAddress(Cpu cpu) {
        long rsp = cpu.r[Cpu.RSP];
        if ((rsp & Ram.PAGE_OFFSET) > Ram.PAGE_SIZE - RETURN_ADDRESS - Long.BYTES) {
            return 0;
        }
        try {
            return cpu.mmu().read64(rsp + RETURN_ADDRESS);
        } catch (GuestFault noStack) {
            return 0;
        }
    }

    /** Shows an event on a vCPU. */
    public void emit(VirtualCpu vcpu, TraceEvent event) {
        emit(vcpu.systemTime(), vcpu.domain().id(), vcpu, event);
    }

    /** Shows an event that happened on the vCPU whose slice this thread runs, or on none. */
    public void emit(int domainId, long systemTime, TraceEvent event) {
        emit(systemTime, domainId, current.get(), event);
    }

    private void emit(long nanos, int domainId, VirtualCpu vcpu, TraceEvent event) {
        boolean outside = vcpu == null;
        Happening happening =
                new Happening(
                        nanos,
                        domainId,
                        outside ? Happening.OUTSIDE : vcpu.vcpuId(),
                        !outside && vcpu.mode.isKernel(),
                        symbols,
                        event);
        for (Viewer viewer : viewers) {
            if (viewer.filter.wants(happening)) {
                synchronized (viewer.sink) {
                    viewer.sink.accept(happening);
                }
            }
        }
    }

    /** Why viewers did not get all; for a tracer that is closed. */
    public List<String> failures() {
        return viewers.stream().flatMap(viewer -> viewer.sink.failure().stream()).toList();
    }

    /** No event comes any more. */
    @Override
    public void close() {
        for (Viewer viewer : viewers) {
            synchronized (viewer.sink) {
                viewer.sink.close();
            }
        }
    }
}
