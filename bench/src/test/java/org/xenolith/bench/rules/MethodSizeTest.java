package org.xenolith.bench.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.util.ArrayList;
import java.util.List;

/** HotSpot never compiles a method above 8000 bytes of bytecode (HugeMethodLimit). */
final class MethodSizeTest {
    private static final int HUGE_METHOD_LIMIT = 8000;

    @Test
    void everyMethodIsSmallEnoughToBeCompiled() {
        List<String> huge = new ArrayList<>();
        Modules.classes().values().forEach(models -> models.forEach(m -> huge.addAll(huge(m))));

        assertThat(huge).isEmpty();
    }

    @Test
    void methodAboveTheLimitIsFoundAndOneAtTheLimitIsNot() {
        assertThat(huge(classWithMethod("execute", HUGE_METHOD_LIMIT))).isEmpty();
        assertThat(huge(classWithMethod("execute", HUGE_METHOD_LIMIT + 1)))
                .containsExactly("org/xenolith/cpu/A.execute has 8001 bytes");
    }

    @Test
    void classInitializerRunsOnceAndMayBeLarge() {
        assertThat(huge(classWithMethod(ConstantDescs.CLASS_INIT_NAME, 20_000))).isEmpty();
    }

    private static List<String> huge(ClassModel model) {
        List<String> huge = new ArrayList<>();
        for (MethodModel method : model.methods()) {
            int bytes = method.findAttribute(Attributes.code()).map(c -> c.codeLength()).orElse(0);
            String name = method.methodName().stringValue();
            if (bytes > HUGE_METHOD_LIMIT && !name.equals(ConstantDescs.CLASS_INIT_NAME)) {
                String owner = model.thisClass().asInternalName();
                huge.add(owner + "." + name + " has " + bytes + " bytes");
            }
        }
        return huge;
    }

    private static ClassModel classWithMethod(String name, int bytes) {
        byte[] file =
                ClassFile.of()
                        .build(
                                ClassDesc.of("org.xenolith.cpu.A"),
                                builder ->
                                        builder.withMethodBody(
                                                name,
                                                ConstantDescs.MTD_void,
                                                ClassFile.ACC_STATIC,
                                                code -> {
                                                    for (int i = 1; i < bytes; i++) {
                                                        code.nop();
                                                    }
                                                    code.return_();
                                                }));
        return ClassFile.of().parse(file);
    }
}
