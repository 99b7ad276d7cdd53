package org.xenolith.cpu;

import java.util.BitSet;
import java.util.function.Predicate;

/**
 * Leaves steps out of a program that fails for as long as it still fails: halves first, then
 * smaller pieces, then single steps.
 */
final class ProgramShrinker {
    private ProgramShrinker() {}

    /**
     * Shrinks the program in place.
     *
     * @param fails whether the program, with the steps it now has, still fails
     */
    static void shrink(RandomProgram program, Predicate<RandomProgram> fails) {
        boolean smaller = true;
        while (smaller) {
            smaller = false;
            for (int piece = program.stepCount(); piece > 0; piece /= 2) {
                for (int from = 0; from < program.stepCount(); from += piece) {
                    smaller |= leaveOut(program, from, from + piece, fails);
                }
            }
        }
    }

    private static boolean leaveOut(
            RandomProgram program, int from, int to, Predicate<RandomProgram> fails) {
        BitSet before = program.kept();
        BitSet without = program.kept();
        without.clear(from, to);
        if (without.equals(before)) {
            return false;
        }
        program.keep(without);
        if (fails.test(program)) {
            return true;
        }
        program.keep(before);
        return false;
    }
}
