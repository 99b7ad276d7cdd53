package org.xenolith.core.statistics;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.cpu.interp.TierCounters;
import org.xenolith.cpu.interp.TranslatedUnit;

/**
 * What the vCPUs of a domain did in translated code.
 *
 * @param translated instructions that ran there
 * @param entered how often it was entered
 * @param misses left before an instruction whose address the TLB did not know, or that crosses
 *     pages
 * @param budget left because the budget might not reach to the next comparison
 * @param special left before an instruction that only the interpreter executes, numbers that are
 *     not quick among them
 */
public record TierTotals(long translated, long entered, long misses, long budget, long special) {
    /** Sums over a domain's vCPUs, which may run on meanwhile. */
    public static TierTotals of(Domain domain) {
        long translated = 0;
        long entered = 0;
        long[] exits = new long[TranslatedUnit.REASONS];
        for (VirtualCpu vcpu : domain.vcpus()) {
            TierCounters counters = vcpu.cpu().tier;
            translated += counters.instructions();
            for (int reason = 0; reason < exits.length; reason++) {
                exits[reason] += counters.exits(reason);
                entered += counters.exits(reason);
            }
        }
        return new TierTotals(
                translated,
                entered,
                exits[TranslatedUnit.MISS],
                exits[TranslatedUnit.BUDGET],
                exits[TranslatedUnit.SPECIAL] + exits[TranslatedUnit.ROUGH]);
    }

    /** Left to go on elsewhere. */
    public long on() {
        return entered - misses - budget - special;
    }
}
