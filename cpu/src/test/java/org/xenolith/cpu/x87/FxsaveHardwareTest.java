package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.x87.X87Case.Instruction;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** FXSAVE64 and FXRSTOR64 against the hardware's, but for the pointers and the SSE part. */
class FxsaveHardwareTest {
    private static final int CASES = 2000;
    private static final long SEED = Long.getLong("x87.seed", 20250811L);
    private static final byte[] FXSAVE64 = {0x48, 0x0f, (byte) 0xae, 0x07};
    private static final byte[] FXRSTOR64 = {0x48, 0x0f, (byte) 0xae, 0x0f};

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final X87CaseGenerator generator = new X87CaseGenerator(random, 30, 0);

    @Test
    void fxsaveWritesWhatTheHardwareWrites() {
        List<X87Case> cases = draw();
        List<X87State> expected = HardwareX87.execute(requests(cases, FXSAVE64));
        for (int i = 0; i < CASES; i++) {
            X87 x87 = new X87();
            x87.loadImage(5, cases.get(i).image(), false);
            byte[] area = cases.get(i).memory().clone();
            x87.fxsave(area, true);
            byte[] theirs = expected.get(i).memory();
            assertThat(x87Part(area)).as("seed %d case %d", SEED, i).isEqualTo(x87Part(theirs));
        }
    }

    @Test
    void fxrstorLoadsWhatTheHardwareLoads() {
        List<X87Case> cases = draw();
        List<X87State> expected = HardwareX87.execute(requests(cases, FXRSTOR64));
        for (int i = 0; i < CASES; i++) {
            X87 x87 = new X87();
            x87.loadImage(5, cases.get(i).image(), false);
            x87.fxrstor(cases.get(i).memory(), true);
            byte[] image = new byte[X87State.IMAGE_BYTES];
            x87.prepareImage(5, image, false);
            String ours = new X87State(image, 0, new byte[0]).describe(0);
            X87State theirs = new X87State(expected.get(i).image(), 0, new byte[0]);
            assertThat(ours).as("seed %d case %d", SEED, i).isEqualTo(theirs.describe(0));
        }
    }

    private List<X87Case> draw() {
        List<X87Case> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            X87Case drawn = generator.draw(Instruction.register("fxsave", 0xd8, 0xc0));
            random.nextBytes(drawn.memory());
            X87Images.putInt(drawn.memory(), FxsaveArea.MXCSR, FxsaveArea.MXCSR_INITIAL);
            cases.add(drawn);
        }
        return cases;
    }

    private static List<HardwareX87.Request> requests(List<X87Case> cases, byte[] code) {
        return cases.stream()
                .map(c -> new HardwareX87.Request(code, c.image(), c.rflags(), c.memory()))
                .toList();
    }

    /** Control, status and tags, then the registers. */
    private static byte[] x87Part(byte[] area) {
        byte[] part = Arrays.copyOf(area, FxsaveArea.XMM);
        Arrays.fill(part, FxsaveArea.OPCODE, FxsaveArea.REGISTERS, (byte) 0);
        return part;
    }
}
