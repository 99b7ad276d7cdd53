package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.GuestName;
import org.xenolith.core.control.ControlException;
import org.xenolith.devices.net.nat.PortForward;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a copy of a guest shall be, as docs/control.md describes the request.
 *
 * @param name of the copy
 * @param overlays files to keep what the copy has on its disks, by the disk's name; absolute
 * @param forwards ports of the host that lead to the copy
 */
record ForkRequest(String name, Map<String, Path> overlays, List<PortForward> forwards) {
    static ForkRequest parse(JsonObject request) throws ControlException {
        try {
            return new ForkRequest(
                    GuestName.check(text(request.get("name"), "a 'name' for the copy")),
                    overlays(request.get("overlays")),
                    forwards(request.get("forwards")));
        } catch (ConfigException | IllegalArgumentException e) {
            throw new ControlException(e.getMessage() + ".");
        }
    }

    private static String text(JsonElement value, String what) throws ControlException {
        if (value instanceof JsonPrimitive text && text.isString()) {
            return text.getAsString();
        }
        throw new ControlException("fork needs " + what + ".");
    }

    private static Map<String, Path> overlays(JsonElement member) throws ControlException {
        Map<String, Path> overlays = new LinkedHashMap<>();
        if (member == null) {
            return overlays;
        }
        if (!(member instanceof JsonObject files)) {
            throw new ControlException("'overlays' is an object: a file for each disk.");
        }
        for (Map.Entry<String, JsonElement> each : files.entrySet()) {
            String file = text(each.getValue(), "files as 'overlays'");
            overlays.put(
                    each.getKey(),
                    ControlPath.absolute(file, "fork needs absolute paths as 'overlays'."));
        }
        return overlays;
    }

    private static List<PortForward> forwards(JsonElement member) throws ControlException {
        List<PortForward> forwards = new ArrayList<>();
        if (member == null) {
            return forwards;
        }
        if (!(member instanceof JsonArray list)) {
            throw new ControlException("'forwards' is a list of ports.");
        }
        for (JsonElement each : list) {
            forwards.add(PortForward.parse(text(each, "ports as 'forwards'")));
        }
        return forwards;
    }
}
