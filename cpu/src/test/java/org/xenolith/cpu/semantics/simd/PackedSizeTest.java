package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * C2 inlines a method of at most 35 bytes of bytecode wherever it is called (MaxInlineSize). What
 * it calls instead costs a hot unit its registers.
 */
class PackedSizeTest {
    private static final int ALWAYS_INLINED = 35;

    private static final List<String> OPERATIONS =
            List.of(
                    "Lanes",
                    "PackedInteger",
                    "PackedShift",
                    "PackedProduct",
                    "PackedPack",
                    "PackedHorizontal",
                    "HalfShuffle",
                    "PackedShuffle");

    /**
     * What only the interpreter calls, MMX or rare, and one loop that is inlined where it is hot.
     */
    private static final Set<String> LARGER =
            Set.of(
                    "HalfShuffle.pshufb",
                    "HalfShuffle.palignr",
                    "PackedShuffle.insertpsLow",
                    "PackedShuffle.insertpsHigh",
                    "PackedShuffle.fourDistances",
                    "PackedShuffle.phminposuw",
                    "PackedShuffle.pickBytes");

    @Test
    void everyOperationOfTranslatedCodeIsSmallEnoughToBeInlinedAlways() throws IOException {
        Set<String> larger = new TreeSet<>();
        for (String operations : OPERATIONS) {
            for (MethodModel method : methods(operations)) {
                int length = method.findAttribute(Attributes.code()).orElseThrow().codeLength();
                if (length > ALWAYS_INLINED) {
                    larger.add(operations + "." + method.methodName().stringValue());
                }
            }
        }
        assertThat(larger).containsExactlyInAnyOrderElementsOf(LARGER);
    }

    private static List<MethodModel> methods(String operations) throws IOException {
        try (InputStream in = PackedInteger.class.getResourceAsStream(operations + ".class")) {
            return ClassFile.of().parse(in.readAllBytes()).methods();
        }
    }
}
