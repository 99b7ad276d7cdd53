package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.util.Set;

/**
 * C2 inlines a method of at most 35 bytes of bytecode wherever it is called (MaxInlineSize). What
 * it calls instead costs a hot unit its registers.
 */
class PackedSizeTest {
    private static final int ALWAYS_INLINED = 35;

    /**
     * What only the interpreter calls, MMX or rare, and one loop that is inlined where it is hot.
     */
    private static final Set<String> LARGER =
            Set.of(
                    "PackedInteger.pshufb",
                    "PackedInteger.palignr",
                    "PackedShuffle.insertpsLow",
                    "PackedShuffle.insertpsHigh",
                    "PackedShuffle.fourDistances",
                    "PackedShuffle.phminposuw",
                    "PackedShuffle.pickBytes");

    @ParameterizedTest
    @CsvSource({"PackedInteger", "PackedShuffle"})
    void everyOperationOfTranslatedCodeIsSmallEnoughToBeInlinedAlways(String operations)
            throws IOException {
        byte[] bytes;
        try (InputStream in = PackedInteger.class.getResourceAsStream(operations + ".class")) {
            bytes = in.readAllBytes();
        }
        for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
            String name = operations + "." + method.methodName().stringValue();
            if (!LARGER.contains(name)) {
                assertThat(method.findAttribute(Attributes.code()).orElseThrow().codeLength())
                        .as(name)
                        .isLessThanOrEqualTo(ALWAYS_INLINED);
            }
        }
    }
}
