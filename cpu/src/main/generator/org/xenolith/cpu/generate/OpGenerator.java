package org.xenolith.cpu.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes the source files.
 *
 * <p>Usage: {@code OpGenerator FOLDER}, where FOLDER is a root of sources. A file that is there as
 * it should be is not touched, so that nothing is compiled anew for it.
 */
final class OpGenerator {
    private static final String PACKAGE = "org/xenolith/cpu/interp";

    private OpGenerator() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createDirectories(Path.of(arguments[0]).resolve(PACKAGE));
        for (Map.Entry<String, String> each : classes().entrySet()) {
            Path file = folder.resolve(each.getKey() + ".java");
            if (!Files.exists(file) || !Files.readString(file).equals(each.getValue())) {
                Files.writeString(file, each.getValue());
            }
        }
    }

    /** Names of classes and their sources. */
    private static Map<String, String> classes() {
        Map<String, String> classes = new LinkedHashMap<>();
        for (AluClass each : AluClass.ALL) {
            classes.put(each.name() + "Ops", each.source());
        }
        classes.put("ConditionOps", Conditions.source());
        for (FusedClass each : FusedClass.ALL) {
            classes.put("Fused" + each.name() + "Ops", each.source());
        }
        return classes;
    }
}
