package org.xenolith.devices.block;

import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;

/** The tables of one kind that were used last, all of one cluster. */
final class Qcow2TableCache {
    /** Memory that one image may spend on each kind of table. */
    private static final int BUDGET_BYTES = 16 << 20;

    private static final int MIN_TABLES = 4;
    private static final int MAX_TABLES = 4096;

    /** Makes a table clean that has to leave. */
    interface WriteBack {
        void clean(Qcow2Table table) throws IOException;
    }

    private final ImageFile file;
    private final int clusterBytes;
    private final int capacity;
    private final WriteBack writeBack;
    private final LinkedHashMap<Long, Qcow2Table> tables = new LinkedHashMap<>(16, 0.75f, true);

    Qcow2TableCache(ImageFile file, int clusterBytes, WriteBack writeBack) {
        this.file = file;
        this.clusterBytes = clusterBytes;
        this.capacity = Math.clamp(BUDGET_BYTES / clusterBytes, MIN_TABLES, MAX_TABLES);
        this.writeBack = writeBack;
    }

    /** The table at an offset that was checked. May write other tables back. */
    Qcow2Table get(long offset) throws IOException {
        Qcow2Table table = tables.get(offset);
        if (table == null) {
            table = Qcow2Table.read(file, offset, clusterBytes);
            add(table);
        }
        return table;
    }

    /** May write other tables back. */
    void add(Qcow2Table table) throws IOException {
        while (tables.size() >= capacity) {
            Qcow2Table eldest = tables.firstEntry().getValue();
            if (eldest.isDirty()) {
                writeBack.clean(eldest);
            }
            tables.remove(eldest.offset());
        }
        tables.put(table.offset(), table);
    }

    /** The table's cluster is free from now on. */
    void forget(long offset) {
        tables.remove(offset);
    }

    Collection<Qcow2Table> all() {
        return tables.values();
    }
}
