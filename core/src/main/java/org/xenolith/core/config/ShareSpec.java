package org.xenolith.core.config;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A folder of the host that a guest may mount: {@code TAG=DIR[,ro]}, or as xl.cfg(5) writes it
 * under {@code p9}: {@code tag=TAG,path=DIR,security_model=none}.
 *
 * @param tag what the guest mounts it by
 */
public record ShareSpec(String tag, Path folder, boolean readOnly) {
    private static final int LONGEST_TAG = 31;

    /** What no shell and no fstab of the guest takes for something else. */
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9._-]{1," + LONGEST_TAG + "}");

    private static final String READ_ONLY = ",ro", WRITABLE = ",rw";

    /**
     * @throws ConfigException when the text is no such thing, with a sentence
     */
    public static ShareSpec parse(String text) throws ConfigException {
        int equals = text.indexOf('=');
        if (equals < 0) {
            throw bad(text, "write TAG=DIR or TAG=DIR,ro");
        }
        String folder = text.substring(equals + 1);
        boolean readOnly = folder.endsWith(READ_ONLY);
        if (readOnly || folder.endsWith(WRITABLE)) {
            folder = folder.substring(0, folder.length() - READ_ONLY.length());
        }
        return of(text, text.substring(0, equals), folder, readOnly);
    }

    /**
     * @throws ConfigException as {@link #parse}, or for a security model that is not {@code none}
     */
    public static ShareSpec parseXl(String text) throws ConfigException {
        String tag = "";
        String folder = "";
        boolean readOnly = false;
        for (String part : text.split(",", -1)) {
            String[] pair = part.strip().split("=", 2);
            String value = pair.length == 2 ? pair[1].strip() : "";
            switch (pair[0].strip()) {
                case "tag" -> tag = value;
                case "path" -> folder = value;
                case "security_model" -> requireModel(text, value);
                case "ro" -> readOnly = true;
                case "", "backend", "type" -> {}
                default -> throw bad(text, "there is no '" + pair[0].strip() + "' in it");
            }
        }
        return of(text, tag, folder, readOnly);
    }

    private static void requireModel(String text, String model) throws ConfigException {
        if (!model.equals("none")) {
            throw bad(text, "its security_model is 'none', there is no other");
        }
    }

    private static ShareSpec of(String text, String tag, String folder, boolean readOnly)
            throws ConfigException {
        if (!TAG.matcher(tag).matches()) {
            throw bad(
                    text,
                    "the tag has 1 to " + LONGEST_TAG + " letters, digits, dots, dashes and '_'");
        }
        if (folder.isEmpty()) {
            throw bad(text, "it names no folder");
        }
        return new ShareSpec(tag, Path.of(folder), readOnly);
    }

    private static ConfigException bad(String text, String why) {
        return new ConfigException("the share '%s': %s".formatted(text, why));
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return tag + "=" + folder + (readOnly ? READ_ONLY : "");
    }
}
