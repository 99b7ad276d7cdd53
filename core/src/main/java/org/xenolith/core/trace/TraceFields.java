package org.xenolith.core.trace;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.abi.Operation;
import org.xenolith.core.abi.WireStruct;
import org.xenolith.core.abi.XenErrno;
import org.xenolith.core.domain.DomainEnd;
import org.xenolith.core.event.Virq;
import org.xenolith.core.mm.FrameType;
import org.xenolith.devices.console.Escaped;

import java.util.List;
import java.util.Set;

/**
 * Takes an event apart into named values: the one place that knows what each is made of, for all
 * ways to show it.
 */
final class TraceFields {
    /** Takes the values in order. */
    interface Receiver {
        void number(String name, long value, boolean hex);

        void text(String name, String value);
    }

    private static final long MAX_ERRNO = 4096;
    private static final int SCHEDOP_SHUTDOWN = 2;

    /** Arguments that count something or number it. */
    private static final Set<String> DECIMAL =
            Set.of("count", "entries", "set", "reg", "vcpu", "deadline", "cmd", "type", "which");

    /** Quadwords of records that count something. */
    private static final Set<String> DECIMAL_QUADWORDS =
            Set.of("nr_extents", "period_ns", "timeout_abs_ns", "timeout");

    private TraceFields() {}

    /** What happened, in a word or two. */
    static String title(TraceEvent event) {
        return switch (event) {
            case TraceEvent.Hypercalled call -> Hypercall.name(call.number());
            case TraceEvent.Faulted _ -> "fault";
            case TraceEvent.Bounced _ -> "bounced";
            case TraceEvent.Interrupted _ -> "trap";
            case TraceEvent.Upcalled _ -> "upcall";
            case TraceEvent.Delivered _ -> "event";
            case TraceEvent.GrantUsed used -> used.begins() ? "grant used" : "grant given back";
            case TraceEvent.RingPushed pushed ->
                    pushed.byFrontend() ? "requests pushed" : "responses pushed";
            case TraceEvent.Retyped _ -> "page type";
            case TraceEvent.Scheduled _ -> "runs";
            case TraceEvent.Descheduled _ -> "stops";
            case TraceEvent.Executed _ -> "instruction";
            case TraceEvent.StoreChanged _ -> "xenstore changed";
        };
    }

    /** Its values; a hypercall's result is not among them. */
    static void describe(TraceEvent event, Receiver to) {
        switch (event) {
            case TraceEvent.Hypercalled call -> describe(call, to);
            case TraceEvent.Faulted(int vector, int error, long address, long rip, long rsp) -> {
                to.text("vector", vectorName(vector));
                to.number("error", error, true);
                to.number("address", address, true);
                to.number("rip", rip, true);
                to.number("rsp", rsp, true);
            }
            case TraceEvent.Bounced(int vector, long rip, long handler) -> {
                to.text("vector", vectorName(vector));
                to.number("rip", rip, true);
                to.number("handler", handler, true);
            }
            case TraceEvent.Interrupted(int vector, long rip) -> {
                to.text("vector", vectorName(vector));
                to.number("rip", rip, true);
            }
            case TraceEvent.Upcalled(long rip) -> to.number("rip", rip, true);
            case TraceEvent.Delivered(int port, int vcpu, boolean masked) -> {
                to.number("port", port, false);
                to.number("vcpu", vcpu, false);
                to.text("masked", masked ? "yes" : "no");
            }
            case TraceEvent.GrantUsed(int ref, long mfn, boolean write, boolean _) -> {
                to.number("ref", ref, false);
                to.number("mfn", mfn, true);
                to.text("access", write ? "rw" : "r");
            }
            case TraceEvent.RingPushed(String device, String ring, boolean _, int amount) -> {
                to.text("device", device);
                to.text("ring", ring);
                to.number("count", Integer.toUnsignedLong(amount), false);
            }
            case TraceEvent.Retyped(long mfn, int from, int to2) -> {
                to.number("mfn", mfn, true);
                to.text("from", FrameType.name(from));
                to.text("to", FrameType.name(to2));
            }
            case TraceEvent.Scheduled() -> {}
            case TraceEvent.Descheduled(String state, long instructions) -> {
                to.text("state", state);
                to.number("instructions", instructions, false);
            }
            case TraceEvent.Executed(long rip, String text) -> {
                to.number("rip", rip, true);
                to.text("text", text);
            }
            case TraceEvent.StoreChanged(String path) -> to.text("path", Escaped.of(path));
        }
    }

    // ---- hypercalls ----

    private static void describe(TraceEvent.Hypercalled call, Receiver to) {
        List<String> names = Hypercall.arguments(call.number());
        Operation operation = operationOf(call);
        boolean batch = isBatch(call.number());
        if (operation != null) {
            to.text("cmd", operation.name());
        }
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            boolean shown = operation != null && (i == 0 || isRecord(call, i));
            boolean usual = batch && i >= 2 && argument(call, i) == (i == 2 ? 0 : DomId.SELF);
            if (!shown && !usual) {
                to.number(name, argument(call, i), !DECIMAL.contains(name));
            }
        }
        if (operation != null && call.argument().length > 0) {
            for (WireStruct.Field field : operation.argument().fields()) {
                describe(field, call.argument(), to);
            }
            if (isSuspend(call)) {
                to.number("start_info_mfn", call.a3(), true);
            }
        }
    }

    /** Only then has SCHEDOP_shutdown a third argument. */
    private static boolean isSuspend(TraceEvent.Hypercalled call) {
        return call.number() == Hypercall.SCHED_OP
                && (int) call.a1() == SCHEDOP_SHUTDOWN
                && (int) call.argument()[0] == DomainEnd.SHUTDOWN_SUSPEND;
    }

    private static boolean isBatch(int number) {
        return number == Hypercall.MMU_UPDATE || number == Hypercall.MMUEXT_OP;
    }

    /** Whether an argument is the pointer to the record whose fields are shown instead. */
    private static boolean isRecord(TraceEvent.Hypercalled call, int index) {
        return call.argument().length > 0 && index == recordIndex(call.number());
    }

    /** Which argument leads to the record of a hypercall that has operations. */
    static int recordIndex(int number) {
        return switch (number) {
            case Hypercall.MMU_UPDATE, Hypercall.MMUEXT_OP -> 0;
            case Hypercall.VCPU_OP -> 2;
            default -> 1;
        };
    }

    /** The operation, of a batch that of its first record; null when it is none we know. */
    static Operation operationOf(TraceEvent.Hypercalled call) {
        int command =
                switch (call.number()) {
                    case Hypercall.MMU_UPDATE ->
                            call.argument().length == 0
                                    ? -1
                                    : (int) call.argument()[0] & MmuCommand.COMMAND_MASK;
                    case Hypercall.MMUEXT_OP ->
                            call.argument().length == 0 ? -1 : (int) call.argument()[0];
                    default -> Hypercall.command(call.number(), call.a1());
                };
        return Operation.find(call.number(), command).orElse(null);
    }

    private static long argument(TraceEvent.Hypercalled call, int index) {
        return switch (index) {
            case 0 -> call.a1();
            case 1 -> call.a2();
            case 2 -> call.a3();
            default -> call.a4();
        };
    }

    private static void describe(WireStruct.Field field, long[] words, Receiver to) {
        int word = field.offset() / Long.BYTES;
        if (word >= words.length) {
            return;
        }
        long value = words[word] >>> field.offset() % Long.BYTES * Byte.SIZE;
        switch (field.bytes()) {
            case Short.BYTES ->
                    to.number(
                            field.name(),
                            field.name().equals("status") ? (short) value : value & 0xffff,
                            false);
            case Integer.BYTES -> {
                if (field.name().equals("virq")) {
                    to.text("virq", Virq.name((int) value));
                } else {
                    to.number(field.name(), value & 0xffff_ffffL, false);
                }
            }
            default -> to.number(field.name(), value, !DECIMAL_QUADWORDS.contains(field.name()));
        }
    }

    /** A result as people read it: the name of an error, or a number. */
    static String result(long result) {
        return result < 0 && result > -MAX_ERRNO
                ? "-" + XenErrno.name((int) -result)
                : number(result, result > 9 || result < 0);
    }

    static String number(long value, boolean hex) {
        return hex && (value < 0 || value > 9)
                ? "0x" + Long.toHexString(value)
                : Long.toString(value);
    }

    static String vectorName(int vector) {
        return switch (vector) {
            case 0 -> "#DE";
            case 1 -> "#DB";
            case 2 -> "NMI";
            case 3 -> "#BP";
            case 4 -> "#OF";
            case 5 -> "#BR";
            case 6 -> "#UD";
            case 7 -> "#NM";
            case 8 -> "#DF";
            case 10 -> "#TS";
            case 11 -> "#NP";
            case 12 -> "#SS";
            case 13 -> "#GP";
            case 14 -> "#PF";
            case 16 -> "#MF";
            case 17 -> "#AC";
            case 18 -> "#MC";
            case 19 -> "#XM";
            default -> Integer.toString(vector);
        };
    }
}
