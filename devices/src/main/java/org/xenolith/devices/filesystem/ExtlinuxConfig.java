package org.xenolith.devices.filesystem;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Finds the default entry of an extlinux.conf or syslinux.cfg. */
final class ExtlinuxConfig {
    private static final String INITRD_ARGUMENT = "initrd=";

    private ExtlinuxConfig() {}

    private static final class Label {
        String kernel;
        String append = "";
        final List<String> initrds = new ArrayList<>();
    }

    static Optional<BootEntry> defaultEntry(String text) {
        Map<String, Label> labels = new LinkedHashMap<>();
        Label common = new Label(); // in front of the first label
        Label label = common;
        String wanted = null;
        for (String line : text.lines().toList()) {
            String[] words = line.strip().split("\\s+", 2);
            String value = words.length > 1 ? words[1] : "";
            switch (words[0].toLowerCase(Locale.ROOT)) {
                case "default" -> wanted = value;
                case "label" -> labels.put(value, label = new Label());
                case "kernel", "linux" -> label.kernel = value;
                case "append" -> label.append = value;
                case "initrd" -> label.initrds.addAll(List.of(value.split(",")));
                default -> {} // menus, timeouts, comments
            }
        }
        Label chosen = labels.get(wanted);
        if (chosen == null) {
            chosen =
                    labels.values().stream()
                            .filter(l -> l.kernel != null)
                            .findFirst()
                            .orElse(common);
        }
        return chosen.kernel == null ? Optional.empty() : Optional.of(entry(chosen));
    }

    /** The old way to name an initrd is an argument of the kernel. */
    private static BootEntry entry(Label label) {
        List<String> initrds = new ArrayList<>(label.initrds);
        List<String> arguments = new ArrayList<>();
        for (String argument : label.append.split("\\s+")) {
            if (argument.startsWith(INITRD_ARGUMENT)) {
                initrds.addAll(List.of(argument.substring(INITRD_ARGUMENT.length()).split(",")));
            } else if (!argument.isEmpty()) {
                arguments.add(argument);
            }
        }
        return new BootEntry(label.kernel, List.copyOf(initrds), String.join(" ", arguments));
    }
}
