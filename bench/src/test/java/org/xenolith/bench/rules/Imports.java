package org.xenolith.bench.rules;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MethodTypeEntry;
import java.lang.classfile.constantpool.NameAndTypeEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Who may use whom. docs/architecture.md draws the same picture. */
final class Imports {
    private static final Map<String, Set<String>> MAY_USE =
            Map.of(
                    "cpu", Set.of(),
                    "devices", Set.of(),
                    "guests", Set.of(),
                    "pv-drivers", Set.of("devices"),
                    "core", Set.of("cpu", "devices", "pv-drivers", "guests"),
                    "bench", Set.of("cpu", "devices", "pv-drivers", "guests", "core"));

    /** Libraries that one part of the code hides from all others. */
    private static final Map<String, String> ONLY_IN =
            Map.of(
                    "io/netty/", "org/xenolith/devices/",
                    "com/sun/jna/", "org/xenolith/devices/",
                    "picocli/", "org/xenolith/core/cli/",
                    "org/xenolith/core/cli/", "org/xenolith/core/cli/");

    /** What goes away with a later JDK, or was never meant for us. */
    private static final List<String> NOWHERE =
            List.of("sun/misc/Unsafe", "jdk/internal/", "sun/reflect/");

    private static final Pattern TYPE_IN_DESCRIPTOR = Pattern.compile("L([^;<]+)[;<]");

    private Imports() {}

    /**
     * @param owners from internal class name to module
     * @return one sentence for each rule that the class breaks
     */
    static List<String> violations(String module, ClassModel model, Map<String, String> owners) {
        String user = model.thisClass().asInternalName();
        List<String> violations = new ArrayList<>();
        for (String used : typesUsedBy(model)) {
            String owner = owners.getOrDefault(used, module);
            if (!owner.equals(module) && !MAY_USE.get(module).contains(owner)) {
                violations.add(
                        "%s uses %s: %s may not depend on %s".formatted(user, used, module, owner));
            }
            ONLY_IN.forEach(
                    (library, home) -> {
                        if (used.startsWith(library) && !user.startsWith(home)) {
                            violations.add("%s uses %s: only %s may".formatted(user, used, home));
                        }
                    });
            NOWHERE.stream()
                    .filter(used::startsWith)
                    .forEach(_ -> violations.add("%s uses %s: nobody may".formatted(user, used)));
        }
        return violations;
    }

    /** Internal names of all types that the class names in code, descriptors and generics. */
    private static Set<String> typesUsedBy(ClassModel model) {
        Set<String> types = new TreeSet<>();
        for (PoolEntry entry : model.constantPool()) {
            switch (entry) {
                case ClassEntry type -> addClass(types, type.asInternalName());
                case NameAndTypeEntry member -> addDescriptor(types, member.type().stringValue());
                case MethodTypeEntry type -> addDescriptor(types, type.descriptor().stringValue());
                default -> {}
            }
        }
        for (FieldModel field : model.fields()) {
            addDescriptor(types, field.fieldType().stringValue());
            field.findAttribute(Attributes.signature())
                    .ifPresent(generic -> addDescriptor(types, generic.signature().stringValue()));
        }
        for (MethodModel method : model.methods()) {
            addDescriptor(types, method.methodType().stringValue());
            method.findAttribute(Attributes.signature())
                    .ifPresent(generic -> addDescriptor(types, generic.signature().stringValue()));
        }
        return types;
    }

    private static void addClass(Set<String> types, String internalName) {
        if (internalName.startsWith("[")) {
            addDescriptor(types, internalName);
        } else {
            types.add(internalName);
        }
    }

    private static void addDescriptor(Set<String> types, String descriptor) {
        Matcher matcher = TYPE_IN_DESCRIPTOR.matcher(descriptor);
        while (matcher.find()) {
            types.add(matcher.group(1));
        }
    }
}
