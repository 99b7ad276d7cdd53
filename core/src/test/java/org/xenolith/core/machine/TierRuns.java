package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.core.boot.Outcome;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What must not depend on who executed a guest in virtual time, from its statistics. */
final class TierRuns {
    private static final Pattern COMPARED =
            Pattern.compile("entries compared with the interpreter ([\\d,]+)");

    private TierRuns() {}

    /** Instructions, hypercalls, faults and upcalls of each vCPU, and the hash of RAM. */
    static List<String> end(Outcome outcome) {
        List<String> lines =
                outcome.statistics()
                        .lines()
                        .filter(line -> line.matches("(instructions|vcpu|ram) .*"))
                        // A dropped TLB entry costs a walk, and the guest cannot see it.
                        .map(line -> line.replaceFirst(", page walks .*", ""))
                        .toList();
        assertThat(lines).hasSizeGreaterThanOrEqualTo(3);
        return lines;
    }

    /** Entries into translated code that lock step has compared. */
    static long compared(Outcome outcome) {
        Matcher line = COMPARED.matcher(outcome.statistics());
        return line.find() ? Long.parseLong(line.group(1).replace(",", "")) : 0;
    }
}
