package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.x87.X87Case.Instruction;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Every exact instruction, state for state, against the hardware's x87 unit. */
class X87HardwareTest {
    private static final int CASES = 2500;
    private static final long SEED = Long.getLong("x87.seed", 20250811L);

    static Stream<Instruction> exactInstructions() {
        return Stream.of(arithmetic(), moves(), controls(), functions(), memoryForms())
                .flatMap(s -> s);
    }

    private static Stream<Instruction> arithmetic() {
        String[] names = {"fadd", "fmul", "fcom", "fcomp", "fsub", "fsubr", "fdiv", "fdivr"};
        return IntStream.range(0, 8)
                .boxed()
                .flatMap(
                        reg -> {
                            String name = names[reg];
                            int modrm = 0xc0 | reg << 3;
                            return Stream.of(
                                    Instruction.register(name + " st0, st2", 0xd8, modrm | 2),
                                    Instruction.register(name + " st1, st0", 0xdc, modrm | 1),
                                    Instruction.register(name + "p st1, st0", 0xde, modrm | 1),
                                    Instruction.memory(name + " m32", 0xd8, reg),
                                    Instruction.memory(name + " m64", 0xdc, reg),
                                    Instruction.memory(
                                            "fi" + name.substring(1) + " m32", 0xda, reg),
                                    Instruction.memory(
                                            "fi" + name.substring(1) + " m16", 0xde, reg));
                        });
    }

    private static Stream<Instruction> moves() {
        Stream<Instruction> conditional =
                IntStream.range(0, 8)
                        .mapToObj(
                                c ->
                                        Instruction.register(
                                                "fcmov", 0xda + (c >> 2), 0xc1 | (c & 3) << 3));
        Stream<Instruction> constants =
                IntStream.range(0, 7)
                        .mapToObj(c -> Instruction.register("fld constant", 0xd9, 0xe8 | c));
        return Stream.of(
                        conditional,
                        constants,
                        Stream.of(
                                Instruction.register("fld st0", 0xd9, 0xc0),
                                Instruction.register("fld st2", 0xd9, 0xc2),
                                Instruction.register("fxch", 0xd9, 0xc9),
                                Instruction.register("fxch alias", 0xdd, 0xc9),
                                Instruction.register("fxch alias", 0xdf, 0xc9),
                                Instruction.register("fst st2", 0xdd, 0xd2),
                                Instruction.register("fstp st2", 0xdd, 0xda),
                                Instruction.register("fstp st0", 0xdd, 0xd8),
                                Instruction.register("fstp alias", 0xdf, 0xd2),
                                Instruction.register("fstp alias", 0xdf, 0xda),
                                Instruction.register("fchs", 0xd9, 0xe0),
                                Instruction.register("fabs", 0xd9, 0xe1),
                                Instruction.register("fxam", 0xd9, 0xe5),
                                Instruction.register("ffree", 0xdd, 0xc3),
                                Instruction.register("ffreep", 0xdf, 0xc3)))
                .flatMap(s -> s);
    }

    private static Stream<Instruction> controls() {
        return Stream.of(
                Instruction.register("fnop", 0xd9, 0xd0),
                Instruction.register("fdecstp", 0xd9, 0xf6),
                Instruction.register("fincstp", 0xd9, 0xf7),
                Instruction.register("fneni", 0xdb, 0xe0),
                Instruction.register("fndisi", 0xdb, 0xe1),
                Instruction.register("fnclex", 0xdb, 0xe2),
                Instruction.register("fninit", 0xdb, 0xe3),
                Instruction.register("fnsetpm", 0xdb, 0xe4));
    }

    private static Stream<Instruction> functions() {
        return Stream.of(
                Instruction.register("ftst", 0xd9, 0xe4),
                Instruction.register("fxtract", 0xd9, 0xf4),
                Instruction.register("fprem1", 0xd9, 0xf5),
                Instruction.register("fprem", 0xd9, 0xf8),
                Instruction.register("fsqrt", 0xd9, 0xfa),
                Instruction.register("frndint", 0xd9, 0xfc),
                Instruction.register("fscale", 0xd9, 0xfd),
                Instruction.register("fucompp", 0xda, 0xe9),
                Instruction.register("fcompp", 0xde, 0xd9),
                Instruction.register("fucom", 0xdd, 0xe1),
                Instruction.register("fucomp", 0xdd, 0xe9),
                Instruction.register("fucomi", 0xdb, 0xe9),
                Instruction.register("fcomi", 0xdb, 0xf1),
                Instruction.register("fucomip", 0xdf, 0xe9),
                Instruction.register("fcomip", 0xdf, 0xf1));
    }

    private static Stream<Instruction> memoryForms() {
        return Stream.of(
                Instruction.memory("fld m32", 0xd9, 0),
                Instruction.memory("fst m32", 0xd9, 2),
                Instruction.memory("fstp m32", 0xd9, 3),
                Instruction.memory("fldenv", 0xd9, 4),
                Instruction.memory("fldenv", 0xd9, 4).withOperand16(),
                Instruction.memory("fldcw", 0xd9, 5),
                Instruction.memory("fnstenv", 0xd9, 6),
                Instruction.memory("fnstenv", 0xd9, 6).withOperand16(),
                Instruction.memory("fnstcw", 0xd9, 7),
                Instruction.memory("fild m32", 0xdb, 0),
                Instruction.memory("fisttp m32", 0xdb, 1),
                Instruction.memory("fist m32", 0xdb, 2),
                Instruction.memory("fistp m32", 0xdb, 3),
                Instruction.memory("fld m80", 0xdb, 5),
                Instruction.memory("fstp m80", 0xdb, 7),
                Instruction.memory("fld m64", 0xdd, 0),
                Instruction.memory("fisttp m64", 0xdd, 1),
                Instruction.memory("fst m64", 0xdd, 2),
                Instruction.memory("fstp m64", 0xdd, 3),
                Instruction.memory("frstor", 0xdd, 4),
                Instruction.memory("frstor", 0xdd, 4).withOperand16(),
                Instruction.memory("fnsave", 0xdd, 6),
                Instruction.memory("fnsave", 0xdd, 6).withOperand16(),
                Instruction.memory("fnstsw m16", 0xdd, 7),
                Instruction.memory("fild m16", 0xdf, 0),
                Instruction.memory("fisttp m16", 0xdf, 1),
                Instruction.memory("fist m16", 0xdf, 2),
                Instruction.memory("fistp m16", 0xdf, 3),
                Instruction.memory("fbld", 0xdf, 4),
                Instruction.memory("fild m64", 0xdf, 5),
                Instruction.memory("fbstp", 0xdf, 6),
                Instruction.memory("fistp m64", 0xdf, 7));
    }

    /**
     * Status bits in which processors differ: FFREE leaves the condition bits undefined; FCOMI
     * clears C1 in the SDM and on Intel's processors, but not on AMD's.
     */
    private static int undefinedStatus(Instruction instruction, X87State after) {
        if (!HardwareX87.isReference()) {
            return undefinedByTheManual(instruction, after);
        }
        boolean free = instruction.name().startsWith("ffree");
        return free || X87.writesFlags(instruction.esc(), instruction.modrm()) ? StatusWord.C1 : 0;
    }

    /**
     * What the SDM lets a processor choose: all conditions but those that are an instruction's
     * result, and these too if an unmasked exception withholds it. A comparison's are C0, C2 and
     * C3; FXAM's are all four; of a remainder they are C2, and once it is complete the low bits of
     * the quotient. SDM vol. 2, FCOM, FUCOM, FTST, FXAM, FPREM.
     */
    private static int undefinedByTheManual(Instruction instruction, X87State after) {
        String name = instruction.name();
        if ((after.status() & StatusWord.ERROR_SUMMARY) != 0) {
            return StatusWord.CONDITIONS;
        }
        if (name.startsWith("fxam")) {
            return 0;
        }
        if (name.matches("(fi?com|fucom|ftst).*")) {
            return StatusWord.C1;
        }
        if (name.startsWith("fprem")) {
            boolean complete = (after.status() & (StatusWord.C2 | StatusWord.INVALID)) == 0;
            boolean number = (after.se(0) & Float80.EXPONENT) != Float80.EXPONENT;
            return complete && number ? 0 : StatusWord.CONDITIONS & ~StatusWord.C2;
        }
        return StatusWord.CONDITIONS;
    }

    @ParameterizedTest
    @MethodSource("exactInstructions")
    void everyBitOfTheStateIsTheHardwares(Instruction instruction) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        X87CaseGenerator masked = new X87CaseGenerator(random, 0, 0);
        X87CaseGenerator any = new X87CaseGenerator(random, 30, 60);
        List<X87Case> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            cases.add((i % 2 == 0 ? masked : any).draw(instruction));
        }
        List<X87State> expected =
                HardwareX87.execute(cases.stream().map(X87Case::request).toList());
        int memoryBytes = instruction.memoryBytes();
        List<String> differences = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            int ignored = undefinedStatus(instruction, expected.get(i));
            String ours = cases.get(i).execute().withoutStatus(ignored).describe(memoryBytes);
            String theirs = expected.get(i).withoutStatus(ignored).describe(memoryBytes);
            if (!ours.equals(theirs)) {
                differences.add(
                        "before %s%nours   %s%ntheirs %s"
                                .formatted(cases.get(i).describe(), ours, theirs));
            }
        }
        assertThat(differences)
                .as("%s, seed %d: %d of %d", instruction, SEED, differences.size(), CASES)
                .isEmpty();
    }
}
