package org.xenolith.core.lab;

import java.util.Optional;

/** What became of one case: nothing to say, or why the student's work did not pass. */
record LabVerdict(Optional<String> explanation) {
    static final LabVerdict PASSED = new LabVerdict(Optional.empty());

    static LabVerdict failed(String explanation) {
        return new LabVerdict(Optional.of(explanation));
    }

    boolean isPassed() {
        return explanation.isEmpty();
    }
}
