package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.mmu.SlotAccess;
import org.xenolith.cpu.mmu.SlotAccessCopy;

import java.lang.invoke.MethodHandle;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;

class OwnSlotsTest {
    private static byte[] loopOf(int accesses) {
        Label loop = new Label();
        Assembler code = new Assembler(0);
        code.bind(loop);
        for (int i = 0; i < accesses; i++) {
            code.load(64, Cpu.RAX, at(Cpu.RBX, 8 * i));
        }
        code.dec(64, Cpu.RCX).jcc(Condition.NE, loop).syscall();
        byte[] page = Arrays.copyOf(code.bytes(), Ram.PAGE_SIZE);
        return UnitBuilder.classFile(Region.of(page, 0, 200, new int[0], null), false);
    }

    @Test
    void aLoopOfManyAccessesHasACopyOfTheAccessors() {
        assertThat(OwnSlots.areIn(loopOf(16))).isTrue();
    }

    @Test
    void aLoopOfFewAccessesSharesThem() {
        assertThat(OwnSlots.areIn(loopOf(15))).isFalse();
    }

    @Test
    void aCopyHasAllAccessorsAndIsAClassOfItsOwn() {
        Class<?> copy = SlotAccessCopy.create().lookupClass();
        assertThat(copy).isNotEqualTo(SlotAccess.class);
        assertThat(SlotAccessCopy.create().lookupClass()).isNotEqualTo(copy);
        long accessors =
                Arrays.stream(SlotAccess.class.getDeclaredMethods())
                        .map(Method::getModifiers)
                        .filter(Modifier::isPublic)
                        .count();
        MethodHandle[] handles = OwnSlots.create();
        assertThat(handles).doesNotContainNull().hasSize((int) accessors);
    }
}
