package org.xenolith.core.boot;

import org.xenolith.cpu.translate.Tier;

/** The guest cannot be executed as somebody asked: with other options it could. */
public final class TierUnfit extends BootFailed {
    private static final long serialVersionUID = 1L;

    private TierUnfit(String sentence) {
        super(sentence);
    }

    /**
     * {@link Tier#VERIFY} runs an instruction twice and compares what it leaves behind, which a
     * second vCPU changes meanwhile.
     *
     * @param guest its name, or more, for the sentence
     * @throws TierUnfit if the tier cannot have a guest of so many vCPUs
     */
    public static void check(String guest, Tier tier, int vcpus) {
        if (tier == Tier.VERIFY && vcpus > 1) {
            throw new TierUnfit(
                    "%s has %d vCPUs: --tier=verify is for guests with one."
                            .formatted(guest, vcpus));
        }
    }
}
