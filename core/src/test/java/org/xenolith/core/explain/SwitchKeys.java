package org.xenolith.core.explain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The cases of a switch statement, read from the compiled class: what a dispatcher knows. */
final class SwitchKeys {
    private SwitchKeys() {}

    /** The cases that a method's first switch over numbers has, those of its default left out. */
    static Set<Integer> of(Class<?> type, String method) {
        for (MethodModel candidate : parse(type).methods()) {
            if (candidate.methodName().equalsString(method) && candidate.code().isPresent()) {
                for (CodeElement element : candidate.code().get()) {
                    if (element instanceof LookupSwitchInstruction lookup) {
                        return keys(lookup.cases(), lookup.defaultTarget());
                    }
                    if (element instanceof TableSwitchInstruction table) {
                        return keys(table.cases(), table.defaultTarget());
                    }
                }
            }
        }
        throw new AssertionError(type.getName() + "." + method + " has no switch");
    }

    private static Set<Integer> keys(List<SwitchCase> cases, Object otherwise) {
        Set<Integer> keys = new TreeSet<>();
        for (SwitchCase one : cases) {
            if (!one.target().equals(otherwise)) {
                keys.add(one.caseValue());
            }
        }
        return keys;
    }

    private static ClassModel parse(Class<?> type) {
        String file = type.getName().substring(type.getPackageName().length() + 1) + ".class";
        try (InputStream in = type.getResourceAsStream(file)) {
            return ClassFile.of().parse(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
