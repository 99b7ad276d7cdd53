package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine.Command;

import java.util.Locale;

/** What the verbs that look into a guest have in common: columns. */
@Command
abstract class WatchCommand extends AnsweringVerb {
    WatchCommand(ControlFolder folder) {
        super(folder);
    }

    /** A header and a row for each object of a list; what an object lacks is a dash. */
    final void table(JsonArray rows, String header, String format, String... members) {
        out().println(header);
        for (JsonElement row : rows) {
            Object[] cells = new Object[members.length];
            for (int i = 0; i < members.length; i++) {
                cells[i] = text(row.getAsJsonObject(), members[i]);
            }
            out().println(String.format(Locale.ROOT, format, cells).stripTrailing());
        }
    }

    static String text(JsonObject row, String member) {
        JsonElement value = row.get(member);
        if (value == null || !value.isJsonPrimitive()) {
            return "-";
        }
        if (value.getAsJsonPrimitive().isBoolean()) {
            return value.getAsBoolean() ? "yes" : "no";
        }
        return value.getAsString();
    }
}
