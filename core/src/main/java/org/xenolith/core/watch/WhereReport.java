package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.Waits;
import org.xenolith.core.event.ChannelKind;
import org.xenolith.core.event.SavedChannel;
import org.xenolith.core.event.Virq;
import org.xenolith.core.image.Symbols;
import org.xenolith.cpu.Cpu;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Where each vCPU of a domain is and what it waits for. */
public final class WhereReport {
    /** As much as Linux's kernel stacks hold, 16 KiB. */
    private static final int STACK_WORDS = 2048;

    private static final int MOST_CALLS = 32;

    private final Domain domain;
    private final Symbols symbols;

    /** What ports are, or lead to. */
    private final Map<Integer, String> ports;

    private WhereReport(Domain domain, Symbols symbols, Map<Integer, String> ports) {
        this.domain = domain;
        this.symbols = symbols;
        this.ports = ports;
    }

    /**
     * @param symbols of the kernel, {@link Symbols#NONE} when they are not known
     * @param uses what a port is known to be for
     * @param paused whether the host holds the guest still, but for this look
     */
    public static JsonObject of(
            Domain domain, Symbols symbols, Map<Integer, String> uses, boolean paused) {
        WhereReport where = new WhereReport(domain, symbols, ports(domain, uses));
        JsonObject report = new JsonObject();
        report.addProperty("paused", paused);
        report.addProperty("ended", domain.hasEnded());
        report.addProperty("symbols", symbols.areKnown());
        JsonArray vcpus = new JsonArray();
        domain.vcpus().forEach(vcpu -> vcpus.add(where.vcpu(vcpu)));
        report.add("vcpus", vcpus);
        return report;
    }

    private static Map<Integer, String> ports(Domain domain, Map<Integer, String> uses) {
        Map<Integer, String> ports = new HashMap<>();
        for (SavedChannel channel : domain.events().save()) {
            ChannelKind kind = ChannelKind.of(channel.kind());
            ports.put(
                    channel.port(),
                    switch (kind) {
                        case VIRQ -> Virq.name(channel.virq());
                        case IPI, UNBOUND -> kind.name().toLowerCase(Locale.ROOT);
                        case INTERDOMAIN -> "domain " + channel.remoteDomain();
                    });
        }
        ports.putAll(uses);
        return ports;
    }

    private JsonObject vcpu(VirtualCpu vcpu) {
        Cpu cpu = vcpu.cpu();
        JsonObject row = new JsonObject();
        row.addProperty("vcpu", vcpu.vcpuId());
        row.addProperty("state", state(vcpu));
        if (!vcpu.initialised) {
            return row; // its registers say nothing yet
        }
        boolean kernel = vcpu.mode.isKernel();
        row.addProperty("mode", kernel ? "kernel" : "user");
        row.addProperty("rip", Hex.of(cpu.rip));
        row.addProperty("rsp", Hex.of(cpu.r[Cpu.RSP]));
        if (isWaiting(vcpu)) {
            row.add("waits_for", waits(vcpu));
        }
        if (kernel) {
            String function = symbols.at(cpu.rip);
            if (!function.isEmpty()) {
                row.addProperty("function", function);
            }
            row.add("calls", calls(vcpu));
        }
        return row;
    }

    /** A vCPU that waits for a host thread runs as far as its guest can tell. */
    private static String state(VirtualCpu vcpu) {
        return switch (vcpu.state) {
            case RUNNING, RUNNABLE -> {
                if (!vcpu.initialised || !isWaiting(vcpu)) {
                    yield "running";
                }
                yield vcpu.waits.reason() == Waits.For.PORTS ? "polling" : "blocked";
            }
            case OFFLINE, BLOCKED, POLLING -> vcpu.state.name().toLowerCase(Locale.ROOT);
        };
    }

    /** A guest that was restored has not stopped anew yet for what its vCPUs wait for. */
    private static boolean isWaiting(VirtualCpu vcpu) {
        boolean stopped =
                vcpu.state == VirtualCpu.State.BLOCKED || vcpu.state == VirtualCpu.State.POLLING;
        return vcpu.waits.isWaiting() && (stopped || !vcpu.waits.isOver());
    }

    private JsonObject waits(VirtualCpu vcpu) {
        JsonObject waits = new JsonObject();
        if (vcpu.waits.reason() == Waits.For.PORTS) {
            JsonArray polled = new JsonArray();
            for (int port : vcpu.waits.polledPorts()) {
                JsonObject row = new JsonObject();
                row.addProperty("port", port);
                row.addProperty("use", ports.getOrDefault(port, "free"));
                polled.add(row);
            }
            waits.add("ports", polled);
        } else {
            waits.addProperty("upcalls_masked", vcpu.info.upcallsMasked());
        }
        long deadline = vcpu.nextDeadline();
        if (vcpu.waits.reason() == Waits.For.PORTS) {
            deadline = Math.min(deadline, vcpu.waits.pollDeadline());
        }
        if (deadline != VirtualCpu.NEVER) {
            waits.addProperty("nanoseconds_left", Math.max(0, deadline - vcpu.systemTime()));
            addSlack(waits, vcpu);
        }
        return waits;
    }

    /** Who polls is on time. */
    private static void addSlack(JsonObject waits, VirtualCpu vcpu) {
        long slack = vcpu.domain().timerSlackNanos();
        if (slack > 0 && vcpu.waits.reason() != Waits.For.PORTS) {
            waits.addProperty("slack_nanoseconds", slack);
        }
    }

    private JsonArray calls(VirtualCpu vcpu) {
        JsonArray calls = new JsonArray();
        CallChain chain = CallChain.of(vcpu, symbols, STACK_WORDS, MOST_CALLS);
        for (CallChain.Call call : chain.calls()) {
            JsonObject row = new JsonObject();
            row.addProperty("return_address", Hex.of(call.returnAddress()));
            if (!call.function().isEmpty()) {
                row.addProperty("function", call.function());
            }
            row.addProperty("certain", call.certain());
            calls.add(row);
        }
        return calls;
    }
}
