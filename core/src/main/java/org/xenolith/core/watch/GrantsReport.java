package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.abi.GrantEntry;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.grant.GrantTableOps;

import java.util.List;

/** What a domain has granted, and what it has mapped of others' grants. */
public final class GrantsReport {
    private GrantsReport() {}

    /**
     * @param limit grants at most; all are counted
     */
    public static JsonObject of(Domain domain, List<GrantTableOps.Mapped> mappings, int limit) {
        JsonObject report = new JsonObject();
        List<GrantTable.Entry> entries = domain.grants().entries();
        report.addProperty("table_frames", domain.grants().frameCount());
        report.addProperty("granted_count", entries.size());
        JsonArray granted = new JsonArray();
        entries.stream().limit(limit).forEach(entry -> granted.add(granted(entry)));
        report.add("granted", granted);
        report.addProperty("mapped_count", mappings.size());
        JsonArray mapped = new JsonArray();
        mappings.stream().limit(limit).forEach(mapping -> mapped.add(mapped(mapping)));
        report.add("mapped", mapped);
        return report;
    }

    private static JsonObject granted(GrantTable.Entry entry) {
        JsonObject row = new JsonObject();
        row.addProperty("ref", entry.ref());
        row.addProperty("to", entry.grantee());
        row.addProperty("mfn", Hex.of(entry.mfn()));
        row.addProperty("access", (entry.flags() & GrantEntry.GTF_READONLY) != 0 ? "r" : "rw");
        row.addProperty("users", entry.users());
        row.addProperty("writers", entry.writers());
        row.addProperty("permitted", isPermitted(entry.flags()));
        return row;
    }

    /** A grant that was taken back while in use is none any more, and still used. */
    private static boolean isPermitted(int flags) {
        return (flags & GrantEntry.GTF_TYPE_MASK) == GrantEntry.GTF_PERMIT_ACCESS;
    }

    private static JsonObject mapped(GrantTableOps.Mapped mapping) {
        JsonObject row = new JsonObject();
        row.addProperty("handle", mapping.handle());
        row.addProperty("from", mapping.granter());
        row.addProperty("ref", mapping.ref());
        row.addProperty("mfn", Hex.of(mapping.mfn()));
        row.addProperty("access", mapping.write() ? "rw" : "r");
        return row;
    }
}
