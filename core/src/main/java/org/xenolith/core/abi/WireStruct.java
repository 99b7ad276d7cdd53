package org.xenolith.core.abi;

import java.util.Arrays;
import java.util.List;

/**
 * The record behind a hypercall's pointer, as names and places: enough to show it.
 *
 * @param size bytes from its start to the end of the last field
 */
public record WireStruct(int size, List<Field> fields) {
    /** A hypercall that takes no record, or whose record is not worth showing. */
    public static final WireStruct NONE = new WireStruct(0, List.of());

    /**
     * A field.
     *
     * @param name as in Xen's header
     * @param offset in bytes
     * @param bytes 2, 4 or 8
     */
    public record Field(String name, int offset, int bytes) {}

    /**
     * Reads a layout as it stands in a table: {@code "remote_dom@0:2 remote_port@4:4"}, name,
     * offset and size of each field.
     */
    public static WireStruct of(String layout) {
        if (layout.isEmpty()) {
            return NONE;
        }
        List<Field> fields = Arrays.stream(layout.split(" ")).map(WireStruct::field).toList();
        int size =
                fields.stream().mapToInt(field -> field.offset() + field.bytes()).max().orElse(0);
        return new WireStruct(size, fields);
    }

    private static Field field(String text) {
        String[] parts = text.split("[@:]");
        return new Field(parts[0], Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
    }
}
