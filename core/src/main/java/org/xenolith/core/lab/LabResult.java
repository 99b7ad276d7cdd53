package org.xenolith.core.lab;

import java.util.List;
import java.util.Optional;

/**
 * How a student's work did.
 *
 * @param passed names of the cases that it passed, in order
 * @param failure the first case that it did not pass; the others are not tried
 */
public record LabResult(List<String> passed, Optional<Failure> failure) {
    /**
     * A case that was not passed.
     *
     * @param name of the case
     * @param explanation sentences for the student
     */
    public record Failure(String name, String explanation) {}

    public boolean isPassed() {
        return failure.isEmpty();
    }
}
