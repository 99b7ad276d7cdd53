package org.xenolith.bench.rules;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

final class ImportsTest {
    private static final Map<String, String> OWNERS =
            Map.of(
                    "org/xenolith/cpu/Cpu", "cpu",
                    "org/xenolith/devices/memory/HostMemory", "devices",
                    "org/xenolith/pv/ring/ByteRing", "pv-drivers",
                    "org/xenolith/guests/Lantern", "guests",
                    "org/xenolith/core/mm/FrameTable", "core",
                    "org/xenolith/core/cli/Vmm", "core",
                    "org/xenolith/bench/Boot", "bench");

    @Test
    void noClassUsesWhatItsModuleMayNotUse() {
        Map<String, List<ClassModel>> classes = Modules.classes();
        Map<String, String> owners = Modules.owners(classes);
        assertThat(List.of("cpu", "devices", "pv-drivers", "guests", "core"))
                .allSatisfy(
                        module ->
                                assertThat(classes.get(module))
                                        .as("compiled classes of " + module)
                                        .isNotEmpty());

        List<String> violations = new ArrayList<>();
        classes.forEach(
                (module, models) ->
                        models.forEach(
                                model ->
                                        violations.addAll(
                                                Imports.violations(module, model, owners))));

        assertThat(violations).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "cpu,org.xenolith.cpu.A,org.xenolith.devices.memory.HostMemory",
        "cpu,org.xenolith.cpu.A,org.xenolith.core.mm.FrameTable",
        "devices,org.xenolith.devices.A,org.xenolith.pv.ring.ByteRing",
        "devices,org.xenolith.devices.A,org.xenolith.cpu.Cpu",
        "pv-drivers,org.xenolith.pv.A,org.xenolith.cpu.Cpu",
        "pv-drivers,org.xenolith.pv.A,org.xenolith.core.mm.FrameTable",
        "guests,org.xenolith.guests.A,org.xenolith.core.mm.FrameTable",
        "core,org.xenolith.core.A,org.xenolith.bench.Boot",
        "core,org.xenolith.core.A,org.xenolith.core.cli.Vmm",
        "core,org.xenolith.core.A,com.sun.jna.Native",
        "core,org.xenolith.core.A,io.netty.buffer.ByteBuf",
        "core,org.xenolith.core.mm.A,picocli.CommandLine",
        "devices,org.xenolith.devices.A,sun.misc.Unsafe",
        "cpu,org.xenolith.cpu.A,jdk.internal.misc.Unsafe"
    })
    void forbiddenEdgeIsFoundWhereverTheTypeIsNamed(String module, String user, String used) {
        ClassDesc type = ClassDesc.of(used);
        List<Consumer<ClassBuilder>> waysToUseIt =
                List.of(
                        builder -> builder.withSuperclass(type),
                        builder -> builder.withField("field", type, 0),
                        builder -> builder.withField("array", type.arrayType(), 0),
                        builder ->
                                builder.withMethod(
                                        "parameter",
                                        MethodTypeDesc.of(ConstantDescs.CD_void, type),
                                        ClassFile.ACC_ABSTRACT,
                                        _ -> {}),
                        builder ->
                                builder.withMethodBody(
                                        "call",
                                        ConstantDescs.MTD_void,
                                        ClassFile.ACC_STATIC,
                                        code ->
                                                code.invokestatic(type, "m", ConstantDescs.MTD_void)
                                                        .return_()),
                        builder ->
                                builder.withMethodBody(
                                        "returned",
                                        ConstantDescs.MTD_void,
                                        ClassFile.ACC_STATIC,
                                        code ->
                                                code.invokestatic(
                                                                ClassDesc.of("java.lang.X"),
                                                                "m",
                                                                MethodTypeDesc.of(type))
                                                        .pop()
                                                        .return_()));

        assertThat(waysToUseIt)
                .allSatisfy(
                        way ->
                                assertThat(violations(module, user, way))
                                        .singleElement()
                                        .asString()
                                        .contains(used.replace('.', '/')));
    }

    @ParameterizedTest
    @CsvSource({
        "pv-drivers,org.xenolith.pv.A,org.xenolith.devices.memory.HostMemory",
        "core,org.xenolith.core.A,org.xenolith.cpu.Cpu",
        "core,org.xenolith.core.A,org.xenolith.pv.ring.ByteRing",
        "core,org.xenolith.core.A,org.xenolith.guests.Lantern",
        "core,org.xenolith.core.cli.A,picocli.CommandLine",
        "core,org.xenolith.core.cli.A,org.xenolith.core.mm.FrameTable",
        "devices,org.xenolith.devices.A,com.sun.jna.Native",
        "devices,org.xenolith.devices.A,io.netty.buffer.ByteBuf",
        "bench,org.xenolith.bench.A,org.xenolith.core.mm.FrameTable"
    })
    void allowedEdgeIsLeftAlone(String module, String user, String used) {
        assertThat(violations(module, user, builder -> builder.withSuperclass(ClassDesc.of(used))))
                .isEmpty();
    }

    private static List<String> violations(
            String module, String user, Consumer<ClassBuilder> content) {
        byte[] bytes = ClassFile.of().build(ClassDesc.of(user), content);
        return Imports.violations(module, ClassFile.of().parse(bytes), OWNERS);
    }
}
