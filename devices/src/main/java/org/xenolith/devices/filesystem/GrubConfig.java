package org.xenolith.devices.filesystem;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the entry that a grub.cfg starts by default. Of GRUB's language that takes variables,
 * quotes, {@code if} with string tests, and menus within menus; every other command counts as done,
 * every other test as false. So it is with the files that grub-mkconfig writes, whose tests ask for
 * the platform and for saved state.
 */
final class GrubConfig {
    private static final int MAX_NESTING = 64;

    private final GrubLexer lexer;
    private final Map<String, String> variables = new HashMap<>();

    private GrubConfig(String text) {
        this.lexer = new GrubLexer(text, variables);
    }

    /** A menu entry, or a submenu, then with entries. */
    private static final class Item {
        final String title;
        final String id;
        final List<Item> items = new ArrayList<>();
        String kernel;
        String commandLine = "";
        List<String> initrds = List.of();

        Item(String title, String id) {
            this.title = title;
            this.id = id;
        }
    }

    static Optional<BootEntry> defaultEntry(String text) {
        GrubConfig config = new GrubConfig(text);
        Item menu = new Item("", "");
        config.runBlock(menu, true, 0);
        // A default that is not there is the first entry, as in GRUB.
        String wanted = config.variables.getOrDefault("default", "0");
        Item item = menu;
        for (String name : wanted.split(">")) {
            item = select(item, name);
        }
        return Optional.ofNullable(firstEntry(item));
    }

    private static Item select(Item menu, String name) {
        for (int i = 0; i < menu.items.size(); i++) {
            Item item = menu.items.get(i);
            if (name.equals("" + i) || name.equals(item.title) || name.equals(item.id)) {
                return item;
            }
        }
        return menu.items.isEmpty() ? menu : menu.items.getFirst();
    }

    private static BootEntry firstEntry(Item item) {
        if (item.kernel != null) {
            return new BootEntry(item.kernel, item.initrds, item.commandLine);
        }
        for (Item below : item.items) {
            BootEntry entry = firstEntry(below);
            if (entry != null) {
                return entry;
            }
        }
        return null;
    }

    /**
     * Runs commands up to the brace or keyword that ends the block.
     *
     * @param live false within a branch that is not taken
     * @return the word that ended it, or null at the end of the file
     */
    private String runBlock(Item into, boolean live, int depth) {
        List<String> command;
        while ((command = lexer.nextCommand()) != null) {
            String name = command.getFirst();
            switch (name) {
                case "}", "fi", "else", "elif", "done" -> {
                    return name.equals("elif") ? elif(command) : name;
                }
                case "if" -> runIf(into, command, live, depth);
                case "menuentry", "submenu" -> runItem(into, command, live, depth);
                case "function", "for", "while", "until" ->
                        runBlock(new Item("", ""), false, deeper(depth));
                default -> {
                    if (live) {
                        run(into, command);
                    }
                }
            }
        }
        return null;
    }

    private static String elif(List<String> command) {
        return isTrue(command) ? "elif true" : "elif false";
    }

    private void runIf(Item into, List<String> command, boolean live, int depth) {
        boolean taken = isTrue(command);
        boolean anyTaken = taken;
        String end = runBlock(into, live && taken, deeper(depth));
        while (end != null && !end.equals("fi")) {
            taken = !anyTaken && !end.equals("elif false");
            anyTaken |= taken;
            end = runBlock(into, live && taken, deeper(depth));
        }
    }

    /** {@code [ a = b ]}, {@code [ a != b ]}, {@code [ a ]}, {@code [ -n a ]}, {@code [ -z a ]}. */
    private static boolean isTrue(List<String> command) {
        int end = command.lastIndexOf("]");
        List<String> words = new ArrayList<>(command.subList(1, end < 0 ? command.size() : end));
        if (words.isEmpty() || !words.removeFirst().equals("[")) {
            return false;
        }
        return switch (words.size()) {
            case 1 -> !words.getFirst().isEmpty();
            case 2 ->
                    words.getFirst().equals("-n") && !words.get(1).isEmpty()
                            || words.getFirst().equals("-z") && words.get(1).isEmpty();
            case 3 ->
                    words.get(1).matches("==?") && words.get(0).equals(words.get(2))
                            || words.get(1).equals("!=") && !words.get(0).equals(words.get(2));
            default -> false;
        };
    }

    private void runItem(Item into, List<String> command, boolean live, int depth) {
        String title = command.size() > 1 ? command.get(1) : "";
        String id = "";
        for (int i = 2; i + 1 < command.size(); i++) {
            if (command.get(i).equals("--id") || command.get(i).equals("$menuentry_id_option")) {
                id = command.get(i + 1);
            }
        }
        Item item = new Item(title, id);
        runBlock(item, live, deeper(depth));
        if (live) {
            into.items.add(item);
        }
    }

    private void run(Item item, List<String> command) {
        switch (command.getFirst()) {
            case "set" -> {
                String assignment = command.size() > 1 ? command.get(1) : "";
                int equals = assignment.indexOf('=');
                if (equals > 0) {
                    variables.put(
                            assignment.substring(0, equals), assignment.substring(equals + 1));
                }
            }
            case "linux", "linux16", "linuxefi" -> {
                if (command.size() > 1) {
                    item.kernel = command.get(1);
                    item.commandLine = String.join(" ", command.subList(2, command.size()));
                }
            }
            case "initrd", "initrd16", "initrdefi" ->
                    item.initrds = List.copyOf(command.subList(1, command.size()));
            default -> {} // modules, fonts, colours: nothing that starts a kernel
        }
    }

    private static int deeper(int depth) {
        if (depth >= MAX_NESTING) {
            throw new IllegalArgumentException("too many blocks within one another");
        }
        return depth + 1;
    }
}
