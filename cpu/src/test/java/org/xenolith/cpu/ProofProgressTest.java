package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A proof that is run in parts proves something each time. */
class ProofProgressTest {
    private static final int TOTAL = 3;
    private static final int FIRST_SEED = 5;

    @TempDir private Path folder;

    /** A proof whose first run has come that far. */
    private ProofProgress after(int done) throws IOException {
        Path file = folder.resolve("proof");
        Files.writeString(file, "first-seed=%d%ndone=%d%n".formatted(FIRST_SEED, done));
        return ProofProgress.in(file, TOTAL);
    }

    @Test
    void aProofGoesOnWhereItsLastRunStopped() throws IOException {
        ProofProgress first = after(1);
        first.advance();
        first.save();
        ProofProgress next = ProofProgress.in(folder.resolve("proof"), TOTAL);
        assertThat(next.firstSeed()).isEqualTo(FIRST_SEED);
        assertThat(next.done()).isEqualTo(2);
        assertThat(next.left()).isEqualTo(1);
    }

    @Test
    void aProofThatHasComeToItsEndBeginsAgainWithOtherSeeds() throws IOException {
        ProofProgress again = after(TOTAL);
        assertThat(again.left()).isEqualTo(TOTAL);
        assertThat(again.firstSeed()).isNotEqualTo(FIRST_SEED);
    }

    @Test
    void aProofThatHasGrownShorterThanWhatIsDoneBeginsAgain() throws IOException {
        assertThat(after(TOTAL + 1).left()).isEqualTo(TOTAL);
    }
}
