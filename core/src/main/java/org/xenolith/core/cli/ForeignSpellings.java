package org.xenolith.core.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Options as users of QEMU and xl know them, turned into ours. Help texts then show one spelling of
 * each option, and the habits of others still work. Only commands that start guests know them:
 * elsewhere {@code -c} is an option of ours.
 */
final class ForeignSpellings {
    private static final Set<String> COMMANDS = Set.of("boot", "create", "run", "up");

    private static final Map<String, String> OURS =
            Map.ofEntries(
                    Map.entry("-kernel", "--kernel"),
                    Map.entry("-initrd", "--initrd"),
                    Map.entry("--ramdisk", "--initrd"),
                    Map.entry("-append", "--append"),
                    Map.entry("--cmdline", "--append"),
                    Map.entry("--extra", "--append"),
                    Map.entry("-memory", "--memory"),
                    Map.entry("-smp", "--vcpus"),
                    Map.entry("--smp", "--vcpus"),
                    Map.entry("-vcpus", "--vcpus"),
                    Map.entry("-name", "--name"),
                    Map.entry("-drive", "--disk"),
                    Map.entry("-hda", "--disk"),
                    Map.entry("-snapshot", "--ephemeral"),
                    Map.entry("-no-reboot", "--no-reboot"));

    /** They ask for what happens anyway: the console on this terminal. */
    private static final Set<String> IMPLIED = Set.of("-nographic", "--nographic", "-c");

    /** The same, with a value: where QEMU's other windows go. */
    private static final Set<String> IMPLIED_WITH_VALUE =
            Set.of("-serial", "-display", "-monitor", "-vga");

    private ForeignSpellings() {}

    /**
     * @param command that the first argument names; null for none
     */
    static String[] translate(CommandSpec command, String... arguments) {
        if (command == null || !COMMANDS.contains(arguments[0])) {
            return arguments;
        }
        List<String> translated = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            int nameEnd = argument.startsWith("--") ? argument.indexOf('=') : -1;
            String name = nameEnd < 0 ? argument : argument.substring(0, nameEnd);
            if (IMPLIED.contains(name)) {
                continue;
            }
            if (IMPLIED_WITH_VALUE.contains(name)) {
                i++;
                continue;
            }
            String ours = OURS.getOrDefault(name, name);
            translated.add(ours + argument.substring(name.length()));
            if (nameEnd < 0 && i + 1 < arguments.length && wantsValue(command, ours)) {
                translated.add(arguments[++i]); // a value, whatever it looks like
            }
        }
        return translated.toArray(String[]::new);
    }

    private static boolean wantsValue(CommandSpec command, String name) {
        OptionSpec option = command.findOption(name);
        return option != null && option.arity().min() > 0;
    }
}
