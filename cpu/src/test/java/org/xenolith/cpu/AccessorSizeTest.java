package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.mmu.AtomicAccess;
import org.xenolith.cpu.mmu.TlbAccess;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;

/** C2 inlines a method of at most 35 bytes of bytecode wherever it is called (MaxInlineSize). */
class AccessorSizeTest {
    private static final int ALWAYS_INLINED = 35;

    @ParameterizedTest
    @ValueSource(classes = {TlbAccess.class, AtomicAccess.class})
    void everyAccessorOfTranslatedCodeIsSmallEnoughToBeInlinedAlways(Class<?> accessors)
            throws IOException {
        byte[] bytes;
        try (InputStream in = accessors.getResourceAsStream(accessors.getSimpleName() + ".class")) {
            bytes = in.readAllBytes();
        }
        for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
            assertThat(method.findAttribute(Attributes.code()).orElseThrow().codeLength())
                    .as(method.methodName().stringValue())
                    .isLessThanOrEqualTo(ALWAYS_INLINED);
        }
    }
}
