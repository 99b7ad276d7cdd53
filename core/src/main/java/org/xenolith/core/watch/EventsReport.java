package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.event.ChannelKind;
import org.xenolith.core.event.EventChannels;
import org.xenolith.core.event.SavedChannel;
import org.xenolith.core.event.Virq;

import java.util.Locale;
import java.util.Map;

/** A domain's event channels and what its vCPUs have of them. */
public final class EventsReport {
    private EventsReport() {}

    /**
     * @param uses what a port is known to be for
     */
    public static JsonObject of(Domain domain, Map<Integer, String> uses) {
        JsonObject report = new JsonObject();
        JsonArray channels = new JsonArray();
        for (SavedChannel channel : domain.events().save()) {
            channels.add(channel(domain.events(), channel, uses));
        }
        report.add("channels", channels);
        JsonArray vcpus = new JsonArray();
        for (VirtualCpu vcpu : domain.vcpus()) {
            JsonObject row = new JsonObject();
            row.addProperty("vcpu", vcpu.vcpuId());
            row.addProperty("state", vcpu.state.name().toLowerCase(Locale.ROOT));
            row.addProperty("upcall_pending", vcpu.info.isUpcallPending());
            row.addProperty("upcall_mask", vcpu.info.upcallsMasked());
            row.addProperty("upcalls", vcpu.counts.upcalls);
            vcpus.add(row);
        }
        report.add("vcpus", vcpus);
        return report;
    }

    private static JsonObject channel(
            EventChannels events, SavedChannel channel, Map<Integer, String> uses) {
        JsonObject row = new JsonObject();
        row.addProperty("port", channel.port());
        ChannelKind kind = ChannelKind.of(channel.kind());
        row.addProperty("kind", kind.name().toLowerCase(Locale.ROOT));
        row.addProperty("vcpu", channel.vcpu());
        row.addProperty("pending", events.isPending(channel.port()));
        row.addProperty("masked", events.isMasked(channel.port()));
        switch (kind) {
            case VIRQ -> row.addProperty("virq", Virq.name(channel.virq()));
            case UNBOUND -> row.addProperty("remote_domain", channel.remoteDomain());
            case INTERDOMAIN -> {
                row.addProperty("remote_domain", channel.remoteDomain());
                row.addProperty("remote_port", channel.remotePort());
            }
            case IPI -> {} // leads to the domain itself
        }
        if (uses.containsKey(channel.port())) {
            row.addProperty("use", uses.get(channel.port()));
        }
        return row;
    }
}
